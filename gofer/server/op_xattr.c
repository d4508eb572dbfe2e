/*
 * Extended attributes. Only the kinds that mean something inside a sandbox are let through, in both
 * directions: a guest neither sees nor sets the host's security labels (security.selinux, security.ima,
 * trusted.*).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "gofer/server/server.h"

/* The names in scratch[size] that are allowed, packed into s->list. Returns their size. */
static size_t filter_names(struct server *s, size_t size)
{
	size_t kept = 0;

	for (size_t at = 0; at < size;) {
		const char *name = (const char *)s->scratch + at;
		size_t len = strnlen(name, size - at);

		if (len == size - at)
			break;
		if (gofer_xattr_ok(name)) {
			memcpy(s->list + kept, name, len + 1);
			kept += len + 1;
		}
		at += len + 1;
	}
	return kept;
}

void attr_note_plain(int fd, const char *name, struct gofer_attr *attr)
{
	char path[NODE_PATH_SIZE + 1 + GOFER_NAME_MAX + 1], names[256];
	ssize_t n;

	if (!S_ISREG(attr->mode) && !S_ISDIR(attr->mode))
		return;
	node_path(path, fd);
	if (name) {
		snprintf(path + strlen(path), GOFER_NAME_MAX + 2, "/%s", name);
		n = llistxattr(path, names, sizeof(names)); /* it may have become a link meanwhile */
	} else {
		n = listxattr(path, names, sizeof(names));
	}
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		if (gofer_xattr_ok(names + at))
			return;
	if (n >= 0)
		attr->mask |= GOFER_ATTR_PLAIN;
}

int op_getxattr(struct server *s, struct node *node, const struct gofer_request *q, struct answer *a)
{
	char path[NODE_PATH_SIZE];
	struct name name;
	ssize_t n;

	node_path(path, node->fd);
	if (q->op == GOFER_LISTXATTR) {
		n = listxattr(path, (char *)s->scratch, GOFER_XATTR_MAX);
		if (n > 0)
			n = (ssize_t)filter_names(s, (size_t)n);
	} else {
		if (!gofer_xattr_ok(name_of(&name, &q->getxattr.name)))
			return -EOPNOTSUPP;
		n = getxattr(path, name.text, s->list, GOFER_XATTR_MAX);
	}
	if (n < 0)
		return -errno;
	if (q->getxattr.max_size && (size_t)n > q->getxattr.max_size)
		return -ERANGE;
	a->reply.xattr.full_size = (uint32_t)n;
	a->reply.xattr.value = (struct gofer_str){.data = (char *)s->list};
	if (q->getxattr.max_size)
		a->reply.xattr.value.size = (uint32_t)n;
	return 0;
}

int op_setxattr(struct server *s, struct node *node, const struct gofer_request *q)
{
	char path[NODE_PATH_SIZE];
	struct name name;
	int err;

	if (!gofer_xattr_ok(name_of(&name, &q->setxattr.name)))
		return -EOPNOTSUPP;
	node_path(path, node->fd);
	if (q->op == GOFER_REMOVEXATTR)
		err = removexattr(path, name.text);
	else
		err = setxattr(path, name.text, q->setxattr.value.data, q->setxattr.value.size,
			       (int)q->setxattr.flags);
	return err ? -errno : 0;
}
