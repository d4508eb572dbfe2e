/*
 * platform.c - boot of the platform, and its part of the sentry's loop.
 *
 * The control memfd holds one window per address space; it is mapped once, beside the arena. How a trapped
 * thread and the sentry wait for each other is decided here: both spin only while there is a CPU for each,
 * and a thread whose call has not been answered within one turn of the loop is told to sleep at once.
 */
#include <asm/hwcap2.h>
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/platform/platform_priv.h"

#define GUEST_SPIN          1984 /* a multiple of the stub's LOOK_AROUND */
#define MEMORY_SPIN         1000 /* its CPU does not fall asleep before the guest thread goes on there */
#define CONTROL_SIZE        (GLOB_OFFSET + PAGE_SIZE)
#define CPUID_RDTSCP        (1U << 27)
#define EVENT_BELL          0
#define EVENT_SOCKET        (1ULL << 32)
#define POOL_TARGET         1
#define WINDOWS_ABOVE_ARENA (1UL << 37)
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

static_assert(WIN_SIZE == WIN_RW + WIN_RW_SIZE, "a window is the request page's block and the slots");
static_assert(WIN_RW_SIZE == SLOT_COUNT * SLOT_SIZE, "slots fill the window");
static_assert(WINDOWS_ABOVE_ARENA > ARENA_SIZE + ARENA_SIZE / 4,
	      "windows begin behind the arena and its table");
static_assert(ARENA_HIGH + WINDOWS_ABOVE_ARENA + CONTROL_SIZE < 84UL << 40,
	      "and end below programs and libraries");
static_assert(GLOB_OFFSET == (u64)WIN_COUNT * WIN_SIZE, "the glob page follows the windows");
static_assert(PLATFORM_USER_END <= STUB_BASE - 0x100000000, "the guest's end stays clear of the stub");

static unsigned count_cpus(cpu_set_t *cpus)
{
	CPU_ZERO(cpus);
	return sched_getaffinity(0, sizeof(*cpus), cpus) ? 1 : (unsigned)CPU_COUNT(cpus);
}

/* A restored platform has the structs already. */
static int adopt(struct host_fd **h, int fd)
{
	if (*h)
		(*h)->fd = fd;
	else
		*h = host_fd_new(fd, HOST_FD_PLATFORM, true);
	return *h ? 0 : -ENOMEM;
}

static int open_descriptors(struct platform *p)
{
	int one = 1, pair[2], fd = memfd_create("warren-control", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (adopt(&p->control, fd))
		return -ENOMEM;
	if (ftruncate(fd, (off_t)CONTROL_SIZE) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (adopt(&p->bell, fd))
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	if (adopt(&p->socket, pair[0]) || adopt(&p->stub_socket, pair[1]))
		return -ENOMEM;
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)))
		return -errno;
	/* absent before Linux 6.5: stubs.c then proves identity another way */
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one)))
		klog(LOG_INFO, "no SO_PASSPIDFD here; stubs are identified by reading their nonce back");
	return 0;
}

/* What the stub's text is made of: a CPU without it would kill every guest by SIGILL. */
static int check_cpu(void)
{
	unsigned eax, ebx, ecx, edx = 0;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE) || !__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) ||
	    !(edx & CPUID_RDTSCP)) {
		klog(LOG_ERROR, "this CPU, or what the host shows of it, lacks FSGSBASE or RDTSCP: guests "
				"cannot run here");
		return -ENOSYS;
	}
	return 0;
}

int platform_start(struct platform *p)
{
	int err = check_cpu() ?: open_descriptors(p);

	if (err)
		return err;
	if (mmap(p->windows, CONTROL_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, p->control->fd, 0) != p->windows)
		return -errno;
	p->cpu_count = count_cpus(&p->cpus);
	p->glob = (struct glob *)(void *)(p->windows + GLOB_OFFSET);
	p->glob->mt_spin = p->cpu_count > 1 ? MEMORY_SPIN : 0;
	p->guest_spin = p->cpu_count > 1 ? GUEST_SPIN : 0;
	err = zygote_start(p);
	if (err)
		return err;
	/* the stubs' end is theirs alone */
	host_fd_put(p->stub_socket);
	p->stub_socket = NULL;
	return 0;
}

int platform_init(const struct platform_ops *ops)
{
	struct platform *p = knew(struct platform);

	if (!p)
		return -ENOMEM;
	kernel()->platform = p;
	p->ops = ops;
	p->epoll_fd = -1;
	list_init(&p->running);
	list_init(&p->serving);
	list_init(&p->busy);
	list_init(&p->exits);
	list_init(&p->pool);
	wait_queue_init(&p->pool_wait);
	wait_queue_init(&p->fd_lane);
	wait_queue_init(&p->thaw);
	bury_init(p);
	p->pool_target = POOL_TARGET;
	/* beside the arena: pointers into it survive with the arena, so the address must be free again then
	 */
	p->windows = (char *)g_arena + WINDOWS_ABOVE_ARENA;
	return platform_start(p);
}

static int watch(struct platform *p, int fd, u64 data)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = PLATFORM_EVENT_BIT | data};

	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int platform_epoll_setup(int epoll_fd)
{
	struct platform *p = platform();
	struct coro *pool;
	int err;

	p->epoll_fd = epoll_fd;
	err = watch(p, p->bell->fd, EVENT_BELL);
	if (!err)
		err = watch(p, p->socket->fd, EVENT_SOCKET);
	if (!err)
		err = watch(p, p->zygote->pidfd->fd, 1 + p->zygote->window);
	if (!err && !p->pool_started)
		err = coro_start(pool_coroutine, p, NULL, &pool);
	if (!err && !p->pool_started)
		pool->service = true;
	p->pool_started = true;
	return err;
}

void platform_epoll_event(u64 data)
{
	struct platform *p = platform();
	u64 count;

	data &= ~PLATFORM_EVENT_BIT;
	if (data == EVENT_BELL) {
		/* nobody counts the rings: a guest that writes large numbers only fills its own bell */
		if (read(p->bell->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
			panic("doorbell: errno %d", errno);
	} else if (data == EVENT_SOCKET) {
		stub_identify(p);
	} else {
		stub_event(p, (u32)(data - 1));
	}
}

/* Spinning is for when everybody who spins has a CPU: those that run, those that wait for an answer, and we.
 */
static void set_guest_spin(struct platform *p)
{
	u32 active = p->running_count, want;
	struct uthread *ut;

	list_for_each_entry (ut, &p->serving, serving_node)
		if (++active >= p->cpu_count)
			break;
	want = active < p->cpu_count ? p->guest_spin : 0;

	if (p->glob->guest_spin != want) {
		shared_store(&p->glob->guest_spin, want);
		shared_store(&p->glob->mt_spin, want ? MEMORY_SPIN : 0);
	}
}

/* Who waits for us on our own CPU shall sleep at once. */
static void say_where(struct platform *p)
{
	u32 cpu = 1 + this_cpu();

	if (p->glob->loop_cpu != cpu)
		shared_store(&p->glob->loop_cpu, cpu);
}

bool platform_poll(void)
{
	struct platform *p = platform();
	struct uthread *ut, *next;
	bool moved;

	/* what was taken in the last turn and is still unanswered will take long, unless it waits for a
	 * memory thread to which we give our CPU */
	list_for_each_entry_safe (ut, next, &p->serving, serving_node) {
		if (ut->as->busy && ut->as->near)
			continue;
		list_del_init(&ut->serving_node);
		if (!ut->running && !ut->gone)
			shared_store(&ut->slot->state, SLOT_SLEEP);
	}
	if (!list_empty(&p->exits))
		uthread_send_exits(p);
	moved = uthread_poll_all(p);
	if (!list_empty(&p->busy))
		moved |= stub_poll_busy(p);
	set_guest_spin(p);
	say_where(p);
	bury_look(p);
	return moved;
}

bool platform_sleep_prepare(void)
{
	struct platform *p = platform();

	bury_all(p);
	shared_store(&p->glob->sleeping, 1);
	full_fence();
	if (!platform_poll()) {
		place_loop_sleeps(p);
		shared_store(&p->glob->loop_cpu, 0);
		return true;
	}
	shared_store(&p->glob->sleeping, 0);
	return false;
}

void platform_sleep_done(void)
{
	shared_store(&platform()->glob->sleeping, 0);
	say_where(platform());
}

u64 platform_spin_cycles(void)
{
	struct platform *p = platform();

	if (!list_empty(&p->busy) && p->request_late < 2) /* a memory thread has just been woken */
		return SPIN_CYCLES + WAKE_CYCLES;
	if (p->soon_count > 0 && p->running_count < p->cpu_count)
		return SPIN_CYCLES + (p->delayed_count ? WAKE_CYCLES : 0);
	return 0;
}

bool platform_in_the_way(void)
{
	return platform()->near_count > 0;
}

bool platform_cpu_is_left(void)
{
	const struct platform *p = platform();

	return p->running_count < p->cpu_count && (p->running_count || !list_empty(&p->busy));
}

bool platform_guests_run(void)
{
	return platform()->running_count > 0;
}

void platform_idle(void)
{
	struct platform *p = platform();

	if (p->pool_count < p->pool_target && !p->pool_wanted && !p->frozen) {
		p->pool_wanted = true;
		wake_up(&p->pool_wait, 0);
	}
}

u64 platform_vdso_addr(void)
{
	return platform()->vdso_addr;
}

u64 platform_vdso_size(void)
{
	return platform()->vdso_size;
}

unsigned platform_cpu_count(void)
{
	return platform()->cpu_count;
}
