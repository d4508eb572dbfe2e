/*
 * account.c - what stubs cost. See account.h.
 *
 * CPU time: the host has one clock per process that another process may read, and none per thread. What a
 * stub has used since it was last asked is shared out among its threads in proportion to the time each has
 * been in guest code. With one thread that is exact; with several it is what a fair scheduler did; and the
 * threads always add up to the process.
 *
 * Memory: the keeper opens, we read. One request is under way at a time.
 */
#include "sandbox/platform/account.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/platform/platform_priv.h"

#define ACCOUNT_PATIENCE_NS (2 * NSEC_PER_SEC)
#define STATUS_MAX          4096
#define MANY_THREADS        64
#define SETTLE_CYCLES       (100 * SPIN_CYCLES)

struct account {
	struct host_fd *sock;
	struct host_poll poll;
	bool busy, answered, watched;
	int error, fd;
	struct wait_queue lane, done;
};

/* ---- CPU time ---- */

static u64 in_guest(const struct uthread *ut)
{
	return ut->guest_cycles + (ut->running ? cycles_since(ut->run_since) : 0);
}

/* The host's figure, or the last one there was. */
static u64 stub_clock(const struct aspace *as, bool *known)
{
	struct timespec ts;
	clockid_t clock =
	    (clockid_t)(~(unsigned)as->pid << 3 | 2); /* process CPU clock, see clock_getcpuclockid(3) */

	*known = as->state == ASPACE_UP && !clock_gettime(clock, &ts);
	return *known ? (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec + as->cpu_offset : as->cpu_settled;
}

void account_settle(struct aspace *as)
{
	struct uthread *ut;
	u64 sum = 0, used, now;
	bool known;

	as->settled_at = cycles();
	as->settled_threads = 0;
	list_for_each_entry (ut, &as->uthreads, as_node) {
		ut->guest_delta = in_guest(ut) - ut->guest_settled;
		sum += ut->guest_delta;
		as->settled_threads++;
	}
	if (!sum)
		return; /* nobody to charge: it waits for the next time */
	now = stub_clock(as, &known);
	used = !known ? cycles_to_ns(sum) : now > as->cpu_settled ? now - as->cpu_settled : 0;
	list_for_each_entry (ut, &as->uthreads, as_node) {
		ut->guest_settled += ut->guest_delta;
		ut->charged_ns += (u64)((unsigned __int128)used * ut->guest_delta / sum);
	}
	as->cpu_settled = now;
	as->settled_share = (u64)(((unsigned __int128)used << 32) / sum);
}

/* Of hundreds of threads that end one after the other each would look at all: it is charged alone, at the
 * rate of the last time. The others' share is what is left. */
static bool settle_alone(struct uthread *ut)
{
	struct aspace *as = ut->as;
	u64 delta = in_guest(ut) - ut->guest_settled,
	    ns = (u64)((unsigned __int128)delta * as->settled_share >> 32);

	if (as->settled_threads < MANY_THREADS || cycles_since(as->settled_at) > SETTLE_CYCLES)
		return false;
	ut->guest_settled += delta;
	ut->charged_ns += ns;
	as->cpu_settled += ns;
	return true;
}

void account_stop(struct aspace *as)
{
	bool known;

	account_settle(as);
	as->cpu_settled = stub_clock(as, &known);
}

void account_thread_leaves(struct uthread *ut)
{
	if (in_guest(ut) != ut->guest_settled && !settle_alone(ut))
		account_settle(ut->as);
}

u64 uthread_cpu_time(struct uthread *ut)
{
	account_thread_leaves(ut);
	return ut->charged_ns;
}

u64 aspace_cpu_time(struct aspace *as)
{
	bool known;

	return stub_clock(as, &known);
}

/* ---- the keeper's answers ---- */

static bool receive(struct account *a)
{
	struct account_reply reply = {.error = -EIO};
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(a->sock->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n < 0 && errno == EAGAIN)
		return false;
	for (struct cmsghdr *h = n > 0 ? CMSG_FIRSTHDR(&m) : NULL; h; h = CMSG_NXTHDR(&m, h))
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	if (a->answered || !a->busy) { /* an answer that came after its question was given up */
		if (fd >= 0)
			close(fd);
		return n > 0;
	}
	a->error = n == sizeof(reply) ? reply.error : -EIO;
	if (!a->error && fd < 0)
		a->error = -EIO;
	a->fd = fd;
	a->answered = true;
	return n > 0;
}

static void account_ready(struct host_poll *poll, u32 events)
{
	struct account *a = container_of(poll, struct account, poll);

	while (receive(a))
		;
	wake_up_all(&a->done, 0);
}

int account_init(int fd)
{
	struct account *a = fd >= 0 ? knew(struct account) : NULL;

	if (fd < 0)
		return 0;
	if (!a) {
		close(fd);
		return -ENOMEM;
	}
	wait_queue_init(&a->lane);
	wait_queue_init(&a->done);
	a->sock = host_fd_new(fd, HOST_FD_PLATFORM, true);
	if (!a->sock) {
		kfree(a);
		return -ENOMEM;
	}
	a->poll.fd = a->sock;
	a->poll.ready = account_ready;
	platform()->account = a;
	return 0;
}

void account_restore(int fd)
{
	struct account *a = platform()->account;

	if (!a && account_init(fd))
		klog(LOG_WARN, "no memory to watch what stubs cost");
	if (!a)
		return;
	a->sock->fd = fd;
	a->poll.events = 0;
	a->watched = false;
	if (fd < 0) {
		host_fd_put(a->sock);
		kfree(a);
		platform()->account = NULL;
	}
}

void account_respawned(struct aspace *as)
{
	bool known;
	u64 now;

	as->cpu_offset = 0;
	now = stub_clock(as, &known);
	if (known)
		as->cpu_offset = as->cpu_settled - now;
}

void account_anew(struct aspace *as)
{
	as->cpu_settled = 0;
	account_respawned(as);
	as->used_before = as->used;
	as->used_known = false;
}

static int ask(struct account *a, const struct account_request *q, struct host_fd **out)
{
	int err;

	if (!a->watched) { /* the loop's epoll instance did not exist yet at boot */
		err = host_poll_add(&a->poll, EPOLLIN);
		if (err)
			return err;
		a->watched = true;
	}
	a->answered = false;
	a->fd = -1;
	if (send(a->sock->fd, q, sizeof(*q), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(*q))
		return -EIO;
	err = wait_event_state(&a->done, a->answered, clock_monotonic() + ACCOUNT_PATIENCE_NS,
			       SLEEP_UNINTERRUPTIBLE);
	if (!err)
		err = a->error;
	if (err) {
		if (a->fd >= 0)
			close(a->fd);
		return err;
	}
	*out = host_fd_new(a->fd, HOST_FD_PLATFORM, false);
	return *out ? 0 : -ENOMEM;
}

int aspace_account_open(struct aspace *as, enum account_file file, struct host_fd **out)
{
	struct account *a = platform()->account;
	struct account_request q = {.file = file};
	int err;

	if (!a)
		return -ENOSYS;
	wait_event_uninterruptible(&a->lane, !a->busy);
	if (as->state != ASPACE_UP)
		return -ESRCH;
	a->busy = true;
	q.pid = as->pid;
	err = ask(a, &q, out);
	a->busy = false;
	wake_up_all(&a->lane, 0);
	return err == -ENOENT ? -ESRCH : err;
}

/* ---- memory ---- */

static u64 field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

int aspace_memory(struct aspace *as, struct aspace_memory *out)
{
	char text[STATUS_MAX];
	ssize_t n;

	if (!as->status) {
		struct host_fd *fd;
		int err = aspace_account_open(as, ACCOUNT_STATUS, &fd);

		if (err)
			return err;
		if (as->status || as->state != ASPACE_UP) /* somebody else was quicker; or it has ended */
			host_fd_put(fd);
		else
			as->status = fd;
	}
	n = as->status ? pread(as->status->fd, text, sizeof(text) - 1, 0) : -1;
	if (n <= 0)
		return -ESRCH;
	text[n] = 0;
	*out = (struct aspace_memory){
	    .anon = field(text, "\nRssAnon:"),
	    .file = field(text, "\nRssFile:"),
	    .shmem = field(text, "\nRssShmem:"),
	    .peak = field(text, "\nVmHWM:"),
	    .page_tables = field(text, "\nVmPTE:"),
	    .swap = field(text, "\nVmSwap:"),
	};
	return 0;
}

s64 aspace_rss_pages(struct aspace *as)
{
	struct aspace_memory m;
	int err = aspace_memory(as, &m);

	return err ? err : (s64)((m.anon + m.file + m.shmem) * 1024 / PAGE_SIZE);
}

/* ---- what a thread says of itself ---- */

int uthread_usage(struct uthread *ut, bool thread, struct host_usage *out)
{
	const struct host_usage *before = &ut->as->used_before;
	struct aspace *as = ut->as;
	struct rusage u;
	int err = 0;

	if (!thread && (ut->staged & STAGED_USAGE) && !ut->running && !ut->gone)
		memcpy(&u, (const char *)ut->slot + SLOT_BOUNCE, sizeof(u));
	else
		err = uthread_host_call(ut, SYS_getrusage, (u64)(thread ? RUSAGE_THREAD : RUSAGE_SELF), &u,
					sizeof(u));

	if (err)
		return err;
	*out = (struct host_usage){.maxrss_kb = (u64)u.ru_maxrss,
				   .minflt = (u64)u.ru_minflt,
				   .majflt = (u64)u.ru_majflt,
				   .nvcsw = (u64)u.ru_nvcsw,
				   .nivcsw = (u64)u.ru_nivcsw};
	if (!thread) {
		as->used = *out;
		as->used_known = true;
	}
	if (!thread || ut->index == 0) { /* the thread that was parked is as old as the process */
		out->minflt -= min_t(u64, out->minflt, before->minflt);
		out->majflt -= min_t(u64, out->majflt, before->majflt);
		out->nvcsw -= min_t(u64, out->nvcsw, before->nvcsw);
		out->nivcsw -= min_t(u64, out->nivcsw, before->nivcsw);
	}
	return 0;
}
