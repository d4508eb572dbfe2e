/*
 * stub.c - the freestanding part of a stub: the trap handler, staging of arguments, and the hand-over.
 *
 * Runs in the guest's address space on guest threads, so the guest can read and disturb everything here but
 * the text; it holds no secrets and no authority. No writable static data, no C library, no vector registers
 * (-mgeneral-regs-only): the guest's vector state passes through untouched.
 *
 * A trap has three parts. In: describe it in the slot. Wait. Out: act on the answer, from slot and frame
 * alone, because the thread that runs it may not be the one that ran the first part (fork, restore).
 */
#include "sandbox/platform/stub_abi.h"
#include "sandbox/syscalls/stub_copy.h"

#pragma GCC visibility push(hidden)

enum { /* gregs of a ucontext, in its order */
       G_R8,
       G_R9,
       G_R10,
       G_R11,
       G_R12,
       G_R13,
       G_R14,
       G_R15,
       G_RDI,
       G_RSI,
       G_RBP,
       G_RBX,
       G_RDX,
       G_RAX,
       G_RCX,
       G_RSP,
       G_RIP,
       G_EFL,
       G_SEGS,
       G_ERR,
       G_TRAPNO,
       G_OLDMASK,
       G_CR2
};
#define UC_GREGS_OFFSET    40
#define SIG_ILL            4
#define SIG_TRAP           5
#define SIG_BUS            7
#define SIG_FPE            8
#define SIG_SEGV           11
#define SIG_URG            23
#define SIG_SYS            31
#define AUDIT_ARCH_X86_64  0xc000003e
#define NR_FUTEX           202
#define NR_SCHED_YIELD     24
#define NR_RT_SIGPROCMASK  14
#define NR_RT_SIGRETURN    15
#define NR_ARCH_PRCTL      158
#define NR_SET_ROBUST_LIST 273
#define NR_SET_TID_ADDRESS 218
#define LOCAL_SHOWN        4
#define LOOK_AROUND        64 /* spins; the sentry's GUEST_SPIN is a multiple, so the first is one */
#define ARCH_SET_FS        0x1002
#define TASK_SIZE          0x7ffffffff000UL
#define NR_GETPID          39
#define NR_KILL            62
#define NR_GETRUSAGE       98
#define NR_EXIT_GROUP      231
#define NR_TKILL           200
#define NR_TGKILL          234
#define NR_GETTID          186
#define NR_WRITE           1
#define NR_EXIT            60

/* stub_entry.S */
extern char stub_text_end[]; /* stub.ld */
extern char restorer[], signal_entry[], copy_begin[], copy_end[], copy_fault[];
extern char fast_entry[], fast_exit[], fast_exit_end[], fast_full_trap[];
uint64_t copy_bytes(void *dst, const void *src, uint64_t size); /* bytes not copied */
uint64_t copy_string(void *dst, const void *src, uint64_t max); /* 0, or 1: fault or no NUL in max */
int64_t compare_exchange(uint32_t *word, uint32_t expected, uint32_t desired,
			 uint32_t *prev); /* 0, 1: fault */
int64_t spawn_thread(uint64_t slot);
void go_on_from(uint64_t frame) __attribute__((noreturn));
char *trap_handler(int signo, char *info, char *uc);
void thread_wait(struct slot *s);
int fast_trap(struct slot *s);
void zygote_setup(uint64_t *stack);

static inline int64_t host_call6(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
				 uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;
	int64_t ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline int64_t host_call3(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t ret;
	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return ret;
}

static inline void fence(void)
{
	__asm__ volatile("lock orq $0, (%%rsp)" ::: "memory", "cc");
}

static inline uint32_t load(const uint32_t *p)
{
	return *(const volatile uint32_t *)p;
}

static inline void store(uint32_t *p, uint32_t v)
{
	*(volatile uint32_t *)p = v;
}

static const struct glob *glob(void)
{
	return (const struct glob *)GLOB_ADDR;
}

/* ---- wait ---- */

/* What Linux keeps in TSC_AUX; a number that is never ours where it keeps nothing does no harm. */
static uint32_t this_cpu(void)
{
	uint32_t low, high, aux;

	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	return aux & 0xfff;
}

/* Whoever spins on the sentry's own CPU keeps it from answering. */
static int in_the_way(void)
{
	return load(&glob()->loop_cpu) == 1 + this_cpu();
}

static void wait_reply(struct slot *s)
{
	for (uint32_t n = load(&glob()->guest_spin); n; n--) {
		uint32_t state = load(&s->state);
		if (state == SLOT_REPLY)
			goto done;
		if (state == SLOT_SLEEP || (n % LOOK_AROUND == 0 && in_the_way()))
			break;
		__asm__ volatile("pause");
	}
	store(&s->asleep, 1 + this_cpu());
	fence();
	for (uint32_t state; (state = load(&s->state)) != SLOT_REPLY;)
		host_call6(NR_FUTEX, (uint64_t)&s->state, 0 /* FUTEX_WAIT, shared */, state, 0, 0, 0);
	store(&s->asleep, 0);
done:
	store(&s->state, SLOT_RUN);
}

static void hand_over(struct slot *s)
{
	static const uint64_t one = 1;

	store(&s->state, SLOT_TRAP);
	fence();
	if (load(&glob()->sleeping))
		host_call3(NR_WRITE, STUB_FD_BELL, (uint64_t)&one, 8);
	wait_reply(s);
}

/* ---- in ---- */

static const struct stub_copy *copy_row(uint64_t nr)
{
	return nr < STUB_COPY_COUNT && stub_copy_table[nr].any ? &stub_copy_table[nr] : 0;
}

/* Copies the in-arguments to the bounce area. What cannot be read is left out: the sentry then finds the
 * fault. */
static uint32_t stage_in(struct slot *s, const struct stub_copy *row)
{
	struct stage_layout l;
	uint32_t staged = 0;
	char *bounce = (char *)s + SLOT_BOUNCE;

	stage_layout(row, s->arg, &l);
	for (int i = 0; i < 6; i++) {
		const void *src = (const void *)s->arg[i];
		uint64_t missing;
		if (!l.size[i])
			continue;
		if (row->kind[i] == STAGE_STR)
			missing = copy_string(bounce + l.offset[i], src, STAGE_STR_MAX);
		else if (STAGE_INS >> row->kind[i] & 1)
			missing = copy_bytes(bounce + l.offset[i], src, l.size[i]);
		else
			continue;
		if (!missing)
			staged |= 1U << i;
	}
	return staged;
}

/* What the sentry wants to know of a thread or process that ends. */
static void stage_last_words(struct slot *s)
{
	char *bounce = (char *)s + SLOT_BOUNCE;

	s->staged = 0;
	if (s->nr == NR_EXIT_GROUP && !host_call3(NR_GETRUSAGE, 0 /* RUSAGE_SELF */, (uint64_t)bounce, 0))
		s->staged |= STAGED_USAGE;
	if (s->robust_list &&
	    !copy_bytes(bounce + STAGED_ROBUST_AT, (const void *)s->robust_list, STAGED_ROBUST_SIZE))
		s->staged |= STAGED_ROBUST;
}

static void describe_syscall(struct slot *s, uint64_t *g, uint32_t arch)
{
	const struct stub_copy *row;

	s->event = arch == AUDIT_ARCH_X86_64 ? EVENT_SYSCALL : EVENT_FOREIGN;
	s->nr = g[G_RAX];
	s->arg[0] = g[G_RDI];
	s->arg[1] = g[G_RSI];
	s->arg[2] = g[G_RDX];
	s->arg[3] = g[G_R10];
	s->arg[4] = g[G_R8];
	s->arg[5] = g[G_R9];
	row = copy_row(s->nr);
	s->staged = row ? stage_in(s, row) : 0;
}

/* ---- out ---- */

/* 0, or 1 if the guest's buffer could not be written. */
static int copy_staged(struct slot *s)
{
	const struct stub_copy *row = copy_row(s->nr);
	struct stage_layout l;

	if (!row)
		return 0;
	stage_layout(row, s->arg, &l);
	for (int i = 0; i < 6; i++) {
		uint32_t low = s->out[i].low, high = s->out[i].high;
		if (low >= high || high > l.size[i])
			continue;
		char *dst = (char *)s->arg[i] + (row->kind[i] == STAGE_OUT ? s->out_shift : 0);
		if (copy_bytes(dst + low, (char *)s + SLOT_BOUNCE + l.offset[i] + low, high - low))
			return 1;
	}
	return 0;
}

static int64_t run_operations(struct slot *s)
{
	uint32_t count = s->op_count;
	int64_t first_error = 0;

	for (uint32_t i = 0; i < count && i < SLOT_OP_MAX; i++) {
		const uint64_t *a = s->op[i].arg;
		int64_t ret = host_call6(s->op[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		if (ret < 0 && ret > -4096 && !first_error)
			first_error = ret;
	}
	store(&s->ops_done, s->ops_generation);
	return first_error;
}

static void load_bases(struct slot *s)
{
	__asm__ volatile("wrfsbase %0" ::"r"(s->fs_base));
	/* %gs leads patched calls to their slot as long as the guest has no use for it */
	__asm__ volatile("wrgsbase %0" ::"r"(s->gs_base ? s->gs_base : (uint64_t)s));
}

static int push(struct slot *s)
{
	uint64_t size = s->push_size;

	return size <= SLOT_BOUNCE_SIZE && copy_bytes((void *)s->push_addr, (char *)s + SLOT_BOUNCE, size);
}

/* Acts on the answer in the slot; the frame at s->frame is then ready for rt_sigreturn. */
static void answer(struct slot *s)
{
	uint64_t *g = (uint64_t *)(s->frame + UC_GREGS_OFFSET);

	while (s->out_flags & OUT_OPERATION) {
		if (s->cx_nr == NR_COPY_STAGED)
			s->cx_error = copy_staged(s) ? -14 : 0;
		else if (s->cx_nr)
			s->cx_error = (int32_t)host_call3(s->cx_nr, s->cx_addr, (uint64_t)s + SLOT_BOUNCE, 0);
		else
			s->cx_error = compare_exchange((uint32_t *)s->cx_addr, s->cx_expected, s->cx_desired,
						       &s->cx_prev)
					  ? -14
					  : 0;
		s->event = EVENT_DONE;
		hand_over(s);
		g = (uint64_t *)(s->frame + UC_GREGS_OFFSET);
	}
	uint32_t flags = s->out_flags;
	int64_t result = s->result;
	if (s->op_count) {
		int64_t error = run_operations(s);
		if (error)
			result = error;
	}
	if ((flags & OUT_STAGED) && copy_staged(s))
		result = -14; /* EFAULT */
	if (flags & OUT_PUT)  /* as clone(2) does it: what cannot be written is not */
		(void)copy_bytes((void *)s->put_addr, &s->put_value, sizeof(s->put_value));
	if (flags & OUT_SPAWN) {
		int64_t ret = spawn_thread(s->spawn);
		if (ret < 0)
			result = ret;
	}
	if (flags & OUT_EXIT)
		host_call3(NR_EXIT, 0, 0, 0);
	if (flags & OUT_BASES)
		load_bases(s);
	if (flags & OUT_RESULT)
		g[G_RAX] = (uint64_t)result;
	if ((flags & OUT_PUSH) && push(s)) {
		s->event = EVENT_UNPUSHED;
		hand_over(s);
		answer(s);
	}
}

/* ---- patched calls ---- */

/* rt_sigprocmask(2). The sentry looks at the mask only after it has cleared local_ok, so that either it sees
 * what is done here, or we see that it looks and leave the call to it, undone. */
static int change_mask(struct slot *s, uint64_t *g)
{
	uint64_t set = 0, old = *(volatile uint64_t *)&s->sigmask, mask = old;

	if (g[G_R10] != 8)
		return 0;
	if (g[G_RSI]) {
		if (copy_bytes(&set, (const void *)g[G_RSI], 8))
			return 0;
		switch ((uint32_t)g[G_RDI]) {
		case 0: /* SIG_BLOCK */
			mask |= set;
			break;
		case 1: /* SIG_UNBLOCK */
			mask &= ~set;
			break;
		case 2: /* SIG_SETMASK */
			mask = set;
			break;
		default:
			return 0;
		}
	}
	*(volatile uint64_t *)&s->sigmask = mask & ~SIGMASK_NEVER;
	fence();
	if (!load(&s->local_ok) || (g[G_RDX] && copy_bytes((void *)g[G_RDX], &old, 8))) {
		*(volatile uint64_t *)&s->sigmask = old;
		return 0;
	}
	g[G_RAX] = 0;
	return 1;
}

static int set_fs_base(struct slot *s, uint64_t *g)
{
	if ((uint32_t)g[G_RDI] != ARCH_SET_FS || g[G_RSI] >= TASK_SIZE)
		return 0;
	__asm__ volatile("wrfsbase %0" ::"r"(g[G_RSI]));
	s->fs_base = g[G_RSI];
	g[G_RAX] = 0;
	return 1;
}

/* Calls whose answer lies here. */
static int answer_here(struct slot *s, uint64_t nr, uint64_t *g)
{
	if (load(&s->slow))
		return 0;
	if (nr == NR_GETPID && load(&s->pid)) {
		g[G_RAX] = load(&s->pid);
		return 1;
	}
	if (nr == NR_GETTID && load(&s->tid)) {
		g[G_RAX] = load(&s->tid);
		return 1;
	}
	if (nr == NR_SCHED_YIELD) {
		g[G_RAX] = (uint64_t)host_call3(NR_SCHED_YIELD, 0, 0, 0);
		return 1;
	}
	if (!load(&s->local_ok))
		return 0;
	switch (nr) {
	case NR_RT_SIGPROCMASK:
		return change_mask(s, g);
	case NR_ARCH_PRCTL:
		return set_fs_base(s, g);
	case NR_SET_ROBUST_LIST:
		if (g[G_RSI] != 24)
			return 0;
		s->robust_list = g[G_RDI];
		g[G_RAX] = 0;
		return 1;
	case NR_SET_TID_ADDRESS:
		if (!load(&s->tid))
			return 0;
		s->clear_tid = g[G_RDI];
		g[G_RAX] = load(&s->tid);
		return 1;
	default:
		return 0;
	}
}

/* Which calls are answered here though their site is not patched: those that a site makes once, and most
 * changes of a mask. A site that is hot must come to the sentry's eyes, or it is never patched. */
static int spares_hand_over(struct slot *s, uint64_t nr)
{
	switch (nr) {
	case NR_ARCH_PRCTL:
	case NR_SET_ROBUST_LIST:
	case NR_SET_TID_ADDRESS:
		return 1;
	case NR_RT_SIGPROCMASK:
		return ++s->local_count % LOCAL_SHOWN != 0;
	default:
		return 0;
	}
}

/* A signal to oneself is delivered at the end of the call, which takes a full frame. */
static int signals_itself(struct slot *s, uint64_t nr, const uint64_t *g)
{
	switch (nr) {
	case NR_KILL:
		return (uint32_t)g[G_RDI] == load(&s->pid);
	case NR_TKILL:
		return (uint32_t)g[G_RDI] == load(&s->tid);
	case NR_TGKILL:
		return (uint32_t)g[G_RSI] == load(&s->tid);
	default:
		return 0;
	}
}

/* A call from a patched site: general registers are in the fast frame, everything else is where the guest
 * left it. Calls that need a full frame are made again by the syscall instruction, which traps. */
int fast_trap(struct slot *s)
{
	uint64_t *g = (uint64_t *)((char *)s + FRAME_O_GREG(0));
	uint64_t nr = g[G_RAX];

	if (answer_here(s, nr, g))
		return FAST_RETURN;
	if (nr >= STUB_COPY_COUNT || stub_copy_table[nr].full || load(&s->slow) || signals_itself(s, nr, g))
		return FAST_SLOW;
	s->frame = (uint64_t)s + SLOT_FAST_FRAME;
	describe_syscall(s, g, AUDIT_ARCH_X86_64);
	hand_over(s);
	answer(s);
	if (s->frame != (uint64_t)s + SLOT_FAST_FRAME) /* a vfork child has given the slot back */
		go_on_from(s->frame);
	if (s->out_flags & OUT_REDO)
		return FAST_SLOW;
	return s->out_flags & OUT_FULL ? FAST_FULL : FAST_RETURN;
}

/* A kick while the stub is in a patched call: taken when the call returns. Just before it does, the way out
 * begins again, or the kick would come too late. */
static void kick_in_fast_path(struct slot *s, uint64_t *g)
{
	store(&s->kicked, 1);
	if (g[G_RIP] < (uint64_t)fast_exit || g[G_RIP] >= (uint64_t)fast_exit_end)
		return;
	g[G_RIP] = (uint64_t)fast_exit;
	g[G_RCX] = (uint64_t)s;
	g[G_RSP] = (uint64_t)s + SLOT_CSTACK_TOP - 8;
}

/* The sandbox is being frozen while this thread waits in a patched call. The frame of this very signal holds
 * all of its state, the stub's own frames are in the slot: another host thread could go on from here. */
static void freeze_here(struct slot *s, uint64_t uc)
{
	uint32_t generation = load(&glob()->freeze);

	__asm__ volatile("rdfsbase %0" : "=r"(s->fs_base));
	s->freeze_frame = uc;
	store(&s->frozen, generation);
	while (load(&glob()->freeze) == generation)
		host_call6(NR_FUTEX, (uint64_t)&glob()->freeze, 0 /* FUTEX_WAIT, shared */, generation, 0, 0,
			   0);
}

/* The full frame at the end of a patched call: as if the guest had just come back from its syscall
 * instruction. */
static void describe_full(struct slot *s, uint64_t *g)
{
	const uint64_t *fast = (const uint64_t *)((char *)s + FRAME_O_GREG(0));

	g[G_RAX] = fast[G_RAX];
	g[G_RIP] = g[G_RCX] = fast[G_RIP];
	s->event = s->out_flags & OUT_FULL ? EVENT_FULL : EVENT_KICK;
}

/* ---- the handler of every signal the host may send to a guest thread ---- */

/* Returns the frame to go on from. */
char *trap_handler(int signo, char *info, char *uc)
{
	uint64_t *g = (uint64_t *)(uc + UC_GREGS_OFFSET);
	struct slot *s = (struct slot *)((uint64_t)uc & -(uint64_t)SLOT_SIZE);
	int in_stub = g[G_RIP] - STUB_BASE < STUB_TEXT_SIZE;

	if ((signo == SIG_SEGV || signo == SIG_BUS) && g[G_RIP] >= (uint64_t)copy_begin &&
	    g[G_RIP] < (uint64_t)copy_end) {
		g[G_RIP] = (uint64_t)copy_fault;
		return uc;
	}
	if (signo == SIG_URG && in_stub) {
		uint32_t state = load(&s->state);
		if (load(&glob()->freeze) && (state == SLOT_TRAP || state == SLOT_SLEEP))
			freeze_here(s, (uint64_t)uc);
		else
			kick_in_fast_path(s, g);
		return uc;
	}
	if (signo == SIG_SYS && !in_stub && *(uint32_t *)(info + 28) == AUDIT_ARCH_X86_64 &&
	    spares_hand_over(s, g[G_RAX]) && answer_here(s, g[G_RAX], g))
		return uc;
	s->frame = (uint64_t)uc;
	__asm__ volatile("rdfsbase %0" : "=r"(s->fs_base));
	__asm__ volatile("rdgsbase %0" : "=r"(s->gs_base));
	if (s->gs_base == (uint64_t)s)
		s->gs_base = 0;
	if (signo == SIG_SYS && g[G_RIP] == (uint64_t)fast_full_trap) {
		describe_full(s, g);
	} else if (signo == SIG_SYS) {
		if (in_stub)
			s->foreign_rip++;
		describe_syscall(s, g, *(uint32_t *)(info + 28));
		if (s->nr == NR_EXIT_GROUP || s->nr == NR_EXIT)
			stage_last_words(s);
		if (s->nr == NR_RT_SIGRETURN &&
		    !copy_bytes((char *)s + SLOT_BOUNCE, (const void *)(g[G_RSP] - 8), STAGED_FRAME_SIZE))
			s->staged = STAGED_FRAME;
	} else if (signo == SIG_URG) {
		s->event = EVENT_KICK;
	} else {
		s->event = EVENT_FAULT;
		s->signo = signo;
		s->code = *(int32_t *)(info + 8);
		s->fault_addr = *(uint64_t *)(info + 16);
		s->error_code = g[G_ERR];
		s->trapno = g[G_TRAPNO];
	}
	s->kicked = 0;
	hand_over(s);
	answer(s);
	return (char *)s->frame;
}

/* A host thread begins: its slot is in the state TRAP (or already REPLY) with a frame to continue from. */
void thread_wait(struct slot *s)
{
	wait_reply(s);
	answer(s);
	load_bases(s); /* of a thread that goes on in this host thread, they are not there yet */
}

/* ---- zygote ---- */

static uint64_t auxv_find(uint64_t *stack, uint64_t type)
{
	uint64_t *p = stack + 1 + stack[0] + 1;

	while (*p++)
		;
	for (; p[0]; p += 2)
		if (p[0] == type)
			return p[1];
	return 0;
}

/* Maps the window, moves the vDSO, installs handlers, blocks all signals: the calling thread becomes the
 * memory thread. Runs on the stack of execve, for the last time; entry.S then unmaps the rest and installs
 * the filter. */
void zygote_setup(uint64_t *stack)
{
	const struct request *q = (const struct request *)REQ_ADDR;
	uint64_t all = ~0UL, vdso = auxv_find(stack, 33 /* AT_SYSINFO_EHDR */);
	static const char signals[] = {SIG_SYS, SIG_SEGV, SIG_BUS, SIG_FPE, SIG_ILL, SIG_TRAP, SIG_URG};
	struct {
		uint64_t handler, flags, restorer, mask;
	} sa = {(uint64_t)signal_entry, 0x4 | 0x04000000 | 0x08000000 /* SIGINFO RESTORER ONSTACK */,
		(uint64_t)restorer, ~((1UL << (SIG_SEGV - 1)) | (1UL << (SIG_BUS - 1)))};

	host_call6(9, GLOB_ADDR, 4096, 1, 0x11, STUB_FD_CONTROL, GLOB_OFFSET);
	host_call6(9, REQ_ADDR, 4096, 1, 0x11, STUB_FD_CONTROL, 0);
	host_call6(9, WIN_ADDR, WIN_RW_SIZE, 3, 0x11, STUB_FD_CONTROL, WIN_RW);
	for (uint64_t i = 0; vdso && i < q->vdso_count; i++)
		host_call6(25, vdso + (uint64_t)q->vdso[i].delta, q->vdso[i].size, q->vdso[i].size,
			   3 /* MAYMOVE|FIXED */, VDSO_ADDR + (uint64_t)(q->vdso[i].delta - q->vdso[0].delta),
			   0);
	for (unsigned i = 0; i < sizeof(signals); i++)
		host_call6(13, (uint64_t)signals[i], (uint64_t)&sa, 0, 8, 0, 0);
	host_call6(14, 2 /* SIG_SETMASK */, (uint64_t)&all, 0, 8, 0, 0);
	host_call3(462, STUB_BASE, ((uint64_t)stub_text_end - STUB_BASE + 4095) & ~4095UL,
		   0); /* mseal, where the kernel has it */
}
