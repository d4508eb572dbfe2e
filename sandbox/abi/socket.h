/*
 * abi/socket.h - socket(2), socket(7), unix(7), cmsg(3) as x86-64 guests see them.
 */
#ifndef WARREN_ABI_SOCKET_H
#define WARREN_ABI_SOCKET_H

#include "sandbox/base/types.h"

#define LINUX_AF_UNSPEC      0
#define LINUX_AF_UNIX        1
#define LINUX_AF_MAX         46
#define LINUX_SOCK_STREAM    1
#define LINUX_SOCK_DGRAM     2
#define LINUX_SOCK_RAW       3
#define LINUX_SOCK_SEQPACKET 5
#define LINUX_SOL_SOCKET     1

enum {
	LINUX_SO_DEBUG = 1,
	LINUX_SO_REUSEADDR,
	LINUX_SO_TYPE,
	LINUX_SO_ERROR,
	LINUX_SO_DONTROUTE,
	LINUX_SO_BROADCAST,
	LINUX_SO_SNDBUF,
	LINUX_SO_RCVBUF,
	LINUX_SO_KEEPALIVE,
	LINUX_SO_OOBINLINE,
	LINUX_SO_NO_CHECK,
	LINUX_SO_PRIORITY,
	LINUX_SO_LINGER,
	LINUX_SO_REUSEPORT = 15,
	LINUX_SO_PASSCRED = 16,
	LINUX_SO_PEERCRED,
	LINUX_SO_RCVLOWAT,
	LINUX_SO_SNDLOWAT,
	LINUX_SO_RCVTIMEO,
	LINUX_SO_SNDTIMEO,
	LINUX_SO_PEERNAME = 28,
	LINUX_SO_TIMESTAMP,
	LINUX_SO_ACCEPTCONN,
	LINUX_SO_PEERSEC,
	LINUX_SO_SNDBUFFORCE,
	LINUX_SO_RCVBUFFORCE,
	LINUX_SO_PASSSEC,
	LINUX_SO_PROTOCOL = 38,
	LINUX_SO_DOMAIN,
	LINUX_SO_PEEK_OFF = 42,
	LINUX_SO_COOKIE = 57,
	LINUX_SO_PEERGROUPS = 59,
	LINUX_SO_PASSPIDFD = 76,
	LINUX_SO_PEERPIDFD
};

#define LINUX_MSG_OOB          0x1U
#define LINUX_MSG_PEEK         0x2U
#define LINUX_MSG_CTRUNC       0x8U
#define LINUX_MSG_TRUNC        0x20U
#define LINUX_MSG_DONTWAIT     0x40U
#define LINUX_MSG_EOR          0x80U
#define LINUX_MSG_WAITALL      0x100U
#define LINUX_MSG_NOSIGNAL     0x4000U
#define LINUX_MSG_WAITFORONE   0x10000U
#define LINUX_MSG_CMSG_CLOEXEC 0x40000000U

#define LINUX_SCM_RIGHTS       1
#define LINUX_SCM_CREDENTIALS  2
#define LINUX_SCM_PIDFD        4
#define LINUX_SCM_MAX_FD       253U

#define LINUX_SIOCOUTQ         0x5411U

struct linux_sockaddr_un {
	u16 family;
	char path[108];
};
static_assert(sizeof(struct linux_sockaddr_un) == 110, "struct sockaddr_un");

struct linux_ucred {
	s32 pid;
	u32 uid, gid;
};

struct linux_msghdr {
	u64 name;
	u32 namelen, pad;
	u64 iov, iovlen, control, controllen;
	u32 flags, pad2;
};
static_assert(sizeof(struct linux_msghdr) == 56, "struct msghdr");

struct linux_cmsghdr {
	u64 len;
	s32 level, type;
};

#endif
