/*
 * aspace.c - changes to guest address spaces, in the order they were asked for.
 *
 * A change that needs no descriptor and is asked for on behalf of a trapped thread is queued in that thread
 * and carried out by it as the last step of its trap: no hand-over costs. Everything else goes to the memory
 * thread, several changes in one request. Because both ways exist, a later change first makes sure that
 * earlier ones have happened (aspace_settle): else a late munmap of one thread could remove what another has
 * mapped there since.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sandbox/platform/platform_priv.h"

#define SETTLE_PATIENCE_NS (2 * NSEC_PER_SEC)

static bool range_ok(u64 addr, u64 size)
{
	return !(addr & ~PAGE_MASK) && !(size & ~PAGE_MASK) && size && addr < PLATFORM_USER_END &&
	       size <= PLATFORM_USER_END - addr;
}

/* ---- life ---- */

int aspace_new(struct aspace **out, void *owner)
{
	struct platform *p = platform();
	int err = 0;

	if (!list_empty(&p->pool)) {
		struct aspace *as = list_first_entry(&p->pool, struct aspace, pool_node);
		list_del_init(&as->pool_node);
		p->pool_count--;
		*out = as;
	} else {
		err = stub_fork(p->zygote, out);
	}
	if (!err)
		(*out)->owner = owner;
	return err;
}

int aspace_fork(struct aspace *parent, struct aspace **out, void *owner)
{
	int err = aspace_settle(parent, NULL);

	if (!err)
		err = stub_fork(parent, out);
	if (!err)
		(*out)->owner = owner;
	return err;
}

void aspace_destroy(struct aspace *as)
{
	if (!list_empty(&as->uthreads))
		panic("an address space is destroyed while it has threads");
	as->owner = NULL;
	stub_kill(as);
}

void aspace_set_owner(struct aspace *as, void *owner)
{
	as->owner = owner;
}

void aspace_adopt(struct aspace *as, void *owner)
{
	as->owner = owner;
	account_anew(as);
}

bool aspace_alive(const struct aspace *as)
{
	return as->state == ASPACE_UP;
}

/* ---- the order of changes ---- */

static int run_queued_elsewhere(struct aspace *as, struct uthread *ut)
{
	u32 count;
	int err = stub_request_begin(as);

	if (err)
		return err;
	count = ut->op_count; /* read after the sleep: the thread may have gone on */
	if (ut->op_state != OPS_QUEUED)
		return 0;
	for (u32 i = 0; i < count; i++) {
		as->req->call[i].nr = ut->op[i].nr;
		memcpy(as->req->call[i].arg, ut->op[i].arg, sizeof(ut->op[i].arg));
	}
	ut->op_count = 0;
	ut->op_state = OPS_NONE;
	list_del_init(&ut->op_node);
	as->moved++; /* the thread must not go on before they have happened: go_on() */
	err = stub_request(as, count);
	as->moved--;
	return err;
}

int uthread_settle(struct uthread *ut)
{
	if (ut->op_state != OPS_QUEUED)
		return 0;
	return run_queued_elsewhere(ut->as, ut);
}

int aspace_settle(struct aspace *as, struct uthread *except)
{
	u64 deadline = 0;

	for (;;) {
		struct uthread *ut, *found = NULL;
		if (as->state != ASPACE_UP)
			return -ESRCH;
		list_for_each_entry (ut, &as->op_threads, op_node)
			if (ut != except || ut->op_state != OPS_QUEUED) {
				found = ut;
				break;
			}
		if (!found)
			return 0;
		if (found->op_state == OPS_QUEUED) {
			int err = run_queued_elsewhere(as, found);
			if (err)
				return err;
			continue;
		}
		if (shared_load(&found->slot->ops_done) == found->op_generation) {
			uthread_ops_done(found);
			continue;
		}
		if (!deadline)
			deadline = clock_monotonic() + SETTLE_PATIENCE_NS;
		else if (clock_monotonic() > deadline)
			return -EAGAIN;
		sched_yield_now();
	}
}

/* ---- requests ---- */

/* One message with all descriptors of the batch: the memory thread's recvmsg installs them as 3, 4, …. The
 * header lies in the request page, so the guest cannot redirect it; what is written goes to the result page.
 */
static int batch_send_fds(struct aspace *as)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int) * ASPACE_FD_MAX)] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};
	struct cmsghdr *h = (struct cmsghdr *)(void *)control;
	struct {
		struct msghdr m;
		struct iovec iov;
	} *remote = (void *)as->req->msghdr;
	const u64 result = WIN_ADDR + SLOT_RESULT;
	int fds[ASPACE_FD_MAX];

	static_assert(sizeof(*remote) <= sizeof(as->req->msghdr), "room in the request page");
	for (u32 i = 0; i < as->batch_fd_count; i++)
		fds[i] = as->batch_fd[i]->fd;
	m.msg_controllen = CMSG_SPACE(sizeof(int) * as->batch_fd_count);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int) * as->batch_fd_count);
	memcpy(CMSG_DATA(h), fds, sizeof(int) * as->batch_fd_count);
	memset(remote, 0, sizeof(*remote));
	remote->iov.iov_base = (void *)(result + offsetof(struct result, byte));
	remote->iov.iov_len = 1;
	remote->m.msg_iov = (void *)(REQ_ADDR + offsetof(struct request, msghdr) + sizeof(struct msghdr));
	remote->m.msg_iovlen = 1;
	remote->m.msg_control = (void *)(result + offsetof(struct result, control));
	remote->m.msg_controllen = m.msg_controllen;
	if (sendmsg(platform()->socket->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return errno == EAGAIN ? -ENOMEM : -errno;
	return 0;
}

static void batch_drop(struct aspace *as)
{
	for (u32 i = 0; i < as->batch_fd_count; i++)
		host_fd_put(as->batch_fd[i]);
	as->batch_fd_count = 0;
	as->batch_count = 0;
}

/* These protections the host has granted for these files. */
static void note_mapped(struct aspace *as)
{
	for (u32 i = 0; i < as->batch_count; i++) {
		const struct host_call *c = &as->batch[i];
		if (c->nr == SYS_mmap && !(c->arg[3] & MAP_ANONYMOUS))
			as->batch_fd[c->arg[4] - STUB_FD_FIRST]->mapped |= (u32)c->arg[2];
	}
}

/* Sends what was collected. All descriptors travel through one socket, so one stub at a time has the lane. */
static int batch_flush(struct aspace *as)
{
	struct platform *p = platform();
	bool fds = as->batch_fd_count > 0;
	u32 n = 0, count = as->batch_count;
	s64 ret[REQ_CALL_COUNT];
	int err;

	if (!count)
		return 0;
	if (fds) {
		wait_event_uninterruptible(&p->fd_lane, !p->fd_lane_busy);
		p->fd_lane_busy = true;
	}
	err = stub_request_begin(as);
	if (!err && fds) {
		err = batch_send_fds(as);
		as->req->call[n++] = (struct host_call){
		    .nr = SYS_recvmsg,
		    .arg = {STUB_FD_SOCKET, REQ_ADDR + offsetof(struct request, msghdr), 0}};
	}
	if (!err) {
		memcpy(&as->req->call[n], as->batch, count * sizeof(as->batch[0]));
		n += count;
		if (fds)
			as->req->call[n++] =
			    (struct host_call){.nr = SYS_close_range, .arg = {STUB_FD_FIRST, 0xffffffff, 0}};
		err = stub_request(as, n);
		memcpy(ret, as->res->ret, n * sizeof(ret[0]));
		/* recvmsg cannot report into its read-only header (EFAULT), but has installed the descriptors
		 */
		for (u32 i = fds ? 1 : 0; i < n && !err; i++)
			if (ret[i] < 0 && ret[i] >= -4095)
				err = (int)ret[i];
		if (!err)
			note_mapped(as);
	}
	if (fds) {
		p->fd_lane_busy = false;
		wake_up(&p->fd_lane, 0);
	}
	batch_drop(as);
	return err;
}

/* ---- changes that wait ---- */

void aspace_defer_begin(struct aspace *as)
{
	as->deferring = true;
}

void aspace_defer_end(struct aspace *as)
{
	as->deferring = false;
	as->deferred = as->batch_count > 0;
}

bool aspace_deferred(const struct aspace *as)
{
	return as->deferred || as->flushing;
}

u32 aspace_flushes(const struct aspace *as)
{
	return as->flushes;
}

bool aspace_may_defer(const struct aspace *as)
{
	return !as->flushing;
}

int aspace_flush(struct aspace *as)
{
	int err;

	while (as->flushing)
		wait_event_uninterruptible(&as->done, !as->flushing);
	if (!as->deferred)
		return 0;
	as->deferred = false;
	as->flushing = true;
	err = batch_flush(as);
	as->flushing = false;
	as->flushes++;
	wake_up_all(&as->done, 0);
	return err;
}

void aspace_forget_deferred(struct aspace *as)
{
	batch_drop(as);
	as->deferred = as->deferring = false;
}

static bool must_flush(const struct aspace *as)
{
	return (as->deferred || as->flushing) && !as->deferring && !as->batch_depth;
}

/* ---- batches ---- */

void aspace_batch_begin(struct aspace *as)
{
	int err = must_flush(as) ? aspace_flush(as) : 0;

	if (as->batch_depth++ == 0)
		as->batch_error = err;
}

int aspace_batch_end(struct aspace *as)
{
	int err = 0;

	if (--as->batch_depth)
		return 0;
	if (!as->batch_error)
		err = as->deferring ? 0 : batch_flush(as);
	else
		batch_drop(as);
	return as->batch_error ? as->batch_error : err;
}

/* Adds one change to the batch and, outside begin/end, sends it. */
static int batch_add(struct aspace *as, struct host_call call, struct host_fd *fd)
{
	int err = 0;

	if (as->batch_error)
		return 0; /* batch_end reports it */
	if (as->batch_count == ARRAY_COUNT(as->batch) || (fd && as->batch_fd_count == ASPACE_FD_MAX))
		err = batch_flush(as);
	if (!err && fd) {
		u32 i;
		for (i = 0; i < as->batch_fd_count && as->batch_fd[i] != fd; i++)
			;
		if (i == as->batch_fd_count)
			as->batch_fd[as->batch_fd_count++] = host_fd_get(fd);
		call.arg[4] = STUB_FD_FIRST + i;
	}
	if (!err)
		as->batch[as->batch_count++] = call;
	if (as->batch_depth) {
		as->batch_error = err;
		return err;
	}
	return err || as->deferring ? err : batch_flush(as);
}

/* One change: by the trapped thread itself where that is possible, else by the memory thread. */
static int change(struct aspace *as, struct uthread *by, struct host_call call, struct host_fd *fd)
{
	bool own = by && by->as == as && !by->running && !by->gone && !fd && !as->batch_depth &&
		   !as->deferring && by->op_count < SLOT_OP_MAX;
	int err = must_flush(as) ? aspace_flush(as) : 0;

	if (!err)
		err = aspace_settle(as, own ? by : NULL);
	if (err)
		return err;
	if (!own)
		return batch_add(as, call, fd);
	if (by->op_state == OPS_NONE) {
		by->op_state = OPS_QUEUED;
		list_add_tail(&by->op_node, &as->op_threads);
	}
	by->op[by->op_count].nr = call.nr;
	memcpy(by->op[by->op_count++].arg, call.arg, sizeof(call.arg));
	return 0;
}

int aspace_map_anon(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot, bool noreserve)
{
	u64 flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (noreserve ? MAP_NORESERVE : 0);

	if (!range_ok(addr.v, size) || (prot & ~7))
		return -EINVAL;
	return change(as, by,
		      (struct host_call){.nr = SYS_mmap, .arg = {addr.v, size, (u64)prot, flags, (u64)-1, 0}},
		      NULL);
}

int aspace_map_fd(struct aspace *as, uaddr_t addr, u64 size, int prot, bool shared, struct host_fd *fd,
		  u64 offset)
{
	u64 flags = (shared ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED;

	if (!range_ok(addr.v, size) || (prot & ~7) || (offset & ~PAGE_MASK))
		return -EINVAL;
	return change(as, NULL,
		      (struct host_call){.nr = SYS_mmap, .arg = {addr.v, size, (u64)prot, flags, 0, offset}},
		      fd);
}

int aspace_unmap(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size)
{
	if (!range_ok(addr.v, size))
		return -EINVAL;
	return change(as, by, (struct host_call){.nr = SYS_munmap, .arg = {addr.v, size}}, NULL);
}

int aspace_clear(struct aspace *as)
{
	/* in two pieces: the filter bounds the sum of the high words of address and size */
	const u64 middle = 0x7ffc00000000;
	int err;

	aspace_batch_begin(as);
	err = aspace_unmap(as, NULL, uaddr(0), middle);
	if (!err)
		err = aspace_unmap(as, NULL, uaddr(middle), PLATFORM_USER_END - middle);
	if (aspace_batch_end(as) && !err)
		err = -ENOMEM;
	return err;
}

int aspace_protect(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot)
{
	if (!range_ok(addr.v, size) || (prot & ~7))
		return -EINVAL;
	return change(as, by, (struct host_call){.nr = SYS_mprotect, .arg = {addr.v, size, (u64)prot}}, NULL);
}

int aspace_move(struct aspace *as, struct uthread *by, uaddr_t from, u64 old_size, uaddr_t to, u64 new_size)
{
	if (!range_ok(from.v, old_size) || !range_ok(to.v, new_size) || new_size > old_size)
		return -EINVAL;
	return change(
	    as, by,
	    (struct host_call){.nr = SYS_mremap,
			       .arg = {from.v, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to.v}},
	    NULL);
}

int aspace_advise(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int advice)
{
	if (!range_ok(addr.v, size))
		return -EINVAL;
	return change(as, by, (struct host_call){.nr = SYS_madvise, .arg = {addr.v, size, (u64)advice}},
		      NULL);
}

int aspace_mincore(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, uaddr_t vec)
{
	return change(as, by, (struct host_call){.nr = SYS_mincore, .arg = {addr.v, size, vec.v}}, NULL);
}

int aspace_membarrier(struct aspace *as, struct uthread *by, int cmd)
{
	return change(as, by, (struct host_call){.nr = SYS_membarrier, .arg = {(u64)cmd, 0, 0}}, NULL);
}

/* ---- copies ---- */

/* Changes that another thread has asked for and not made yet are not waited for: that thread is still in its
 * call, so nobody can know of them, and objects are being looked at on both sides of a copy. */

/* How much of [addr, addr+size) a guest can have at all: what is asked of the host ends there. */
static size_t guests_part(u64 addr, size_t size, bool write)
{
	u64 end = PLATFORM_USER_END;

	if (!write && addr - platform_vdso_addr() < platform_vdso_size())
		end = platform_vdso_addr() + platform_vdso_size();
	return addr < end ? min_t(size_t, size, end - addr) : 0;
}

static s64 vm_copy_pieces(struct aspace *as, void *buf, const struct aspace_piece *p, u32 count, bool write)
{
	struct iovec local = {buf, 0}, remote[ASPACE_PIECES];
	u32 used = 0;
	ssize_t n;

	for (; used < min_t(u32, count, ASPACE_PIECES); used++) {
		size_t size = guests_part(p[used].addr.v, p[used].size, write);
		remote[used] = (struct iovec){(void *)p[used].addr.v, size};
		local.iov_len += size;
		if (size < p[used].size) {
			used++;
			break;
		}
	}
	if (!local.iov_len)
		return -EFAULT;
	if (as->state != ASPACE_UP)
		return -EFAULT;
	n = write ? process_vm_writev(as->pid, &local, 1, remote, used, 0)
		  : process_vm_readv(as->pid, &local, 1, remote, used, 0);
	return n > 0 ? n : -EFAULT;
}

s64 aspace_read(struct aspace *as, void *dst, uaddr_t src, size_t size)
{
	const struct aspace_piece p = {src, size};

	return size ? vm_copy_pieces(as, dst, &p, 1, false) : 0;
}

s64 aspace_write(struct aspace *as, uaddr_t dst, const void *src, size_t size)
{
	const struct aspace_piece p = {dst, size};

	return size ? vm_copy_pieces(as, (void *)(uintptr_t)src, &p, 1, true) : 0;
}

s64 aspace_read_pieces(struct aspace *as, void *dst, const struct aspace_piece *src, u32 count)
{
	return vm_copy_pieces(as, dst, src, count, false);
}

s64 aspace_write_pieces(struct aspace *as, const struct aspace_piece *dst, u32 count, const void *src)
{
	return vm_copy_pieces(as, (void *)(uintptr_t)src, dst, count, true);
}
