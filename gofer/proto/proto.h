/*
 * The gofer protocol: how a sentry asks a file server for one host directory tree.
 *
 * Transport: one SOCK_SEQPACKET unix socket, one message a packet, at most GOFER_MSG_MAX bytes. All integers
 * are little-endian. A message is a header, then the fields of its operation in the order in which the struct
 * declares them; a string is a u32 size and that many bytes, no terminator. Descriptors travel as SCM_RIGHTS
 * with the message that owns them; a message that carries more descriptors than its operation allows is a
 * violation.
 *
 * Requests carry a tag chosen by the client; replies repeat tag and operation. Several may be in flight, in
 * any order. Tag 0 means "send no reply" and is allowed for CLUNK only.
 *
 * Nodes are named by handles, u64 numbers chosen by the server: a slot and a generation, so that a stale
 * handle is an error (EBADF) and never another file. Handles live until clunked, or until the connection
 * ends. They stay valid across CLONE in both connections.
 *
 * No trust in either direction: the decoders here refuse everything that is not exactly well-formed (size,
 * counts, names, trailing bytes), and a decoded struct points only into the message. The same two functions
 * serve both sides: encode and decode of one union, so that decode(encode(x)) == x is a test.
 */
#ifndef WARREN_GOFER_PROTO_H
#define WARREN_GOFER_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GOFER_VERSION     1u
#define GOFER_MSG_MAX     (128u * 1024u) /* below the default socket buffer (208 KiB) with its overhead */
#define GOFER_HEADER_SIZE 16u
#define GOFER_NAME_MAX    255u
#define GOFER_TARGET_MAX  4095u  /* of a symbolic link */
#define GOFER_XATTR_MAX   65536u /* of one value, or of one list of names */
#define GOFER_WALK_MAX    16u    /* components in one WALK */
#define GOFER_CLUNK_MAX   4096u  /* handles in one CLUNK */
#define GOFER_REPLY_SMALL 512u   /* every reply without a string or a list fits */
#define GOFER_ATTR_SIZE   128u
#define GOFER_STEP_MAX    (8u + GOFER_ATTR_SIZE + 4u + GOFER_TARGET_MAX)

enum gofer_op {
	GOFER_HELLO = 1,
	GOFER_ATTACH,
	GOFER_WALK,
	GOFER_CLUNK,
	GOFER_GETATTR,
	GOFER_SETATTR,
	GOFER_OPEN,
	GOFER_CREATE,
	GOFER_LINK,
	GOFER_READDIR,
	GOFER_READLINK,
	GOFER_UNLINK,
	GOFER_RENAME,
	GOFER_STATFS,
	GOFER_FSYNC,
	GOFER_FALLOCATE,
	GOFER_GETXATTR,
	GOFER_SETXATTR,
	GOFER_LISTXATTR,
	GOFER_REMOVEXATTR,
	GOFER_CLONE,
	GOFER_OP_END,
};

/* Bytes inside a message (or, when encoding, anywhere). Not terminated. */
struct gofer_str {
	const char *data;
	uint32_t size;
};

struct gofer_time {
	int64_t sec;
	uint32_t nsec; /* < 1000000000 */
};

/* What statx says. `dev` is major << 32 | minor. GOFER_ATTR_SIZE bytes on the wire. */
/* In gofer_attr.mask, beside STATX_*: there are no extended attributes that a client may see. Said by WALK
 * and, if asked for, by READDIR; elsewhere its absence says nothing. */
#define GOFER_ATTR_PLAIN 0x40000000u

struct gofer_attr {
	uint64_t ino;
	uint64_t dev;
	uint64_t rdev;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint64_t attributes;
	uint64_t attributes_mask;
	uint32_t mode; /* with the S_IFMT bits */
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t blksize;
	uint32_t mask; /* STATX_*: BTIME is not known by every file system */
	struct gofer_time atime;
	struct gofer_time mtime;
	struct gofer_time ctime;
	struct gofer_time btime;
};

struct gofer_statfs {
	uint64_t type;
	uint64_t bsize;
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint64_t fsid;
	uint64_t namelen;
	uint64_t frsize;
	uint64_t flags;
};

enum { /* gofer_request.walk.flags */
       GOFER_WALK_OPEN =
	   1, /* all steps made and the last one a regular file: donate an O_RDONLY descriptor of it */
};

enum { /* gofer_request.open.flags */
       GOFER_OPEN_READ = 1,
       GOFER_OPEN_WRITE = 2,
       GOFER_OPEN_TRUNC = 4,
};

enum {                           /* gofer_request.create.flags */
       GOFER_CREATE_OPEN = 1,    /* of a regular file: donate an O_RDWR descriptor */
       GOFER_CREATE_TMPFILE = 2, /* of a regular file: no name (it is empty); LINK may give one later */
};

enum {                          /* gofer_request.readdir.flags */
       GOFER_READDIR_ATTR = 1,  /* each entry with its attributes */
       GOFER_READDIR_PLAIN = 2, /* and GOFER_ATTR_PLAIN, which costs a further call each */
};

enum { /* gofer_request.unlink.flags */
       GOFER_UNLINK_DIR = 1,
};

enum { /* gofer_request.rename.flags; values of renameat2 */
       GOFER_RENAME_NOREPLACE = 1,
       GOFER_RENAME_EXCHANGE = 2,
};

enum { /* gofer_request.fsync.flags */
       GOFER_FSYNC_DATA = 1,
       GOFER_FSYNC_FS = 2, /* the whole file system (syncfs) */
};

enum { /* gofer_request.setattr.mask */
       GOFER_SET_MODE = 1,
       GOFER_SET_UID = 2,
       GOFER_SET_GID = 4,
       GOFER_SET_SIZE = 8,
       GOFER_SET_ATIME = 16,
       GOFER_SET_MTIME = 32,
       GOFER_SET_ATIME_NOW = 64,
       GOFER_SET_MTIME_NOW = 128,
       GOFER_SET_ALL = 255,
};

enum { /* gofer_reply.hello.flags */
       GOFER_SERVER_RO = 1,
       GOFER_SERVER_PRIVILEGED =
	   2, /* may give files to any uid; otherwise ownership asked for is not applied */
};

struct gofer_request {
	uint32_t tag;
	uint16_t op;
	union {
		struct {
			uint32_t version;
			uint32_t max_size;
		} hello;
		/* attach, clone: nothing */
		struct {
			uint64_t handle;
			uint32_t flags;
			uint32_t count; /* 1..GOFER_WALK_MAX */
			struct gofer_str names[GOFER_WALK_MAX];
		} walk;
		struct {
			uint32_t count;
			const void *handles; /* u64 each, unaligned: read with gofer_clunk_at */
		} clunk;
		struct {
			uint64_t handle;
		} node; /* getattr, readlink, statfs, listxattr has its own */
		struct {
			uint64_t handle;
			uint32_t mask;
			uint32_t mode; /* permission bits only */
			uint32_t uid;
			uint32_t gid;
			uint64_t size;
			struct gofer_time atime;
			struct gofer_time mtime;
		} setattr;
		struct {
			uint64_t handle;
			uint32_t flags;
		} open;
		struct {
			uint64_t dir;
			uint32_t flags;
			uint32_t mode; /* S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO or S_IFSOCK, and the permission
					  bits */
			uint32_t uid;
			uint32_t gid;
			struct gofer_str name;
			struct gofer_str target; /* of a symbolic link; empty otherwise */
		} create;
		struct {
			uint64_t handle;
			uint64_t dir;
			struct gofer_str name;
		} link;
		struct {
			uint64_t handle;
			uint64_t cookie; /* 0, or of the last entry received */
			uint32_t flags;
			uint32_t max_size; /* of the reply */
		} readdir;
		struct {
			uint64_t dir;
			uint32_t flags;
			struct gofer_str name;
		} unlink;
		struct {
			uint64_t old_dir;
			uint64_t new_dir;
			uint32_t flags;
			struct gofer_str old_name;
			struct gofer_str new_name;
		} rename;
		struct {
			uint64_t handle;
			uint32_t flags;
		} fsync;
		struct {
			uint64_t handle;
			uint64_t offset;
			uint64_t size;
			uint32_t mode;
		} fallocate;
		struct {
			uint64_t handle;
			uint32_t max_size;     /* 0: tell the size only */
			struct gofer_str name; /* empty for list */
		} getxattr;                    /* and listxattr */
		struct {
			uint64_t handle;
			uint32_t flags; /* XATTR_CREATE, XATTR_REPLACE */
			struct gofer_str name;
			struct gofer_str value;
		} setxattr; /* removexattr: flags 0, value empty */
	};
};

struct gofer_step {
	uint64_t handle;
	struct gofer_attr attr;
	struct gofer_str target; /* of a symbolic link */
};

struct gofer_dirent {
	uint64_t cookie; /* where the next READDIR goes on after this entry */
	uint64_t ino;
	uint32_t type; /* DT_* */
	bool has_attr;
	struct gofer_attr attr;
	struct gofer_str name;
};

/* A validated region of a message that holds a list; see gofer_step_next and gofer_dirent_next. */
struct gofer_list {
	const unsigned char *data;
	uint32_t size;
	uint32_t count;
};

struct gofer_reply {
	uint32_t tag;
	uint16_t op;
	int32_t status; /* 0 or -errno (-4095..-1); if not 0 nothing follows */
	union {
		struct {
			uint32_t version;
			uint32_t flags;
			uint32_t max_size;
			uint32_t max_handles;
		} hello;
		/* clunk, link, unlink, rename, fsync, fallocate, setxattr, removexattr: nothing. clone: a
		 * descriptor */
		struct {
			uint64_t handle;
			struct gofer_attr attr;
		} node; /* attach, create */
		struct {
			int32_t stop; /* 0: all steps made; else -errno of the step after the last one here */
			struct gofer_list steps;
		} walk;
		struct gofer_attr attr; /* getattr, setattr, open */
		struct {
			uint32_t eof;
			struct gofer_list entries;
		} readdir;
		struct gofer_str target; /* readlink */
		struct gofer_statfs statfs;
		struct {
			uint32_t full_size;
			struct gofer_str value; /* empty if only the size was asked for */
		} xattr;                        /* getxattr, listxattr */
	};
};

/* One more than the number of the CPU on which the client goes to sleep until the answer comes; 0: it does
 * not. A hint, anything may be in it. A gofer that is woken there costs two switches; on another CPU, which
 * has fallen asleep, and while the client's own falls asleep, ten times that. For a whole message. */
void gofer_set_cpu(void *msg, uint16_t cpu);
uint16_t gofer_get_cpu(const void *msg);

/* What the header of a packet says, checked against its size. 0 or -EPROTO. */
int gofer_peek(const void *msg, size_t size, uint32_t *tag, uint16_t *op, int32_t *status);

/* Size of the message, or -EMSGSIZE if it does not fit, or -EINVAL if the struct cannot be said in this
 * protocol. */
int gofer_request_encode(const struct gofer_request *request, void *buf, size_t cap);
int gofer_reply_encode(const struct gofer_reply *reply, void *buf, size_t cap);

/* 0 or -EPROTO. What `out` points to lies in `msg`. */
int gofer_request_decode(const void *msg, size_t size, struct gofer_request *out);
int gofer_reply_decode(const void *msg, size_t size, struct gofer_reply *out);

/* Iterate over a list of a decoded reply: take one from the front. False at the end. */
bool gofer_step_next(struct gofer_list *list, struct gofer_step *out);
bool gofer_dirent_next(struct gofer_list *list, struct gofer_dirent *out);

/* Append to a list under construction in buf[cap]; list->data must be buf. False if it does not fit. */
bool gofer_step_add(struct gofer_list *list, size_t cap, const struct gofer_step *step);
bool gofer_dirent_add(struct gofer_list *list, size_t cap, const struct gofer_dirent *entry);

uint64_t gofer_clunk_at(const struct gofer_request *request, uint32_t index);

/* One component that may be given to an *at call: not empty, not "." or "..", no slash, no NUL, at most 255
 * bytes. */
bool gofer_name_ok(const struct gofer_str *name);
/* Extended attributes that pass a gofer, either way: what a program may set without being the host's root,
 * and what Linux itself looks at. */
bool gofer_xattr_ok(const char *name);

/* Room in a message for a list, or for one value, behind the fixed part of any reply. */
#define GOFER_LIST_ROOM (GOFER_MSG_MAX - 64u)

#endif
