/*
 * socket.c - what all families share: the file, the options of SOL_SOCKET, families by number.
 */
#include "sandbox/socket/socket.h"

#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/poll.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/task.h"

#define BUF_DEFAULT 212992U
#define BUF_MIN     2304U
#define BUF_MAX     (8U << 20)

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol)
{
	s->ops = ops;
	s->family = family;
	s->type = type;
	s->protocol = protocol;
	s->sndbuf = s->rcvbuf = BUF_DEFAULT;
	s->peek_off = -1;
	s->rcvlowat = 1;
}

void socket_control_free(struct socket_control *c)
{
	for (u32 i = 0; i < c->file_count; i++)
		file_put(c->files[i]);
	kfree(c->files);
	kfree(c->raw);
	pid_put(c->pid);
	*c = (struct socket_control){0};
}

int socket_control_add(struct socket_control *c, int level, int type, const void *data, size_t size)
{
	struct linux_cmsghdr h = {sizeof(struct linux_cmsghdr) + size, level, type};
	u32 need = (u32)(h.len + 7) & ~7U;
	u8 *raw = c->raw ? krealloc(c->raw, c->raw_size + need) : kmalloc(need);

	if (!raw)
		return -ENOMEM;
	c->raw = raw;
	raw += c->raw_size;
	memset(raw, 0, need);
	memcpy(raw, &h, sizeof(h));
	memcpy(raw + sizeof(struct linux_cmsghdr), data, size);
	c->raw_size += need;
	return 0;
}

static int check_type(int family, int type)
{
	if (family < 0 || family >= LINUX_AF_MAX)
		return -EAFNOSUPPORT;
	return type < 0 || type > 10 ? -EINVAL : 0;
}

int socket_create(int family, int type, int protocol, struct socket **out)
{
	int err = check_type(family, type);

	if (err)
		return err;
	switch (family) {
	case LINUX_AF_UNIX:
		return unix_create(type, protocol, out);
	case LINUX_AF_INET:
	case LINUX_AF_INET6:
		return inet_create(family, type, protocol, out);
	case LINUX_AF_NETLINK:
		return netlink_create(type, protocol, out);
	case LINUX_AF_PACKET:
		return packet_create(type, protocol, out);
	default:
		return -EAFNOSUPPORT;
	}
}

int socket_create_pair(int family, int type, int protocol, struct socket *out[2])
{
	int err = check_type(family, type);

	if (err)
		return err;
	if (family == LINUX_AF_UNIX)
		return unix_create_pair(type, protocol, out);
	/* the others have no pairs, but say first what socket(2) would */
	err = socket_create(family, type, protocol, &out[0]);
	if (err)
		return err;
	out[0]->ops->release(out[0]);
	return -EOPNOTSUPP;
}

/* ---- the file ---- */

static s64 sock_read(struct file *f, struct uio *u, u64 *pos)
{
	struct socket *s = f->private;
	struct socket_msg m = {.uio = u};

	return u->left ? s->ops->receive(s, &m, f->flags & O_NONBLOCK) : 0;
}

static s64 sock_write(struct file *f, struct uio *u, u64 *pos)
{
	struct socket *s = f->private;
	struct socket_msg m = {.uio = u};

	return s->ops->send(s, &m, f->flags & O_NONBLOCK);
}

static u32 sock_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->private;

	return s->ops->poll(s, pt) | (s->error ? LINUX_POLLERR : 0);
}

static s64 sock_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct socket *s = f->private;

	return s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;
}

static int sock_mmap(struct file *f, u64 offset, u64 size, u32 prot, bool shared, struct host_fd **backing,
		     u64 *host_offset)
{
	struct socket *s = f->private;

	*host_offset = offset;
	return s->ops->mmap ? s->ops->mmap(s, offset, size, shared, backing) : -ENODEV;
}

static void sock_release(struct file *f)
{
	struct socket *s = f->private;

	s->ops->release(s);
}

static const struct file_ops socket_file_ops = {.read = sock_read,
						.write = sock_write,
						.poll = sock_poll,
						.ioctl = sock_ioctl,
						.mmap = sock_mmap,
						.release = sock_release};

int socket_file(struct socket *s, u32 o_flags, struct file **out)
{
	*out = anon_file_new("socket", &socket_file_ops, s, O_RDWR | (o_flags & O_NONBLOCK), LINUX_S_IFSOCK);
	if (*out) {
		s->file = *out;
		return 0;
	}
	s->ops->release(s);
	return -ENOMEM;
}

struct socket *socket_of(const struct file *f)
{
	return f->ops == &socket_file_ops ? f->private : NULL;
}

u64 socket_deadline(u64 timeout_ns)
{
	return timeout_ns ? clock_monotonic() + timeout_ns : TIME_NEVER;
}

int socket_wait_error(int err, u64 timeout_ns)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeout_ns ? -EINTR : err;
}

/* ---- options ---- */

s64 socket_put_value(void *value, size_t size, const void *from, size_t from_size)
{
	memcpy(value, from, min_t(size_t, size, from_size));
	return (s64)min_t(size_t, size, from_size);
}

static s64 put_int(void *value, size_t size, s32 v)
{
	return socket_put_value(value, size, &v, sizeof(v));
}

static s64 put_timeout(void *value, size_t size, u64 ns)
{
	s64 tv[2] = {(s64)(ns / NSEC_PER_SEC), (s64)(ns % NSEC_PER_SEC / 1000)};

	memcpy(value, tv, min_t(size_t, size, sizeof(tv)));
	return (s64)min_t(size_t, size, sizeof(tv));
}

static s64 get_common(struct socket *s, int name, void *value, size_t size)
{
	s32 err;

	switch (name) {
	case LINUX_SO_TYPE:
		return put_int(value, size, s->type);
	case LINUX_SO_DOMAIN:
		return put_int(value, size, s->family);
	case LINUX_SO_PROTOCOL:
		return put_int(value, size, s->protocol);
	case LINUX_SO_ERROR:
		err = s->error;
		s->error = 0;
		return put_int(value, size, err);
	case LINUX_SO_SNDBUF:
		return put_int(value, size, (s32)s->sndbuf);
	case LINUX_SO_RCVBUF:
		return put_int(value, size, (s32)s->rcvbuf);
	case LINUX_SO_REUSEADDR:
		return put_int(value, size, s->reuseaddr);
	case LINUX_SO_KEEPALIVE:
		return put_int(value, size, s->keepalive);
	case LINUX_SO_BROADCAST:
		return put_int(value, size, s->broadcast);
	case LINUX_SO_PASSCRED:
		return put_int(value, size, s->passcred);
	case LINUX_SO_PRIORITY:
		return put_int(value, size, (s32)s->priority);
	case LINUX_SO_DEBUG:
	case LINUX_SO_DONTROUTE:
	case LINUX_SO_OOBINLINE:
	case LINUX_SO_TIMESTAMP:
		return put_int(value, size, 0);
	case LINUX_SO_RCVLOWAT:
		return put_int(value, size, (s32)s->rcvlowat);
	case LINUX_SO_SNDLOWAT:
		return put_int(value, size, 1);
	case LINUX_SO_COOKIE:
		if (size < sizeof(u64))
			return -EINVAL;
		if (!s->cookie)
			s->cookie = ++kernel()->next_cookie;
		memcpy(value, &s->cookie, sizeof(u64));
		return sizeof(u64);
	case LINUX_SO_LINGER:
		memcpy(value, s->linger, min_t(size_t, size, sizeof(s->linger)));
		return (s64)min_t(size_t, size, sizeof(s->linger));
	case LINUX_SO_RCVTIMEO:
	case LINUX_SO_RCVTIMEO_NEW:
		return put_timeout(value, size, s->rcvtimeo_ns);
	case LINUX_SO_SNDTIMEO:
	case LINUX_SO_SNDTIMEO_NEW:
		return put_timeout(value, size, s->sndtimeo_ns);
	default:
		return -ENOPROTOOPT;
	}
}

s64 socket_getsockopt(struct socket *s, int level, int name, void *value, size_t size)
{
	s64 n = s->ops->getsockopt          ? s->ops->getsockopt(s, level, name, value, size)
		: level == LINUX_SOL_SOCKET ? -ENOPROTOOPT
					    : -EOPNOTSUPP;

	return n == -ENOPROTOOPT && level == LINUX_SOL_SOCKET ? get_common(s, name, value, size) : n;
}

static int set_timeout(u64 *ns, const void *value, size_t size)
{
	s64 tv[2];

	if (size < sizeof(tv))
		return -EINVAL;
	memcpy(tv, value, sizeof(tv));
	if (tv[1] < 0 || tv[1] >= 1000000)
		return -EDOM;
	*ns = tv[0] < 0 ? 0 : (u64)min_t(s64, tv[0], 1000000000) * NSEC_PER_SEC + (u64)tv[1] * 1000;
	return 0;
}

u32 socket_buf_size(s32 v, bool send, bool force)
{
	u32 min = send ? 2 * BUF_MIN : BUF_MIN;
	u64 twice = 2ULL * (u64)max_t(s32, v, 0); /* Linux doubles it, for its own overhead */

	return (u32)max_t(u64, min, min_t(u64, twice, force ? BUF_MAX : 2 * BUF_DEFAULT));
}

static int set_common(struct socket *s, int name, const void *value, size_t size)
{
	s32 v = 0;

	if (name == LINUX_SO_RCVTIMEO || name == LINUX_SO_RCVTIMEO_NEW)
		return set_timeout(&s->rcvtimeo_ns, value, size);
	if (name == LINUX_SO_SNDTIMEO || name == LINUX_SO_SNDTIMEO_NEW)
		return set_timeout(&s->sndtimeo_ns, value, size);
	if (size < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case LINUX_SO_SNDBUF:
	case LINUX_SO_SNDBUFFORCE:
		if (name == LINUX_SO_SNDBUFFORCE && !capable(12 /* CAP_NET_ADMIN */))
			return -EPERM;
		s->sndbuf = socket_buf_size(v, true, name == LINUX_SO_SNDBUFFORCE);
		return 0;
	case LINUX_SO_RCVBUF:
	case LINUX_SO_RCVBUFFORCE:
		if (name == LINUX_SO_RCVBUFFORCE && !capable(12))
			return -EPERM;
		s->rcvbuf = socket_buf_size(v, false, name == LINUX_SO_RCVBUFFORCE);
		return 0;
	case LINUX_SO_RCVLOWAT:
		s->rcvlowat = v < 0 ? INT32_MAX : v ? (u32)v : 1;
		return 0;
	case LINUX_SO_REUSEADDR:
		s->reuseaddr = v;
		return 0;
	case LINUX_SO_KEEPALIVE:
		s->keepalive = v;
		return 0;
	case LINUX_SO_BROADCAST:
		s->broadcast = v;
		return 0;
	case LINUX_SO_PASSCRED:
		s->passcred = v;
		return 0;
	case LINUX_SO_PRIORITY:
		s->priority = (u32)v;
		return 0;
	case LINUX_SO_LINGER:
		if (size < sizeof(s->linger))
			return -EINVAL;
		memcpy(s->linger, value, sizeof(s->linger));
		return 0;
	case LINUX_SO_TYPE:
	case LINUX_SO_DOMAIN:
	case LINUX_SO_PROTOCOL:
	case LINUX_SO_ERROR:
	case LINUX_SO_ACCEPTCONN:
		return -ENOPROTOOPT;
	default:
		return -ENOPROTOOPT;
	}
}

int socket_setsockopt(struct socket *s, int level, int name, const void *value, size_t size)
{
	int err = s->ops->setsockopt          ? s->ops->setsockopt(s, level, name, value, size)
		  : level == LINUX_SOL_SOCKET ? -ENOPROTOOPT
					      : -EOPNOTSUPP;

	return err == -ENOPROTOOPT && level == LINUX_SOL_SOCKET ? set_common(s, name, value, size) : err;
}
