/*
 * syscalls/socket.c - the socket calls: descriptors, addresses and msghdrs from and to the guest.
 */
#include "sandbox/abi/netlink.h"
#include "sandbox/abi/packet.h"
#include "sandbox/abi/sched.h"
#include "sandbox/socket/socket.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/base/arena.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"

#define SOCK_FLAGS  ((u32)(O_NONBLOCK | O_CLOEXEC))
#define CONTROL_MAX 20480U
#define OPT_MAX     4096U
#define CMSG_HEAD   sizeof(struct linux_cmsghdr)
#define cmsg_up(n)  (((n) + 7) & ~7ULL)

/* The socket of a descriptor, with its file counted. */
static int socket_get(int fd, struct file **f, struct socket **s)
{
	*f = fd_get(fd);
	if (!*f)
		return -EBADF;
	*s = socket_of(*f);
	return *s ? 0 : -ENOTSOCK;
}

static s64 install(struct socket *s, u32 flags)
{
	struct file *f;
	int err = socket_file(s, flags, &f);

	return err ? err : fd_install(f, 0, flags & O_CLOEXEC);
}

s64 sys_socket(struct task *t, const u64 *a)
{
	u32 type = (u32)a[1];
	struct socket *s;
	int err;

	if (type & ~(SOCK_FLAGS | 0xfU))
		return -EINVAL;
	err = socket_create(arg_int(a[0]), (int)(type & 0xf), arg_int(a[2]), &s);
	return err ? err : install(s, type);
}

s64 sys_socketpair(struct task *t, const u64 *a)
{
	u32 type = (u32)a[1];
	struct socket *s[2];
	s32 fds[2];
	s64 fd;
	int err;

	if (type & ~(SOCK_FLAGS | 0xfU))
		return -EINVAL;
	err = socket_create_pair(arg_int(a[0]), (int)(type & 0xf), arg_int(a[2]), s);
	if (err)
		return err == -EAFNOSUPPORT && arg_int(a[0]) == 2 ? -EOPNOTSUPP : err;
	fd = install(s[0], type);
	if (fd < 0) {
		s[1]->ops->release(s[1]);
		return fd;
	}
	fds[0] = (s32)fd;
	fd = install(s[1], type);
	fds[1] = (s32)fd;
	if (fd >= 0 && !put_user(&fds, uaddr(a[3])))
		return 0;
	(void)!fd_close(t, fds[0]);
	if (fd >= 0)
		(void)!fd_close(t, fds[1]);
	return fd < 0 ? fd : -EFAULT;
}

/* ---- addresses ---- */

static int addr_in(struct sockaddr_k *out, u64 user, u64 len)
{
	memset(out, 0, sizeof(*out));
	if ((s32)len < 0 || (u32)len > SOCKADDR_MAX)
		return -EINVAL;
	out->len = (u32)len;
	return out->len && copy_in(out->data, uaddr(user), out->len) ? -EFAULT : 0;
}

/* As much as fits into *user_len bytes; *user_len becomes what there was. */
static int addr_out(const struct sockaddr_k *a, u64 user, u64 user_len)
{
	u32 room, len = a->len;

	if (get_user(&room, uaddr(user_len)))
		return -EFAULT;
	if ((s32)room < 0)
		return -EINVAL;
	if (copy_out(uaddr(user), a->data, min_t(u32, room, len)))
		return -EFAULT;
	return put_user(&len, uaddr(user_len));
}

s64 sys_bind(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct sockaddr_k addr;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (!err)
		err = addr_in(&addr, a[1], a[2]);
	return err ? err : s->ops->bind(s, &addr);
}

s64 sys_connect(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct sockaddr_k addr;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (!err)
		err = addr_in(&addr, a[1], a[2]);
	return err ? err : s->ops->connect(s, &addr, f->flags & O_NONBLOCK);
}

s64 sys_listen(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	return err ? err : s->ops->listen(s, arg_int(a[1]));
}

static s64 accept_on(struct task *t, const u64 *a, u32 flags)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct sockaddr_k peer = {0};
	struct socket *s, *client;
	s64 fd;
	int err;

	if (flags & ~SOCK_FLAGS)
		return -EINVAL;
	err = socket_get(arg_int(a[0]), &f, &s);
	if (!err && !fd_have_room()) /* the connection stays for who has */
		err = -EMFILE;
	if (!err)
		err = s->ops->accept(s, f->flags & O_NONBLOCK, &client);
	if (err)
		return err;
	if (a[1] && client->ops->name(client, true, &peer))
		peer = (struct sockaddr_k){.len = 2, .data = {(u8)client->family}};
	fd = install(client, flags);
	if (fd >= 0 && a[1]) {
		err = addr_out(&peer, a[1], a[2]);
		if (err) {
			(void)!fd_close(t, (int)fd);
			return err;
		}
	}
	return fd;
}

s64 sys_accept(struct task *t, const u64 *a)
{
	return accept_on(t, a, 0);
}

s64 sys_accept4(struct task *t, const u64 *a)
{
	return accept_on(t, a, (u32)a[3]);
}

static s64 name_of(const u64 *a, bool peer)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct sockaddr_k addr = {0};
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (!err)
		err = s->ops->name(s, peer, &addr);
	return err ? err : addr_out(&addr, a[1], a[2]);
}

s64 sys_getsockname(struct task *t, const u64 *a)
{
	return name_of(a, false);
}

s64 sys_getpeername(struct task *t, const u64 *a)
{
	return name_of(a, true);
}

s64 sys_shutdown(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	return err ? err : s->ops->shutdown(s, arg_int(a[1]));
}

/* ---- options ---- */

static s64 peer_pidfd(struct socket *s, u64 user, s32 *size)
{
	struct file *f;
	struct pid *pid;
	s32 fd;
	s64 n = s->ops->peer_pid ? s->ops->peer_pid(s, &pid) : -ENOPROTOOPT;

	if (n)
		return n;
	n = pidfd_create(pid, 0, &f);
	if (n)
		return n;
	n = fd_install(f, 0, true);
	if (n < 0)
		return n;
	fd = (s32)n;
	*size = min_t(s32, *size, sizeof(fd));
	if (!copy_out(uaddr(user), &fd, (size_t)*size))
		return 0;
	(void)!fd_close(current_task(), fd);
	return -EFAULT;
}

/* Options whose value is no short piece of memory: a descriptor, a list. -ENOPROTOOPT: not one of them. *size
 * is what the caller offers, then what there is. */
static s64 getsockopt_special(struct socket *s, int level, int name, u64 user, s32 *size)
{
	const u32 *groups;
	s64 n = inet_nf_get(s, level, name, user, *size);

	if (n == -ENOPROTOOPT)
		n = sock_filter_get(s, level, name, user, size);
	if (n != -ENOPROTOOPT)
		return n;
	if (level != LINUX_SOL_SOCKET || (name != LINUX_SO_PEERGROUPS && name != LINUX_SO_PEERPIDFD))
		return -ENOPROTOOPT;
	if (name == LINUX_SO_PEERPIDFD)
		return peer_pidfd(s, user, size);
	n = s->ops->peer_groups ? s->ops->peer_groups(s, &groups) : -ENODATA;
	if (n < 0)
		return n;
	n *= (s64)sizeof(u32);
	if (*size < n) {
		*size = (s32)n;
		return -ERANGE;
	}
	*size = (s32)n;
	for (u32 i = 0; i < (u32)n / sizeof(u32); i++) {
		u32 gid = gid_seen(groups[i]);
		if (put_user(&gid, uaddr(user + i * sizeof(gid))))
			return -EFAULT;
	}
	return 0;
}

s64 sys_getsockopt(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	char value[256] = {0};
	struct socket *s;
	s32 size;
	s64 n;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (err)
		return err;
	if (get_user(&size, uaddr(a[4])))
		return -EFAULT;
	if (size < 0)
		return -EINVAL;
	n = getsockopt_special(s, arg_int(a[1]), arg_int(a[2]), a[3], &size);
	if (n != -ENOPROTOOPT)
		return (n >= 0 || n == -ERANGE) && put_user(&size, uaddr(a[4])) ? -EFAULT : n;
	/* the one option whose value is a question */
	if (arg_int(a[1]) == LINUX_SOL_PACKET && arg_int(a[2]) == LINUX_PACKET_HDRLEN && size >= 4 &&
	    copy_in(value, uaddr(a[3]), 4))
		return -EFAULT;
	n = socket_getsockopt(s, arg_int(a[1]), arg_int(a[2]), value,
			      min_t(size_t, (size_t)size, sizeof(value)));
	if (n < 0)
		return n;
	size = (s32)n;
	return copy_out(uaddr(a[3]), value, (size_t)n) || put_user(&size, uaddr(a[4])) ? -EFAULT : 0;
}

s64 sys_setsockopt(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	auto_cleanup(kfreep) char *value = NULL;
	u32 size = (u32)a[4];
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (err)
		return err;
	if ((s32)size < 0 || size > max_t(u32, OPT_MAX, inet_nf_option_max(s, arg_int(a[1]), arg_int(a[2]))))
		return -EINVAL;
	value = kzalloc(size + 1);
	if (!value)
		return -ENOMEM;
	if (size && copy_in(value, uaddr(a[3]), size))
		return -EFAULT;
	return socket_setsockopt(s, arg_int(a[1]), arg_int(a[2]), value, size);
}

/* ---- sending ---- */

static int rights_in(struct socket_control *c, const char *data, size_t size)
{
	u32 n = (u32)(size / sizeof(s32));
	s32 fd;

	if (!n)
		return 0;
	if (c->file_count + n > LINUX_SCM_MAX_FD)
		return -EINVAL;
	if (!c->files) {
		c->files = knew_array(struct file *, LINUX_SCM_MAX_FD);
		if (!c->files)
			return -ENOMEM;
	}
	for (u32 i = 0; i < n; i++) {
		struct file *f;
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		f = fd_get_path(fd);
		if (!f)
			return -EBADF;
		c->files[c->file_count++] = f;
	}
	return 0;
}

static int cred_in(struct task *t, struct socket_control *c, const char *data, size_t size)
{
	const struct cred *own = t->cred;
	struct linux_ucred u;
	struct task *other;

	if (size != sizeof(u))
		return -EINVAL;
	memcpy(&u, data, sizeof(u));
	u.uid = uid_given(u.uid);
	u.gid = gid_given(u.gid);
	if (u.uid == NO_ID || u.gid == NO_ID)
		return -EINVAL;
	other = u.pid == pid_vnr(t->tg->leader->pid) ? t->tg->leader : task_find(u.pid);
	if (!other)
		return -ESRCH;
	if ((other->tg != t->tg && !ns_capable(task_pid_ns(t)->common.owner, LINUX_CAP_SYS_ADMIN)) ||
	    (u.uid != own->uid && u.uid != own->euid && u.uid != own->suid &&
	     !ns_capable(own->user_ns, LINUX_CAP_SETUID)) ||
	    (u.gid != own->gid && u.gid != own->egid && u.gid != own->sgid &&
	     !ns_capable(own->user_ns, LINUX_CAP_SETGID)))
		return -EPERM;
	pid_put(c->pid);
	c->pid = pid_get(other->pid);
	c->uid = u.uid;
	c->gid = u.gid;
	c->has_cred = c->cred_given = true;
	return 0;
}

/* Every message lies inside of the buffer. */
static int control_check(const char *buf, u64 size)
{
	struct linux_cmsghdr h;

	for (u64 at = 0; size - at >= CMSG_HEAD; at += cmsg_up(h.len)) {
		memcpy(&h, buf + at, sizeof(h));
		if (h.len < CMSG_HEAD || h.len > size - at)
			return -EINVAL;
		if (cmsg_up(h.len) > size - at)
			break;
	}
	return 0;
}

/* unix(7) has its messages taken apart here, for they name objects of the sender; other families get them as
 * they are. */
static int control_in(struct task *t, struct socket *s, struct socket_control *c, u64 user, u64 size)
{
	auto_cleanup(kfreep) char *buf = NULL;
	int err = 0;

	if (!size)
		return 0;
	if (size > CONTROL_MAX)
		return -ENOBUFS;
	buf = kmalloc(size);
	if (!buf)
		return -ENOMEM;
	if (copy_in(buf, uaddr(user), size))
		return -EFAULT;
	if (s->family != LINUX_AF_UNIX) {
		err = control_check(buf, size);
		if (!err) {
			c->raw = (u8 *)buf;
			c->raw_size = (u32)size;
			buf = NULL;
		}
		return err;
	}
	for (u64 at = 0; !err && size - at >= CMSG_HEAD;) {
		struct linux_cmsghdr h;
		memcpy(&h, buf + at, sizeof(h));
		if (h.len < CMSG_HEAD || h.len > size - at)
			return -EINVAL;
		if (h.level == LINUX_SOL_SOCKET && h.type == LINUX_SCM_RIGHTS)
			err = rights_in(c, buf + at + CMSG_HEAD, h.len - CMSG_HEAD);
		else if (h.level == LINUX_SOL_SOCKET && h.type == LINUX_SCM_CREDENTIALS)
			err = cred_in(t, c, buf + at + CMSG_HEAD, h.len - CMSG_HEAD);
		else if (h.level == LINUX_SOL_SOCKET)
			err = -EINVAL;
		if (cmsg_up(h.len) > size - at)
			break;
		at += cmsg_up(h.len);
	}
	return err;
}

static s64 send_one(struct task *t, struct file *f, struct socket *s, u64 user, u32 flags)
{
	struct socket_control control = {0};
	struct linux_msghdr h;
	struct sockaddr_k name;
	struct socket_msg m = {.control = &control, .flags = flags};
	struct uio u;
	s64 ret;

	if (get_user(&h, uaddr(user)))
		return -EFAULT;
	if (h.name && h.namelen) {
		ret = addr_in(&name, h.name, min_t(u32, h.namelen, SOCKADDR_MAX));
		if (ret)
			return ret;
		m.name = &name;
	}
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	ret = uio_init_iovec(&u, UIO_FROM_USER, uaddr(h.iov), h.iovlen);
	if (ret)
		return ret;
	m.uio = &u;
	ret = control_in(t, s, &control, h.control, h.control ? h.controllen : 0);
	if (!ret)
		ret = s->ops->send(s, &m, f->flags & O_NONBLOCK);
	socket_control_free(&control);
	uio_done(&u);
	return ret;
}

s64 sys_sendmsg(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	return err ? err : send_one(t, f, s, a[1], (u32)a[2]);
}

s64 sys_sendto(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct socket_msg m = {.flags = (u32)a[3]};
	struct sockaddr_k name;
	struct socket *s;
	struct uio u;
	int err = socket_get(arg_int(a[0]), &f, &s);

	if (!err && a[4]) {
		err = addr_in(&name, a[4], a[5]);
		m.name = &name;
	}
	if (err)
		return err;
	uio_init_user(&u, UIO_FROM_USER, uaddr(a[1]), a[2]);
	m.uio = &u;
	return s->ops->send(s, &m, f->flags & O_NONBLOCK);
}

s64 sys_sendmmsg(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 count = min_t(u32, (u32)a[2], 1024), done = 0;
	struct socket *s;
	s64 ret = socket_get(arg_int(a[0]), &f, &s);

	if (ret)
		return ret;
	for (; done < count; done++) {
		u64 at = a[1] + done * 64; /* struct mmsghdr */
		u32 n;
		ret = send_one(t, f, s, at, (u32)a[3]);
		if (ret < 0)
			break;
		n = (u32)ret;
		ret = put_user(&n, uaddr(at + sizeof(struct linux_msghdr)));
		if (ret)
			break;
	}
	return done ? done : ret;
}

/* ---- receiving ---- */

struct control_out {
	u64 user, room, used;
	u32 flags;
};

static int put_cmsg_of(struct control_out *o, int level, int type, const void *data, size_t size)
{
	struct linux_cmsghdr h = {CMSG_HEAD + size, level, type};

	if (o->room - o->used < CMSG_HEAD) {
		o->flags |= LINUX_MSG_CTRUNC;
		return 0;
	}
	if (h.len > o->room - o->used) {
		o->flags |= LINUX_MSG_CTRUNC;
		h.len = o->room - o->used;
		size = h.len - CMSG_HEAD;
	}
	if (put_user(&h, uaddr(o->user + o->used)) ||
	    (size && copy_out(uaddr(o->user + o->used + CMSG_HEAD), data, size)))
		return -EFAULT;
	o->used += min_t(u64, cmsg_up(h.len), o->room - o->used);
	return 0;
}

static int put_cmsg(struct control_out *o, int type, const void *data, size_t size)
{
	return put_cmsg_of(o, LINUX_SOL_SOCKET, type, data, size);
}

/* What the family has to say. */
static int raw_out(struct control_out *o, const struct socket_control *c)
{
	struct linux_cmsghdr h;
	int err = 0;

	for (u32 at = 0; !err && at < c->raw_size; at += (u32)cmsg_up(h.len)) {
		memcpy(&h, c->raw + at, sizeof(h));
		err = put_cmsg_of(o, h.level, h.type, c->raw + at + CMSG_HEAD, h.len - CMSG_HEAD);
	}
	return err;
}

static int rights_out(struct control_out *o, struct socket_control *c, bool cloexec)
{
	u64 room = o->room - o->used;
	u32 n = room > CMSG_HEAD ? (u32)min_t(u64, c->file_count, (room - CMSG_HEAD) / sizeof(s32)) : 0;
	s32 fds[LINUX_SCM_MAX_FD];
	u32 got = 0;

	for (; got < n; got++) {
		s64 fd = fd_install(file_get(c->files[got]), 0, cloexec);
		if (fd < 0)
			break;
		fds[got] = (s32)fd;
	}
	if (got < c->file_count)
		o->flags |= LINUX_MSG_CTRUNC;
	return got ? put_cmsg(o, LINUX_SCM_RIGHTS, fds, got * sizeof(s32)) : 0;
}

static int pidfd_out(struct control_out *o, struct pid *pid)
{
	struct file *f;
	s64 fd;
	s32 nr;
	int err;

	if (o->room - o->used < CMSG_HEAD + sizeof(nr)) {
		o->flags |= LINUX_MSG_CTRUNC;
		return 0;
	}
	err = pidfd_create(pid, 0, &f);
	fd = err ? err : fd_install(f, 0, true);
	nr = (s32)fd; /* an error is told in its place */
	err = put_cmsg(o, LINUX_SCM_PIDFD, &nr, sizeof(nr));
	if (err && fd >= 0)
		(void)!fd_close(current_task(), nr);
	return err;
}

static s64 receive_one(struct task *t, struct file *f, struct socket *s, u64 user, u32 flags)
{
	struct socket_control control = {0};
	struct linux_msghdr h;
	struct sockaddr_k name = {0};
	struct socket_msg m = {.name = &name, .control = &control, .flags = flags};
	struct control_out o;
	struct uio u;
	s64 ret, n;

	if (get_user(&h, uaddr(user)))
		return -EFAULT;
	if (h.iovlen > 1024)
		return -EMSGSIZE;
	ret = uio_init_iovec(&u, UIO_TO_USER, uaddr(h.iov), h.iovlen);
	if (ret)
		return ret;
	m.uio = &u;
	n = s->ops->receive(s, &m, f->flags & O_NONBLOCK);
	uio_done(&u);
	if (n < 0)
		return n;
	o = (struct control_out){h.control, h.control ? h.controllen : 0, 0, 0};
	ret = raw_out(&o, &control);
	if (!ret && s->passcred && s->family == LINUX_AF_UNIX) { /* sent when nobody asked: nobody's */
		struct linux_ucred u2 = {0, 65534, 65534};
		if (control.has_cred)
			u2 = (struct linux_ucred){pid_vnr(control.pid), uid_seen(control.uid),
						  gid_seen(control.gid)};
		ret = put_cmsg(&o, LINUX_SCM_CREDENTIALS, &u2, sizeof(u2));
	}
	if (!ret && control.file_count)
		ret = rights_out(&o, &control, flags & LINUX_MSG_CMSG_CLOEXEC);
	if (!ret && s->passpidfd && control.has_cred)
		ret = pidfd_out(&o, control.pid);
	socket_control_free(&control);
	if (!ret && h.name && copy_out(uaddr(h.name), name.data, min_t(u32, h.namelen, name.len)))
		ret = -EFAULT;
	h.namelen = name.len;
	h.controllen = o.used;
	h.flags = m.flags | o.flags | (flags & LINUX_MSG_CMSG_CLOEXEC);
	if (!ret && put_user(&h, uaddr(user)))
		ret = -EFAULT;
	return ret ? ret : n;
}

s64 sys_recvmsg(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct socket *s;
	int err = socket_get(arg_int(a[0]), &f, &s);

	return err ? err : receive_one(t, f, s, a[1], (u32)a[2]);
}

s64 sys_recvfrom(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct sockaddr_k name = {0};
	struct socket_msg m = {.name = &name, .flags = (u32)a[3]};
	struct socket *s;
	struct uio u;
	s64 n = socket_get(arg_int(a[0]), &f, &s);

	if (n)
		return n;
	uio_init_user(&u, UIO_TO_USER, uaddr(a[1]), a[2]);
	m.uio = &u;
	n = s->ops->receive(s, &m, f->flags & O_NONBLOCK);
	if (n >= 0 && a[4]) {
		int err = addr_out(&name, a[4], a[5]);
		if (err)
			return err;
	}
	return n;
}

s64 sys_recvmmsg(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	u32 count = min_t(u32, (u32)a[2], 1024), done = 0, flags = (u32)a[3];
	struct socket *s;
	s64 ts[2], ret = socket_get(arg_int(a[0]), &f, &s);
	u64 deadline = TIME_NEVER;

	if (ret)
		return ret;
	if (a[4]) {
		if (copy_in(ts, uaddr(a[4]), sizeof(ts)))
			return -EFAULT;
		if (ts[0] < 0 || ts[1] < 0 || ts[1] >= (s64)NSEC_PER_SEC)
			return -EINVAL;
		deadline = clock_monotonic() + (u64)min_t(s64, ts[0], 1000000000) * NSEC_PER_SEC + (u64)ts[1];
	}
	for (; done < count && (!done || clock_monotonic() < deadline); done++) {
		u64 at = a[1] + done * 64;
		u32 n;
		ret = receive_one(t, f, s, at, flags & ~LINUX_MSG_WAITFORONE);
		if (ret < 0)
			break;
		n = (u32)ret;
		ret = put_user(&n, uaddr(at + sizeof(struct linux_msghdr)));
		if (ret)
			break;
		if (flags & LINUX_MSG_WAITFORONE)
			flags |= LINUX_MSG_DONTWAIT;
	}
	return done ? done : ret;
}
