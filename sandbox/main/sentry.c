/*
 * sentry.c - the boot of the kernel in its confined process: descriptors, limits, arena, kernel, platform,
 * and at last the filter. From then on one thread runs the loop until shutdown.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/checkpoint/checkpoint.h"
#include "sandbox/control/control.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/main/boot.h"
#include "sandbox/platform/account.h"
#include "sandbox/platform/platform.h"

#define DEFAULT_TASKS    32768
#define ARENA_MIN        (64UL << 20)
#define FD_FIRST         3
#define FD_ASIDE         100
#define SHORT_SLICE_NS   100000 /* the least there is */
#define KERNEL_OOM_SCORE "-900"
#define GUEST_OOM_SCORE  "500"

/* Puts the wanted descriptors at 3, 4, …; closes all others. */
static void keep_descriptors(struct boot_options *o, int **wanted, unsigned count)
{
	if (dup2(o->null_fd, 0) < 0 || dup2(0, 1) < 0 || dup2(o->log_fd >= 0 ? o->log_fd : 0, 2) < 0)
		boot_fail(o, "cannot redirect standard streams: errno %d", errno);
	for (unsigned i = 0; i < count; i++) {
		if (*wanted[i] < 0)
			continue;
		*wanted[i] = fcntl(*wanted[i], F_DUPFD_CLOEXEC, FD_ASIDE);
		if (*wanted[i] < 0)
			_exit(1);
	}
	syscall(SYS_close_range, FD_FIRST, FD_ASIDE - 1, 0);
	for (unsigned i = 0; i < count; i++)
		if (*wanted[i] >= 0 && dup3(*wanted[i], (int)(FD_FIRST + i), O_CLOEXEC) >= 0)
			*wanted[i] = (int)(FD_FIRST + i);
	syscall(SYS_close_range, FD_FIRST + count, ~0U, 0);
}

static void set_limit(const struct boot_options *o, int what, u64 value)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)what, &r))
		boot_fail(o, "getrlimit %d: errno %d", what, errno);
	r.rlim_cur = min_t(u64, value, r.rlim_max);
	if (what != RLIMIT_NOFILE)
		r.rlim_max = r.rlim_cur;
	if (setrlimit((__rlimit_resource_t)what, &r))
		boot_fail(o, "setrlimit %d: errno %d", what, errno);
}

static u32 fd_limit(void)
{
	struct rlimit r;

	return getrlimit(RLIMIT_NOFILE, &r) ? 1024 : (u32)min_t(u64, r.rlim_cur, UINT32_MAX);
}

static void set_limits(const struct boot_options *o)
{
	set_limit(o, RLIMIT_CORE, 0);
	set_limit(o, RLIMIT_NOFILE, UINT64_MAX);
	/* a guest thread is a host thread, and each of its processes has a memory thread beside it; what a
	 * guest makes behind the sentry's back counts too */
	if (o->own_uid)
		set_limit(o, RLIMIT_NPROC, 2 * (o->task_limit ? o->task_limit : DEFAULT_TASKS) + 64);
}

/* When the sandbox's memory runs out, a guest process shall die, not the kernel. Stubs inherit the score that
 * holds while the zygote is made; the sentry then goes back to its own: a low one if the right to lower it
 * was there, which the first write fixes for later, else the one it was started with. */
static bool set_oom_score(int fd, const char *score)
{
	return pwrite(fd, score, strlen(score), 0) > 0;
}

static void raise_oom_score(int fd, char *own, size_t size)
{
	ssize_t n = pread(fd, own, size - 1, 0);

	own[n > 0 ? n : 0] = 0;
	if (set_oom_score(fd, KERNEL_OOM_SCORE))
		snprintf(own, size, "%s", KERNEL_OOM_SCORE);
	if (!set_oom_score(fd, GUEST_OOM_SCORE))
		own[0] = 0;
}

/* What guests sleep for ends with our loop's sleep: the host would let it be 50 µs late, on top of the
 * wake-up. */
static void ask_for_exact_timers(void)
{
	if (prctl(PR_SET_TIMERSLACK, 1))
		klog(LOG_INFO, "PR_SET_TIMERSLACK: errno %d", errno);
}

/* A thread that calls, and one that has been answered, wait for us: whoever runs where we wake up is put off
 * for that moment. Linux since 6.12 grants it to those who ask for short turns. */
static void ask_for_short_slices(void)
{
	struct {
		u32 size, policy;
		u64 flags;
		s32 nice;
		u32 priority;
		u64 runtime, deadline, period;
		u32 util_min, util_max;
	} a = {.size = sizeof(a), .runtime = SHORT_SLICE_NS};

	a.nice = getpriority(PRIO_PROCESS, 0);
	if (syscall(SYS_sched_setattr, 0, &a, 0))
		klog(LOG_INFO, "sched_setattr: errno %d", errno);
}

static void boot_kernel(const struct boot_options *o, int maps_fd)
{
	u64 arena_limit = o->memory_bytes ? max_t(u64, o->memory_bytes, ARENA_MIN) : 0;
	u64 tasks = o->task_limit ? o->task_limit : DEFAULT_TASKS;
	struct platform_ops *ops;
	int err, own_maps = fcntl(maps_fd, F_DUPFD_CLOEXEC, FD_FIRST); /* for the arena check */

	err = arena_create(arena_limit);
	if (err)
		boot_fail(o, "cannot make the arena: errno %d", -err);
	log_set_fd(o->log_fd);
	err = kernel_init(o->id, o->memory_bytes, (u32)tasks);
	if (err)
		boot_fail(o, "the kernel does not start: errno %d", -err);
	kernel()->strace = o->strace;
	ops = knew(struct platform_ops);
	if (!ops)
		boot_fail(o, "no memory");
	ops->maps_fd = maps_fd;
	err = platform_init(ops);
	if (err)
		boot_fail(o, "the platform does not start: errno %d", -err);
	ops->maps_fd = -1;
	err = account_init(o->account_fd);
	if (err)
		boot_fail(o, "no memory");
	kernel()->maps_fd = own_maps;
}

/* The same for a kernel that lies in an image. */
static void restore_kernel(const struct boot_options *o, int maps_fd)
{
	struct checkpoint_boot b = {.manifest_fd = o->manifest_fd,
				    .pages_fd = o->pages_fd,
				    .maps_fd = maps_fd,
				    .account_fd = o->account_fd,
				    .log_fd = o->log_fd};
	int own_maps = fcntl(maps_fd, F_DUPFD_CLOEXEC, FD_FIRST);
	char why[256] = "";
	int err = checkpoint_load(&b, why, sizeof(why));

	if (err)
		boot_fail(o, "%s", why[0] ? why : "the image cannot be restored");
	close(o->manifest_fd);
	kernel()->maps_fd = own_maps;
	kernel()->strace = o->strace;
	snprintf(kernel()->id, sizeof(kernel()->id), "%s", o->id);
}

static void say_ready(const struct boot_options *o)
{
	/* nobody reads: the starter is gone, and with it whoever wanted this sandbox */
	if (write(o->report_fd, "+", 1) != 1)
		_exit(1);
	close(o->report_fd);
}

void sentry_main(struct boot_options *o)
{
	int maps_fd, oom_fd, *wanted[] = {&o->report_fd, &o->control_fd, &o->log_fd,      &maps_fd,
					  &oom_fd,       &o->account_fd, &o->manifest_fd, &o->pages_fd};
	bool restore = o->manifest_fd >= 0;
	char oom_score[16];
	size_t seed;
	int err;

	prctl(PR_SET_NAME, "warren-sentry");
	signal(SIGPIPE, SIG_IGN);
	crash_install();
	maps_fd = openat(o->proc_fd, "self/maps", O_RDONLY | O_CLOEXEC);
	oom_fd = openat(o->proc_fd, "self/oom_score_adj", O_RDWR | O_CLOEXEC);
	raise_oom_score(oom_fd, oom_score, sizeof(oom_score));
	if (maps_fd < 0)
		boot_fail(o, "cannot read the map of the sentry: errno %d", errno);
	keep_descriptors(o, wanted, ARRAY_COUNT(wanted));
	set_limits(o);
	confine_rights(o, o->may_ptrace);
	if (restore)
		restore_kernel(o, maps_fd);
	else
		boot_kernel(o, maps_fd);
	ask_for_short_slices();
	ask_for_exact_timers();
	kernel()->base_address = base_address();
	kernel()->host_fd_limit = fd_limit();
	if (oom_score[0] && !set_oom_score(oom_fd, oom_score))
		klog(LOG_WARN, "the sentry's own OOM score cannot be restored: errno %d", errno);
	close(oom_fd);
	/* jansson would open /dev/urandom for it otherwise */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		boot_fail(o, "no random numbers: errno %d", errno);
	if (!restore)
		kernel()->json_seed = seed | 1;
	json_object_seed(kernel()->json_seed); /* objects of the image were filled with its own */
	err = restore ? control_restore(o->control_fd) : control_start(o->control_fd);
	if (!err)
		err = filter_install_sentry();
	if (err)
		boot_fail(o, "the sentry cannot be confined: errno %d", -err);
	say_ready(o);
	_exit(sched_loop());
}
