/*
 * stubs.c - the stub processes: the zygote, forks of stubs, who is who, requests to memory threads, death.
 *
 * Every stub is a fork of the zygote or of another stub, made by a memory thread on our request. Nothing a
 * stub says is believed: a new one proves who it is by writing the nonce of its request page (which no guest
 * can write or map elsewhere) to the one socket, where the host kernel adds its pid and a pidfd. Requests are
 * asynchronous: the calling coroutine sleeps until the loop sees the memory thread's result page or the
 * stub's death.
 *
 * Survives a checkpoint: the structs. Pids, pidfds and the socket are made anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/platform/platform_priv.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif
#define FORK_PATIENCE_NS (20 * NSEC_PER_SEC)
#define FILTER_MAX       512
#define NONCE_WINDOW     0xffffULL /* the bits of a nonce that say whose it is */
static_assert(WIN_COUNT <= NONCE_WINDOW + 1, "a nonce has the number of its window");

extern const char stub_image[], stub_image_end[];

void shared_wake(u32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void nonce_make(struct aspace *as)
{
	do {
		if (getrandom(&as->nonce, sizeof(as->nonce), 0) != sizeof(as->nonce))
			panic("getrandom failed: errno %d", errno);
		as->nonce = (as->nonce & ~NONCE_WINDOW) | as->window;
	} while (as->nonce <= NONCE_WINDOW);
	as->req->nonce = as->nonce;
}

/* ---- identity ---- */

/* Before Linux 6.5 the kernel gives no pidfd: open one, read the nonce back through it, see that it still
 * lives. */
static int pidfd_by_readback(struct aspace *as, int pid)
{
	u64 got = 0;
	struct iovec local = {&got, sizeof(got)};
	struct iovec remote = {(void *)(REQ_ADDR + offsetof(struct request, nonce)), sizeof(got)};
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd alive = {fd, POLLIN, 0};

	if (fd < 0)
		return -1;
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) != sizeof(got) || got != as->nonce ||
	    poll(&alive, 1, 0) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void identity_accept(struct platform *p, struct aspace *as, int pid, int pidfd)
{
	/* once: it may be some time until the remains are cleaned */
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET,
				 .data.u64 = PLATFORM_EVENT_BIT | (1 + as->window)};

	as->pidfd = host_fd_new(pidfd, HOST_FD_PLATFORM, false);
	if (!as->pidfd) {
		kill(pid, SIGKILL);
		return;
	}
	as->pid = pid;
	as->nonce = 0;
	as->state = ASPACE_UP;
	if (p->epoll_fd >= 0 && epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, pidfd, &ev))
		klog(LOG_ERROR, "epoll_ctl for stub %d: errno %d", pid, errno);
	wake_up_all(&as->done, 0);
}

static bool identity_receive_one(struct platform *p)
{
	u64 nonce = 0;
	char control[256];
	struct iovec iov = {&nonce, sizeof(nonce)};
	struct msghdr m = {
	    .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int pid = 0, pidfd = -1;
	struct aspace *as;
	ssize_t n = recvmsg(p->socket->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return false;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_CREDENTIALS)
			memcpy(&pid, CMSG_DATA(h), sizeof(pid));
		if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_PIDFD)
			memcpy(&pidfd, CMSG_DATA(h), sizeof(pidfd));
	}
	as = window_owner(p, nonce & NONCE_WINDOW);
	if (n == sizeof(nonce) && as && as->nonce && as->nonce == nonce && pid > 0 && pidfd < 0)
		pidfd = pidfd_by_readback(as, pid);
	if (n != sizeof(nonce) || !as || !as->nonce || as->nonce != nonce || pid <= 0 || pidfd < 0) {
		p->forged++;
		if (pidfd >= 0)
			close(pidfd);
		return true;
	}
	identity_accept(p, as, pid, pidfd);
	return true;
}

void stub_identify(struct platform *p)
{
	while (identity_receive_one(p))
		;
}

/* ---- requests ---- */

int stub_request_begin(struct aspace *as)
{
	while (as->busy)
		wait_event_uninterruptible(&as->done, !as->busy);
	if (as->state != ASPACE_UP)
		return -ESRCH;
	return 0;
}

static void request_post(struct aspace *as, u32 count)
{
	bool clones = as->req->call[0].nr == SYS_clone;

	as->req->count = count;
	/* a new thread begins on the memory thread's CPU */
	as->req->rest = clones;
	place_memory(as, clones);
	as->posted = cycles();
	as->seq++;
	shared_store(&as->req->seq, as->seq);
	full_fence();
	as->near = as->pinned && !(as->pinned & PLACE_BESIDE)
		       ? as->pinned == 1 + this_cpu()
		       : shared_load(&as->res->asleep) == 1 + this_cpu();
	platform()->near_count += as->near;
	shared_wake(&as->req->seq);
}

/* It stays busy until its caller runs, which reads the results before it sleeps again: the next request would
 * write over them. */
int stub_request(struct aspace *as, u32 count)
{
	as->busy = true;
	as->answered = false;
	list_add_tail(&as->busy_node, &platform()->busy);
	request_post(as, count);
	wait_event_uninterruptible(&as->done, as->answered);
	as->busy = false;
	wake_up_all(&as->done, 0);
	return as->state == ASPACE_UP ? 0 : -ESRCH;
}

/* Where CPUs are scarce, a loop that spins keeps the memory thread from its work. */
static void predict_requests(u64 posted)
{
	u8 *late = &platform()->request_late;

	if (cycles_since(posted) < SPIN_CYCLES + WAKE_CYCLES)
		*late -= *late > 0;
	else
		*late += *late < 3;
}

static void request_finished(struct aspace *as)
{
	platform()->near_count -= as->near; /* it no longer waits for the CPU that we are on */
	as->near = false;
	as->answered = true;
	list_del_init(&as->busy_node);
	wake_up_all(&as->done, 0);
}

bool stub_poll_busy(struct platform *p)
{
	struct aspace *as, *next;
	bool moved = false;

	list_for_each_entry_safe (as, next, &p->busy, busy_node) {
		if (as->state == ASPACE_STARTING) { /* no request: waits for its proof; `up` is a mere hint */
			if (shared_load(&as->res->up)) {
				(void)identity_receive_one(p);
				moved = true;
			}
		} else if (shared_load(&as->res->seq) == as->seq) {
			predict_requests(as->posted);
			request_finished(as);
			moved = true;
		}
	}
	return moved;
}

/* ---- fork ---- */

static void park_slot0(struct aspace *as)
{
	struct slot *s = slot_at(as, 0);

	s->state = SLOT_SLEEP; /* if the thread is there before its answer, that may take long */
	s->live = 1;
	as->req->start = slot_address(0);
	as->req->rest = 1;
	as->parked = true;
}

/* The fork itself, into a window that is prepared. */
int stub_fork_into(struct aspace *from, struct aspace *as)
{
	struct platform *p = platform();
	s64 ret;
	int err;

	nonce_make(as);
	err = stub_request_begin(from);
	if (err)
		return err;
	list_add_tail(&as->busy_node, &p->busy);
	from->req->child_window = (u64)as->window * WIN_SIZE;
	from->req->call[0] = (struct host_call){.nr = SYS_clone, .arg = {CLONE_FLAGS_FORK}};
	p->forks++;
	err = stub_request(from, 1);
	place_forked(from, as);
	ret = from->res->ret[0]; /* forgeable: says only whether waiting for a proof is worth it */
	if (!err && ret < 0 && as->state == ASPACE_STARTING)
		err = ret == -ENOMEM ? -ENOMEM : -EAGAIN;
	if (!err && as->state == ASPACE_STARTING) {
		u64 deadline = clock_monotonic() + FORK_PATIENCE_NS;
		if (wait_event_state(&as->done, as->state != ASPACE_STARTING, deadline,
				     SLEEP_UNINTERRUPTIBLE))
			err = -EAGAIN;
		if (err)
			klog(LOG_WARN, "a new stub has not said who it is: clone %ld, %lu forged", (long)ret,
			     (unsigned long)p->forged);
	}
	p->forks--;
	list_del_init(&as->busy_node);
	return err;
}

int stub_fork(struct aspace *from, struct aspace **out)
{
	struct platform *p = platform();
	struct aspace *as;
	int err = window_take(p, NULL, &as);

	if (err)
		return err;
	park_slot0(as);
	err = stub_fork_into(from, as);
	if (!err) {
		*out = as;
		return 0;
	}
	if (as->state == ASPACE_UP) {
		stub_kill(as);
	} else {
		as->nonce = 0;
		window_release(p, as);
	}
	return err;
}

/* ---- death ---- */

void stub_kill(struct aspace *as)
{
	if (as->state == ASPACE_DEAD)
		bury_remains(platform(), as);
	else
		bury_condemn(platform(), as);
}

/* The pidfd of a window's stub became readable: the process has ended. */
void stub_event(struct platform *p, u32 window)
{
	struct aspace *as = window_owner(p, window);
	struct uthread *ut, *next;

	if (!as || !as->pidfd)
		return;
	struct pollfd dead = {as->pidfd->fd, POLLIN, 0};
	if (poll(&dead, 1, 0) <= 0)
		return;
	if (as->state == ASPACE_DYING) { /* closing its pidfd takes that from the epoll instance */
		list_del_init(&as->busy_node);
		bury_remains(p, as);
		return;
	}
	if (p->epoll_fd >= 0)
		epoll_ctl(p->epoll_fd, EPOLL_CTL_DEL, as->pidfd->fd, NULL);
	if (as->state != ASPACE_UP)
		return;
	as->state = ASPACE_DEAD;
	request_finished(as);
	list_for_each_entry_safe (ut, next, &as->uthreads, as_node)
		uthread_lost(ut);
	list_del_init(&as->pool_node);
	if (as->owner && p->ops->aspace_died)
		p->ops->aspace_died(as, as->owner);
}

/* ---- the pool of clean stubs ---- */

void pool_coroutine(void *arg)
{
	struct platform *p = arg;
	struct aspace *as;

	for (;;) {
		wait_event_uninterruptible(&p->pool_wait, p->pool_wanted && p->pool_count < p->pool_target);
		if (!stub_fork(p->zygote, &as)) {
			list_add_tail(&as->pool_node, &p->pool);
			p->pool_count++;
		}
		p->pool_wanted = false; /* only now: who asks in between must not be forgotten */
	}
}

/* ---- zygote ---- */

/* Where vvar and vDSO lie, from our own map: same kernel, same layout. */
static void vdso_describe(struct platform *p, struct request *q)
{
	FILE *f = p->ops->maps_fd ? fdopen(p->ops->maps_fd, "r") : fopen("/proc/self/maps", "re");
	char line[256], name[64];
	unsigned long lo, hi, vdso = 0, start[6], size[6];
	unsigned n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %63s", &lo, &hi, name) != 3)
			continue;
		if (strncmp(name, "[vvar", 5) && strcmp(name, "[vdso]"))
			continue;
		if (n == 6)
			break;
		start[n] = lo;
		size[n++] = hi - lo;
		if (!strcmp(name, "[vdso]")) {
			vdso = lo;
			p->vdso_size = hi - lo;
		}
	}
	if (f)
		fclose(f);
	if (!vdso || start[n - 1] + size[n - 1] - start[0] > VDSO_SPACE)
		return; /* guests then trap for the time: slower, not wrong */
	for (unsigned i = 0; i < n; i++) {
		q->vdso[i].delta = (s64)(start[i] - vdso);
		q->vdso[i].size = size[i];
	}
	q->vdso_count = n;
	p->vdso_addr = VDSO_ADDR + (vdso - start[0]);
}

static void zygote_exec(struct platform *p, int image)
{
	static char *const argv[] = {(char *)"warren-stub", NULL}, *const envp[] = {NULL};
	int from[3] = {p->bell->fd, p->control->fd, p->stub_socket->fd};

	personality(ADDR_NO_RANDOMIZE);
	for (int i = 0; i < 3; i++)
		from[i] = fcntl(from[i], F_DUPFD, 200);
	image = fcntl(image, F_DUPFD_CLOEXEC, 210);
	for (int i = 0; i < 3; i++)
		if (from[i] < 0 || dup2(from[i], i) < 0)
			_exit(71);
	syscall(SYS_close_range, 3, 199, 0);
	for (int i = 0; i < 3; i++)
		close(from[i]);
	syscall(SYS_execveat, image, "", argv, envp, AT_EMPTY_PATH);
	_exit(72);
}

static int zygote_wait(struct platform *p, struct aspace *as)
{
	for (int i = 0; i < 5000 && as->state != ASPACE_UP; i++) {
		struct pollfd readable = {p->socket->fd, POLLIN, 0};
		if (poll(&readable, 1, 1) > 0)
			stub_identify(p);
	}
	if (as->state != ASPACE_UP)
		return -ETIMEDOUT;
	/* the filter must be in force before any guest code can exist */
	if (as->res->ret[0] != 0) {
		klog(LOG_ERROR, "the stub's seccomp filter was refused: errno %d", (int)-as->res->ret[0]);
		return -EPERM;
	}
	return 0;
}

int zygote_start(struct platform *p)
{
	struct aspace *as;
	struct sock_filter *f;
	struct sock_fprog *prog;
	size_t size = (size_t)(stub_image_end - stub_image);
	int image, err = window_take(p, NULL, &as);
	long pid;

	if (err)
		return err;
	prog = (struct sock_fprog *)(void *)((char *)slot_at(as, 0) + SLOT_BOUNCE);
	f = (struct sock_filter *)(void *)((char *)prog + 64);
	prog->len = (unsigned short)stub_filter_build(f, FILTER_MAX);
	prog->filter = (struct sock_filter *)(WIN_ADDR + SLOT_BOUNCE + 64);
	nonce_make(as);
	vdso_describe(p, as->req);
	image = memfd_create("warren-stub", MFD_CLOEXEC);
	if (image < 0)
		return -errno;
	if (write(image, stub_image, size) != (ssize_t)size) {
		close(image);
		return -EIO;
	}
	/* a sibling of ours: child of the keeper, like every stub */
	pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, NULL, NULL, 0);
	if (pid == 0)
		zygote_exec(p, image);
	close(image);
	if (pid < 0)
		return -errno;
	p->zygote = as;
	return zygote_wait(p, as);
}
