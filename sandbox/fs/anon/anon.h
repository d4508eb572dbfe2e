/*
 * anon.h - files without a name: eventfd(2), timerfd_create(2), epoll(7).
 */
#ifndef WARREN_FS_ANON_ANON_H
#define WARREN_FS_ANON_ANON_H

#include "sandbox/abi/poll.h"
#include "sandbox/vfs/vfs.h"

struct pid;

int eventfd_create(u64 initial, bool semaphore, u32 o_flags, struct file **out) must_check;
bool file_is_eventfd(const struct file *f);
/* Adds 1 from inside the kernel, if that is possible without waiting. */
void eventfd_signal(struct file *f);

/* timerfd_create(2) and its calls; -EINVAL when f is no timerfd or a time is malformed. */
int timerfd_create_file(bool realtime, u32 o_flags, struct file **out) must_check;
int timerfd_get(struct file *f, struct linux_itimerspec *out) must_check;
int timerfd_set(struct file *f, bool absolute, const struct linux_itimerspec *spec,
		struct linux_itimerspec *old) must_check;

/* signalfd(2): a file over the signals of `mask` (bit n-1 = signal n), and another mask for it. */
int signalfd_create(u64 mask, u32 o_flags, struct file **out) must_check;
int signalfd_change(struct file *f, u64 mask) must_check;

/* pidfd_open(2): o_flags O_NONBLOCK and PIDFD_THREAD (any thread, and its own end). */
#define PIDFD_THREAD 0200U /* O_EXCL */
int pidfd_create(struct pid *p, u32 o_flags, struct file **out) must_check;
/* The process of a pidfd; NULL if f is none. Borrowed. */
struct pid *pidfd_pid(const struct file *f);

int epoll_create_file(struct file **out) must_check;
/* epoll_ctl(2) on file `ep`; `fd` is the number `target` was named by. -EBADF is the caller's to find. */
int epoll_control(struct file *ep, int op, int fd, struct file *target,
		  const struct linux_epoll_event *ev) must_check;
/* kcmp(2): is it one, and its n-th target of that descriptor number (borrowed, or NULL). */
bool epoll_is_file(const struct file *f);
struct file *epoll_target(struct file *ep, int fd, u32 n);
/* How many descriptors it watches; 0 if it is no epoll. */
u32 epoll_item_count(const struct file *ep);
/* Collects up to `max` events into `ev`, waiting until the deadline: count, 0 at the
 * deadline, -EINVAL (no epoll file), -ERESTARTSYS as -EINTR. [sleeps] */
s64 epoll_collect(struct file *ep, struct linux_epoll_event *ev, u32 max, u64 deadline_ns) must_check;
/* The VFS calls it when a file's last reference goes and f->epoll_items is not empty. */
void epoll_file_released(struct file *f);

#endif
