/*
 * unix_name.c - addresses of unix sockets: a path, an abstract name, or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/socket/unix_priv.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

struct socket_state *unix_sockets(void)
{
	struct kernel *k = kernel();

	if (!k->sockets) {
		k->sockets = knew(struct socket_state);
		if (k->sockets) {
			list_init(&k->sockets->abstract);
			list_init(&k->sockets->all);
			list_init(&k->sockets->in_flight);
			list_init(&k->sockets->to_close);
		}
	}
	return k->sockets;
}

static bool is_abstract(const struct sockaddr_k *a)
{
	return a->len > 2 && !a->data[2];
}

static int check(const struct sockaddr_k *a)
{
	u16 family;

	if (a->len < 2 || a->len > sizeof(struct linux_sockaddr_un))
		return -EINVAL;
	memcpy(&family, a->data, 2);
	return family == LINUX_AF_UNIX ? 0 : -EINVAL;
}

/* The path in an address, with the NUL it may lack. */
static void path_of(const struct sockaddr_k *a, char *out, size_t size)
{
	size_t n = min_t(size_t, a->len - 2, size - 1);

	memcpy(out, a->data + 2, n);
	out[n] = 0;
}

static struct unix_endpoint *find_abstract(const struct sockaddr_k *a)
{
	struct socket_state *n = unix_sockets();
	struct unix_endpoint *e;

	if (n)
		list_for_each_entry (e, &n->abstract, abstract_node)
			if (e->addr.len == a->len && !memcmp(e->addr.data, a->data, a->len))
				return e;
	return NULL;
}

static int bind_abstract(struct unix_endpoint *e, const struct sockaddr_k *a)
{
	if (!unix_sockets())
		return -ENOMEM;
	if (find_abstract(a))
		return -EADDRINUSE;
	e->addr = *a;
	list_add_tail(&e->abstract_node, &unix_sockets()->abstract);
	return 0;
}

int unix_autobind(struct unix_endpoint *e)
{
	struct sockaddr_k a = {.len = 8, .data = {LINUX_AF_UNIX}};
	char digits[8];

	if (e->addr.len)
		return 0;
	if (!unix_sockets())
		return -ENOMEM;
	for (u32 tries = 0; tries < 0x100000; tries++) {
		snprintf(digits, sizeof(digits), "%05x", unix_sockets()->next_auto++ & 0xfffff);
		memcpy(a.data + 3, digits, 5);
		if (!find_abstract(&a))
			return bind_abstract(e, &a);
	}
	return -ENOSPC;
}

static int bind_path(struct unix_endpoint *e, const struct sockaddr_k *a)
{
	char path[sizeof(struct linux_sockaddr_un)];
	struct path p = {0};
	int err;

	path_of(a, path, sizeof(path));
	err = vfs_mknod(AT_FDCWD, path, LINUX_S_IFSOCK | 0777, 0);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = e->addr.len ? -EINVAL : path_lookup(AT_FDCWD, path, 0, &p);
	if (!err && e->addr.len) { /* another thread has bound it meanwhile */
		path_put(&p);
		err = -EINVAL;
	}
	if (err == -EINVAL && vfs_unlink(AT_FDCWD, path)) /* as Linux, the path is tried first */
		klog(LOG_DEBUG, "a name that no socket has stays");
	if (err)
		return err;
	p.dentry->inode->unix_ep = e;
	e->path = p;
	e->addr = *a;
	e->addr.len = 2 + (u32)strlen(path) + 1;
	e->addr.data[e->addr.len - 1] = 0;
	return 0;
}

int unix_bind(struct socket *s, const struct sockaddr_k *addr)
{
	struct unix_endpoint *e = unix_of(s);
	int err = check(addr);

	if (err)
		return err;
	if (addr->len == 2)
		return e->addr.len ? -EINVAL : unix_autobind(e);
	if (is_abstract(addr))
		return e->addr.len ? -EINVAL : bind_abstract(e, addr);
	return bind_path(e, addr);
}

void unix_unbind(struct unix_endpoint *e)
{
	list_del_init(&e->abstract_node);
	if (e->path.dentry) {
		if (e->path.dentry->inode && e->path.dentry->inode->unix_ep == e)
			e->path.dentry->inode->unix_ep = NULL;
		path_put(&e->path);
	}
}

int unix_find(const struct sockaddr_k *addr, int type, struct unix_endpoint **out)
{
	char path[sizeof(struct linux_sockaddr_un)];
	struct unix_endpoint *e;
	struct path p = {0};
	int err = check(addr);

	if (err || addr->len == 2)
		return err ? err : -EINVAL;
	if (is_abstract(addr)) {
		e = find_abstract(addr);
	} else {
		path_of(addr, path, sizeof(path));
		err = path_lookup(AT_FDCWD, path, WALK_FOLLOW, &p);
		if (err)
			return err;
		err = inode_permission(p.dentry->inode, p.mnt, 2);
		e = mode_type(p.dentry->inode->attr.mode) == LINUX_S_IFSOCK ? p.dentry->inode->unix_ep : NULL;
	}
	if (!err && !e)
		err = -ECONNREFUSED;
	if (!err && e->sock.type != type)
		err = -EPROTOTYPE;
	if (!err)
		*out = unix_get(e);
	path_put(&p);
	return err;
}

int unix_name(struct socket *s, bool peer, struct sockaddr_k *out)
{
	struct unix_endpoint *e = unix_of(s);

	if (peer) {
		e = e->peer;
		if (!e)
			return -ENOTCONN;
	}
	if (e->addr.len)
		*out = e->addr;
	else
		*out = (struct sockaddr_k){.len = 2, .data = {LINUX_AF_UNIX}};
	return 0;
}
