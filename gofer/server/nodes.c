/*
 * The table of nodes. A handle is generation << 32 | slot + 1, so that 0 is never one and a handle that was
 * clunked stays invalid when its slot is used again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "gofer/server/server.h"

static int grow(struct server *s)
{
	uint32_t cap = s->node_cap ? s->node_cap * 2 : 128;
	struct node *nodes;

	if (cap > s->node_limit)
		cap = s->node_limit;
	nodes = realloc(s->nodes, (size_t)cap * sizeof(*nodes));
	if (!nodes)
		return -ENOMEM;
	s->nodes = nodes;
	s->node_cap = cap;
	return 0;
}

uint64_t node_add(struct server *s, int fd, uint32_t mode)
{
	struct node *node;
	uint32_t index;

	if (s->node_count >= s->node_limit) {
		close(fd);
		errno = EMFILE;
		return 0;
	}
	if (s->node_free) {
		index = s->node_free - 1;
		s->node_free = s->nodes[index].next;
	} else {
		if (s->node_end == s->node_cap && grow(s)) {
			close(fd);
			errno = ENOMEM;
			return 0;
		}
		index = s->node_end++;
		s->nodes[index].gen = 0;
	}
	s->node_count++;
	node = &s->nodes[index];
	node->fd = fd;
	node->mode = mode & S_IFMT;
	node->next = 0;
	return (uint64_t)node->gen << 32 | (index + 1);
}

struct node *node_at(struct server *s, uint64_t handle)
{
	uint32_t index = (uint32_t)handle - 1;
	struct node *node;

	if ((uint32_t)handle == 0 || index >= s->node_end)
		return NULL;
	node = &s->nodes[index];
	return node->fd >= 0 && node->gen == handle >> 32 ? node : NULL;
}

void node_drop(struct server *s, uint64_t handle)
{
	struct node *node = node_at(s, handle);

	if (!node)
		return;
	if (s->dir.fd >= 0 && s->dir.handle == handle) {
		close(s->dir.fd);
		s->dir.fd = -1;
	}
	close(node->fd);
	node->fd = -1;
	node->gen++;
	node->next = s->node_free;
	s->node_free = (uint32_t)(node - s->nodes) + 1;
	s->node_count--;
}

const char *node_path(char buf[NODE_PATH_SIZE], int fd)
{
	snprintf(buf, NODE_PATH_SIZE, "self/fd/%d", fd);
	return buf;
}

int node_reopen(struct server *s, int fd, int flags)
{
	char path[NODE_PATH_SIZE];
	int opened = openat(s->proc_fd, node_path(path, fd), flags | O_CLOEXEC | O_NOCTTY);

	return opened < 0 ? -errno : opened;
}

const char *name_of(struct name *name, const struct gofer_str *str)
{
	memcpy(name->text, str->data, str->size);
	name->text[str->size] = '\0';
	return name->text;
}

static struct gofer_time time_of(const struct statx_timestamp *t)
{
	return (struct gofer_time){.sec = t->tv_sec, .nsec = t->tv_nsec};
}

int attr_get(int fd, const char *name, struct gofer_attr *attr)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
	struct statx st;

	if (statx(fd, name, flags, STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
		return -errno;
	*attr = (struct gofer_attr){
	    .ino = st.stx_ino,
	    .dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor,
	    .rdev = (uint64_t)st.stx_rdev_major << 32 | st.stx_rdev_minor,
	    .size = st.stx_size,
	    .blocks = st.stx_blocks,
	    .attributes = st.stx_attributes,
	    .attributes_mask = st.stx_attributes_mask,
	    .mode = st.stx_mode,
	    .nlink = st.stx_nlink,
	    .uid = st.stx_uid,
	    .gid = st.stx_gid,
	    .blksize = st.stx_blksize,
	    .mask = st.stx_mask,
	    .atime = time_of(&st.stx_atime),
	    .mtime = time_of(&st.stx_mtime),
	    .ctime = time_of(&st.stx_ctime),
	    .btime = time_of(&st.stx_btime),
	};
	return 0;
}
