/*
 * platform.h - the only door between the kernel and the machinery that runs guest code.
 *
 * The platform knows three things: address spaces (`struct aspace`, one stub process each), guest threads
 * (`struct uthread`, one host thread each, seen through a context slot) and traps (why a guest thread
 * stopped). It knows no tasks, files or signals. The kernel calls down; the platform calls up only through
 * `struct platform_ops`. Functions marked [sleeps] may suspend the calling coroutine (kernel/sched.h); none
 * ever blocks the sentry's host thread. DESIGN.md section 2 gives the reasons.
 *
 * What survives a checkpoint: the structs live in the arena; pids, pidfds and the control memfd are replaced.
 */
#ifndef WARREN_PLATFORM_H
#define WARREN_PLATFORM_H

#include "sandbox/base/host_fd.h"
#include "sandbox/base/types.h"
#include "sandbox/platform/trampoline.h" /* patched call sites */

struct aspace;
struct uthread;

/* Guest addresses are [PLATFORM_USER_MIN, PLATFORM_USER_END): far above it lie the stub and its window. */
#define PLATFORM_USER_MIN 0x10000UL
#define PLATFORM_USER_END 0x7ffcfffff000UL

/* The general registers of a trapped guest thread, in the order of Linux's struct user_regs_struct. */
struct uregs {
	u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax, rip, cs,
	    eflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
};

enum trap_kind {
	TRAP_SYSCALL, /* nr, args */
	TRAP_FAULT,   /* signo, code, addr, error_code, trapno: as the host's siginfo and mcontext had them */
	TRAP_KICK,    /* uthread_interrupt() stopped running guest code */
	TRAP_GONE     /* the host thread or its stub no longer exists (killed, or left by itself) */
};

struct trap {
	enum trap_kind kind;
	bool foreign_arch; /* int 0x80 or another table than x86-64's: answer ENOSYS */
	u64 nr, args[6];
	int signo, code;
	u64 addr, error_code, trapno;
};

struct platform_ops {
	/* A stub ended without having been asked to. Its uthreads report TRAP_GONE. */
	void (*aspace_died)(struct aspace *as, void *owner);
	/* This process's /proc/self/maps, opened while there was a /proc (closed by platform_init); 0: open
	 * it. */
	int maps_fd;
};

/* ---- boot and loop ------------------------------------------------------------------------------------ */

/* Creates the control memfd, doorbell, filter and zygote. Called once, before the sentry drops its rights. */
int platform_init(const struct platform_ops *ops);
/* Looks at every context slot and memory thread once; hands traps to sleeping coroutines. True if any moved.
 * Called by the scheduler's loop only. */
bool platform_poll(void);
/* Before/after the loop sleeps in epoll: tell stubs to ring the doorbell. prepare returns false if work came.
 */
bool platform_sleep_prepare(void);
void platform_sleep_done(void);
/* The doorbell, to be added to the loop's epoll set, and the stubs' pidfd/socket events. */
int platform_epoll_setup(int epoll_fd);
/* An epoll event whose data.u64 has PLATFORM_EVENT_BIT set belongs to the platform. */
#define PLATFORM_EVENT_BIT (1ULL << 63)
void platform_epoll_event(u64 data);
/* For how long it pays to spin before the loop sleeps; 0 if no guest code runs, or no CPU is left over. */
u64 platform_spin_cycles(void);
/* Somebody whom we have woken waits for the very CPU that we are on: yield rather than spin. */
/* When the one guest thread that runs is expected to trap, by what it did before (in cycles); 0: nobody
 * knows. */
u64 platform_next_trap(void);
bool platform_in_the_way(void);
/* Does guest code run, or somebody work for it, with a CPU left over for us? */
bool platform_cpu_is_left(void);
/* Does any guest code run at this moment? */
bool platform_guests_run(void);
/* Wanted: one clean stub ready in the pool (called when idle). */
void platform_idle(void);

/* ---- freezing and restoring (freeze.c, respawn.c) ------------------------------------------------------ */

/* Stops all guest threads; none is answered until thaw. 0, or -ETIMEDOUT (thawed then). [sleeps] */
int platform_freeze(u64 deadline_ns) must_check;
void platform_thaw(void);
/* Frozen, and nothing of the platform is under way: its state is all in the arena and in the shared ranges.
 */
bool platform_at_rest(void);
/* The shared memory that belongs to that state, range by range: calls fn until it returns other than 0. */
int platform_shared_ranges(int (*fn)(void *start, u64 size, void *arg), void *arg) must_check;
/* The address spaces in use; NULL after the last. */
struct aspace *platform_next_aspace(const struct aspace *previous);
void *aspace_owner(const struct aspace *as);
/* A number that names it among those in use. */
u32 aspace_number(const struct aspace *as);

/* Charges all CPU time that was used so far; the last thing before the state is saved. */
void platform_settle_clocks(void);
/* Where the shared memory is mapped here. */
u64 platform_windows(void);

/* In a new sentry whose arena is that of a frozen one: makes control memfd, doorbell and zygote anew, before
 * the rights are dropped. The contents of the shared ranges are the caller's to restore, afterwards. */
int platform_restore(int maps_fd, int account_fd) must_check;
/* A new stub, empty, for an address space of the arena. [sleeps] */
int aspace_respawn(struct aspace *as) must_check;
/* It is as it was: its CPU clock goes on from here. */
void aspace_respawn_done(struct aspace *as);

/* ---- address spaces ----------------------------------------------------------------------------------- */

/* A new, empty address space (from the zygote's pool). `owner` is handed back to aspace_died. [sleeps] */
int aspace_new(struct aspace **out, void *owner) must_check;
/* A copy-on-write copy of `parent`, in which no thread runs yet. [sleeps] */
int aspace_fork(struct aspace *parent, struct aspace **out, void *owner) must_check;
/* Kills the stub and frees the address space; every uthread in it must have been destroyed. */
void aspace_destroy(struct aspace *as);
void aspace_set_owner(struct aspace *as, void *owner);
/* An address space that was emptied, with a thread that waits (uthread_park), goes to a new owner: what it
 * has cost so far is not charged to that one. */
void aspace_adopt(struct aspace *as, void *owner);
/* Its stub has not ended. */
bool aspace_alive(const struct aspace *as);
/* Removes everything the guest has mapped, for another program to take its place. [sleeps] */
int aspace_clear(struct aspace *as) must_check;

/* Changes to the map. Addresses and sizes are page aligned and below PLATFORM_USER_END (checked). `by` is the
 * trapped thread of this address space on whose behalf it happens, or NULL. With `by`, the change is carried
 * out by that thread as the last step of its trap, and a failure of the host becomes the call's result;
 * without, by the memory thread, and the result is returned. Order is kept between all changes of one address
 * space. [sleeps] prot is PROT_READ|PROT_WRITE|PROT_EXEC. */
int aspace_map_anon(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot,
		    bool noreserve) must_check;
int aspace_map_fd(struct aspace *as, uaddr_t addr, u64 size, int prot, bool shared, struct host_fd *fd,
		  u64 offset) must_check;
int aspace_unmap(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size) must_check;
int aspace_protect(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int prot) must_check;
/* Moves pages to a place that is unmapped or will be replaced; new_size ≤ old_size. */
int aspace_move(struct aspace *as, struct uthread *by, uaddr_t from, u64 old_size, uaddr_t to,
		u64 new_size) must_check;
int aspace_advise(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, int advice) must_check;
/* mincore(2) and membarrier(2), by the host's own for that stub; `vec` is the guest's array. */
int aspace_mincore(struct aspace *as, struct uthread *by, uaddr_t addr, u64 size, uaddr_t vec) must_check;
int aspace_membarrier(struct aspace *as, struct uthread *by, int cmd) must_check;
/* Several changes without `by` between begin and end go to the stub in one batch, whose first error end
 * returns. */
void aspace_batch_begin(struct aspace *as);
int aspace_batch_end(struct aspace *as) must_check;
/* What is mapped between begin and end is not sent yet: it waits for aspace_flush(), which every other change
 * calls first; copies do not. An error of the host is then flush's. [flush sleeps] */
void aspace_defer_begin(struct aspace *as);
void aspace_defer_end(struct aspace *as);
bool aspace_deferred(const struct aspace *as);  /* it waits, or is being made for another caller */
bool aspace_may_defer(const struct aspace *as); /* not while a flush is on its way: it would be lost */
int aspace_flush(struct aspace *as) must_check;
u32 aspace_flushes(const struct aspace *as); /* how many have come to their end */

/* Copies between the sentry and guest memory. Bytes copied (short at a fault), or -EFAULT if none. These
 * bypass the bounce area: use copy_in/copy_out of mm/uaccess.h unless the address space is not the current
 * one. They never sleep, and do not see what a thread has queued for the end of its own call: before that
 * matters (a signal's frame), uthread_settle. */
s64 aspace_read(struct aspace *as, void *dst, uaddr_t src, size_t size) must_check;
s64 aspace_write(struct aspace *as, uaddr_t dst, const void *src, size_t size) must_check;
/* The same for pieces of guest memory and one buffer, as wide as they are together: one host call for up to
 * ASPACE_PIECES. It ends at the first fault, as the copies one after the other would. */
#define ASPACE_PIECES 64U
struct aspace_piece {
	uaddr_t addr;
	size_t size;
};
s64 aspace_read_pieces(struct aspace *as, void *dst, const struct aspace_piece *src, u32 count) must_check;
s64 aspace_write_pieces(struct aspace *as, const struct aspace_piece *dst, u32 count,
			const void *src) must_check;
/* CPU time the stub has used, in ns (all threads, ended ones included). */
u64 aspace_cpu_time(struct aspace *as);

/* ---- what a stub costs (account.c) ---- */

/* Files about a stub that the keeper opens for us. */
enum account_file { ACCOUNT_STATUS, ACCOUNT_SMAPS, ACCOUNT_ROLLUP, ACCOUNT_PAGEMAP, ACCOUNT_FILES };

/* The socket to the keeper; -1: there is none. Takes the descriptor. */
int account_init(int fd) must_check;

struct aspace_memory { /* KiB; the stub's own pages (some 100 KiB of them shared memory) included */
	u64 anon, file, shmem, peak, page_tables, swap;
};
/* -ENOSYS without a proc; -ESRCH when the stub is gone. [sleeps] */
int aspace_memory(struct aspace *as, struct aspace_memory *out) must_check;
/* A fresh descriptor of the stub's own smaps or pagemap. [sleeps] */
int aspace_account_open(struct aspace *as, enum account_file file, struct host_fd **out) must_check;

/* getrusage(2) of the stub by one of its trapped threads: its own word, so good for nothing but telling the
 * guest about itself. `thread`: of this thread alone. -EFAULT if it is gone. [sleeps] */
struct host_usage {
	u64 maxrss_kb, minflt, majflt, nvcsw, nivcsw;
};
int uthread_usage(struct uthread *ut, bool thread, struct host_usage *out) must_check;

/* Pages resident; -errno as aspace_memory. [sleeps] */
s64 aspace_rss_pages(struct aspace *as);

/* ---- guest threads ------------------------------------------------------------------------------------ */

/* A guest thread with initial registers and FPU state. It runs from the first uthread_run(). -EAGAIN if the
 * address space has no slot left. */
int uthread_new(struct aspace *as, const struct uregs *regs, struct uthread **out) must_check;
/* A guest thread in `as` whose registers and vector state are copied from trapped `from` (clone, fork). The
 * caller then adjusts it with uthread_set_regs(). */
int uthread_clone(struct uthread *from, struct aspace *as, struct uthread **out) must_check;
/* The same for a vfork child, in from's own address space: it gets from's slot and host thread until it
 * executes another image or ends. -EBUSY: not now, clone it. Until uthread_take_back(from), which is for when
 * the child has left its memory, from can be looked at but not be run. */
int uthread_lend(struct uthread *from, struct uthread **out) must_check;
void uthread_take_back(struct uthread *from);
/* Has a thread that has not run yet write a word of its own memory before it does, if it can. */
void uthread_put(struct uthread *ut, uaddr_t addr, u32 value);
/* Moves a trapped thread over to a fresh register state (execve): initial FPU state, `regs`. If `as` differs
 * from its address space, the old host thread is told to end and a new one starts in `as`. */
int uthread_exec(struct uthread *ut, struct aspace *as, const struct uregs *regs) must_check;
/* Ends the host thread (it must be trapped, gone or never started) and frees the context. */
void uthread_destroy(struct uthread *ut);
/* Frees the context but leaves the host thread in its trap, for the first thread of the address space's next
 * owner. False, and nothing done: it is not the only one that ever was, or not in a state to be kept, or more
 * than max_rss KiB were resident at some time. */
bool uthread_park(struct uthread *ut, u64 max_rss) must_check;

/* Lets the thread go on (answering its pending trap) and sleeps until it traps again. [sleeps] */
void uthread_run(struct uthread *ut, struct trap *out);
/* Asks a thread that is running guest code to trap soon (TRAP_KICK). No effect while it is trapped. */
void uthread_interrupt(struct uthread *ut);
/* True while the thread is in guest code. */
bool uthread_running(const struct uthread *ut);
/* Is a change of the map to be its next step? */
bool uthread_changes_map(const struct uthread *ut);
/* How often it has trapped. */
u64 uthread_trap_count(const struct uthread *ut);
/* Makes the result of the pending system call `ret` at the next uthread_run(): what rax will hold. */
void uthread_set_result(struct uthread *ut, s64 ret);
/* A call made by a patched call site leaves most of the thread's state in the CPU: before registers are set
 * or vector state is touched, this brings it all into a frame. The call ends with the result set before;
 * -ESRCH if the thread is gone. No effect on any other trap. [sleeps] */
int uthread_full_frame(struct uthread *ut) must_check;
/* Where a trapped thread stands. uthread_move_rip: if it stands at `from` it shall go on at `to`. */
u64 uthread_rip(const struct uthread *ut);
void uthread_move_rip(struct uthread *ut, u64 from, u64 to);
/* The same for a call that has not been answered and has done nothing yet: it is made again by a full trap,
 * which replaces *trap. [sleeps] */
void uthread_redo_full(struct uthread *ut, struct trap *trap);
/* True while the pending trap is a patched call. */
bool uthread_fast(const struct uthread *ut);
/* What getpid(2) and gettid(2) answer: patched calls then need not ask. 0: they ask. */
void uthread_set_ids(struct uthread *ut, u32 pid, u32 tid);
/* What a thread's stub may change without a trap while `local_ok` (nobody wants to see all its calls, and no
 * signal waits that a change of the mask could let through): it lies in the owner's hands while the thread is
 * trapped, in the slot while it runs, and goes over with each answer and each trap. */
struct uthread_local {
	u64 sigmask, robust_list, clear_tid;
	bool local_ok;
};
void uthread_set_local(struct uthread *ut, struct uthread_local *home);
/* What they are in a running thread. For the mask to be relied on, hold first: a change that is under way
 * then comes as a trap. */
u64 uthread_sigmask(const struct uthread *ut);
u64 uthread_robust_list(const struct uthread *ut);
void uthread_hold_local(struct uthread *ut);
/* slow: this thread's patched calls shall all be full traps (it is traced). */
void uthread_set_slow(struct uthread *ut, bool slow);
/* All registers of a trapped thread. rax is the pending call's number (= orig_rax) until a result was set.
 * set: the thread continues exactly there; no result is put into rax afterwards. Segment selectors are
 * ignored; eflags are masked to what a user may set; rip and rsp are bounded to canonical user addresses. */
void uthread_get_regs(struct uthread *ut, struct uregs *regs);
int uthread_set_regs(struct uthread *ut, const struct uregs *regs) must_check;
/* The vector state of a trapped thread in the form of the host's signal frame (XSAVE, with the
 * software-reserved bytes of a signal frame filled): its size, a copy out, and a copy in (validated;
 * -EINVAL). */
size_t uthread_fpstate_size(struct uthread *ut);
void uthread_get_fpstate(struct uthread *ut, void *dst, size_t size);
int uthread_set_fpstate(struct uthread *ut, const void *src, size_t size) must_check;
void uthread_reset_fpstate(struct uthread *ut);
/* Atomic compare-and-exchange on a guest word, done by the trapped thread itself. *prev gets the old value.
 * 0, -EFAULT. [sleeps] */
int uthread_cmpxchg32(struct uthread *ut, uaddr_t addr, u32 expected, u32 desired, u32 *prev) must_check;

/* CPU time of one guest thread, ns. */
u64 uthread_cpu_time(struct uthread *ut);

/* The bounce area of the pending call, for mm/uaccess.c only: a pointer to the staged copy of
 * [addr, addr+size) or NULL if the stub did not stage all of it. */
const void *uthread_staged_in(struct uthread *ut, uaddr_t addr, size_t size);
/* The staged string that begins at (or goes on at) addr, and its length without the NUL it had a moment ago
 * (the guest can change it); NULL if it was not staged to its end. */
const char *uthread_staged_str(struct uthread *ut, uaddr_t addr, size_t *len);
/* A place in which bytes for [addr, addr+size) may be put now, to be copied to the guest when the call ends,
 * or NULL if they must be written directly. Committing makes it so. */
void *uthread_stage_out(struct uthread *ut, uaddr_t addr, size_t size);
/* For how many bytes from addr on there may be such a place. */
size_t uthread_stage_room(struct uthread *ut, uaddr_t addr);
void uthread_stage_commit(struct uthread *ut, uaddr_t addr, size_t size);
/* Is the place of a read's buffer full, while the buffer is longer? */
bool uthread_stage_is_full(struct uthread *ut);
/* If so, the thread copies what lies there to the guest now, and the place is that of the next bytes: its own
 * copy costs half of the host's (process_vm_writev), and not our time. 0 or -EFAULT. [sleeps] */
int uthread_stage_hand_over(struct uthread *ut) must_check;
/* A place for `size` bytes that the thread shall write to its own memory before it goes on, or NULL if that
 * cannot be: it costs no host call, but an error comes too late. Committing makes it so: if it cannot be
 * written then, uthread_run() reports a fault at `addr`. */
void *uthread_push(struct uthread *ut, size_t size);
void uthread_push_commit(struct uthread *ut, uaddr_t addr, size_t size);
/* The `size` bytes on top of the stack of a thread that calls rt_sigreturn(2), return address first; false if
 * they are not there. */
bool uthread_staged_frame(struct uthread *ut, void *dst, size_t size);
/* The head of the robust list of a thread that calls exit(2) or exit_group(2); false if it is not there. */
bool uthread_staged_robust(struct uthread *ut, u64 head[3]);
/* Writes what is staged to the guest now (before a signal frame is built). 0 or -EFAULT. */
int uthread_stage_flush(struct uthread *ut) must_check;

/* For a debugger: nothing of the pending call is or will be staged, copies go straight to memory. */
void uthread_unstage(struct uthread *ut);
/* What uthread_get_regs reports as orig_rax: a pending call's number, or ~0 for none. */
void uthread_set_orig_rax(struct uthread *ut, u64 nr);
/* Carries out now what the thread would do as the last step of its trap. 0, or its first error. [sleeps] */
int uthread_settle(struct uthread *ut) must_check;

/* The vDSO that every address space has: its address for AT_SYSINFO_EHDR, size for /proc/PID/maps; 0 if none.
 */
u64 platform_vdso_addr(void);
u64 platform_vdso_size(void);
/* Number of host CPUs the sandbox may use. */
unsigned platform_cpu_count(void);

#endif
