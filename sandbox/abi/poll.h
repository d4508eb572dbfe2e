/*
 * abi/poll.h - events and structures of poll(2), select(2) and epoll(7) as x86-64 guests see them.
 */
#ifndef WARREN_ABI_POLL_H
#define WARREN_ABI_POLL_H

#include "sandbox/base/types.h"

#define LINUX_POLLIN         0x0001U
#define LINUX_POLLPRI        0x0002U
#define LINUX_POLLOUT        0x0004U
#define LINUX_POLLERR        0x0008U
#define LINUX_POLLHUP        0x0010U
#define LINUX_POLLNVAL       0x0020U
#define LINUX_POLLRDNORM     0x0040U
#define LINUX_POLLRDBAND     0x0080U
#define LINUX_POLLWRNORM     0x0100U
#define LINUX_POLLWRBAND     0x0200U
#define LINUX_POLLRDHUP      0x2000U

#define LINUX_EPOLLEXCLUSIVE (1U << 28)
#define LINUX_EPOLLWAKEUP    (1U << 29)
#define LINUX_EPOLLONESHOT   (1U << 30)
#define LINUX_EPOLLET        (1U << 31)
#define LINUX_EPOLL_CTL_ADD  1
#define LINUX_EPOLL_CTL_DEL  2
#define LINUX_EPOLL_CTL_MOD  3

struct linux_pollfd {
	s32 fd;
	s16 events, revents;
};
static_assert(sizeof(struct linux_pollfd) == 8, "struct pollfd");

struct linux_epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));
static_assert(sizeof(struct linux_epoll_event) == 12, "struct epoll_event");

struct linux_timespec {
	s64 tv_sec, tv_nsec;
};
struct linux_timeval {
	s64 tv_sec, tv_usec;
};
struct linux_itimerspec {
	struct linux_timespec it_interval, it_value;
};
static_assert(sizeof(struct linux_itimerspec) == 32, "struct itimerspec");

#endif
