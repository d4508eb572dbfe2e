/*
 * socket.h - sockets as files: what all families share, and what a family provides.
 *
 * A struct socket is the private data of a file of kind S_IFSOCK. The family's operations get kernel-side
 * addresses and a uio; copying from and to the guest's msghdr is syscalls/socket.c's work.
 */
#ifndef WARREN_SOCKET_SOCKET_H
#define WARREN_SOCKET_SOCKET_H

#include "sandbox/abi/socket.h"
#include "sandbox/vfs/vfs.h"

#define SOCKADDR_MAX 128U

struct socket;

struct sockaddr_k {
	u32 len; /* 0: none */
	u8 data[SOCKADDR_MAX];
};

/* Ancillary data on its way; files are counted. */
struct socket_control {
	struct file **files;
	u32 file_count;
	bool has_cred, cred_given; /* given: by the sender itself, checked */
	struct pid *pid;           /* counted */
	u32 uid, gid;
	/* what a family itself understands: the sender's control messages as they came (send), those for the
	 * receiver (receive), each a struct linux_cmsghdr and its data, padded to 8 bytes */
	u8 *raw;
	u32 raw_size;
};
void socket_control_free(struct socket_control *c);
/* Adds a control message to c->raw. 0 or -ENOMEM. */
int socket_control_add(struct socket_control *c, int level, int type, const void *data,
		       size_t size) must_check;

struct socket_msg {
	struct uio *uio;
	struct sockaddr_k *name;        /* in: the target (may be NULL); out: the sender (may be NULL) */
	struct socket_control *control; /* may be NULL; receive: taken over by the caller */
	u32 flags;                      /* LINUX_MSG_*; receive sets MSG_TRUNC, MSG_EOR */
};

struct socket_ops {
	int (*bind)(struct socket *s, const struct sockaddr_k *addr);
	int (*connect)(struct socket *s, const struct sockaddr_k *addr, bool nonblock);
	int (*listen)(struct socket *s, int backlog);
	int (*accept)(struct socket *s, bool nonblock, struct socket **out);
	s64 (*send)(struct socket *s, struct socket_msg *m, bool nonblock);
	s64 (*receive)(struct socket *s, struct socket_msg *m, bool nonblock);
	int (*shutdown)(struct socket *s, int how);
	int (*name)(struct socket *s, bool peer, struct sockaddr_k *out);
	u32 (*poll)(struct socket *s, struct poll_table *pt);
	s64 (*ioctl)(struct socket *s, u32 cmd, u64 arg);
	/* What a mapping of it maps, a reference. NULL: -ENODEV. */
	int (*mmap)(struct socket *s, u64 offset, u64 size, bool shared, struct host_fd **backing);
	/* All options go to the family first; -ENOPROTOOPT leaves one of SOL_SOCKET to the common code. Get
	 * returns the bytes written to value. */
	s64 (*getsockopt)(struct socket *s, int level, int name, void *value, size_t size);
	int (*setsockopt)(struct socket *s, int level, int name, const void *value, size_t size);
	/* SO_PEERPIDFD: borrowed; -ENODATA. NULL: -ENOPROTOOPT. */
	int (*peer_pid)(struct socket *s, struct pid **out);
	/* SO_PEERGROUPS: their number, borrowed; -ENODATA. NULL: -ENODATA. */
	s64 (*peer_groups)(struct socket *s, const u32 **out);
	void (*release)(struct socket *s);
};

struct socket {
	const struct socket_ops *ops;
	int family, type, protocol;
	int error; /* SO_ERROR: positive errno, read once */
	u32 sndbuf, rcvbuf;
	u64 sndtimeo_ns, rcvtimeo_ns; /* 0: none */
	struct file *file;            /* borrowed; NULL before accept(2) hands it out */
	u64 cookie;                   /* SO_COOKIE, made when asked for */
	s32 peek_off;                 /* SO_PEEK_OFF; -1: none */
	u32 rcvlowat;
	bool passpidfd;
	bool filter_locked; /* SO_LOCK_FILTER */
	bool passcred, reuseaddr, keepalive, broadcast;
	u32 priority;
	s32 linger[2];
};

void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type, int protocol);
/* socket(2): -EAFNOSUPPORT, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT. */
int socket_create(int family, int type, int protocol, struct socket **out) must_check;
int socket_create_pair(int family, int type, int protocol, struct socket *out[2]) must_check;
/* The file of a socket; takes the socket over, also on failure. o_flags: O_NONBLOCK. */
int socket_file(struct socket *s, u32 o_flags, struct file **out) must_check;
/* The socket of a file, or NULL: -ENOTSOCK. */
struct socket *socket_of(const struct file *f);
s64 socket_getsockopt(struct socket *s, int level, int name, void *value, size_t size) must_check;
int socket_setsockopt(struct socket *s, int level, int name, const void *value, size_t size) must_check;
/* The deadline of a call that may wait, by SO_RCVTIMEO or SO_SNDTIMEO. */
u64 socket_deadline(u64 timeout_ns);
/* What SO_SNDBUF or SO_RCVBUF makes of the value it is given; force: beyond what is allowed to all. */
u32 socket_buf_size(s32 v, bool send, bool force);
/* How an option's value goes out: at most `size` bytes of it. */
s64 socket_put_value(void *value, size_t size, const void *from, size_t from_size);
/* A wait that ended early, as socket calls report it: a timeout is EAGAIN; with a timeout set, a signal is
 * EINTR. */
int socket_wait_error(int err, u64 timeout_ns);

/* inet.c: AF_INET and AF_INET6 */
int inet_create(int family, int type, int protocol, struct socket **out) must_check;

/* inet_nf.c: options whose values are as large as a packet filter's tables. How large one may be that is set
 * (0: not such an option); reading into the guest's memory (-ENOPROTOOPT: not such an option). */
u32 inet_nf_option_max(const struct socket *s, int level, int name);
s64 inet_nf_get(struct socket *s, int level, int name, u64 user, s32 size) must_check;

/* sock_filter.c: SO_GET_FILTER, whose size counts instructions. -ENOPROTOOPT: another option, or a family
 * without. */
s64 sock_filter_get(struct socket *s, int level, int name, u64 user, s32 *size) must_check;

/* netlink.c, packet.c */
int netlink_create(int type, int protocol, struct socket **out) must_check;
int packet_create(int type, int protocol, struct socket **out) must_check;

/* unix.c */
int unix_create(int type, int protocol, struct socket **out) must_check;
int unix_create_pair(int type, int protocol, struct socket *out[2]) must_check;

#endif
