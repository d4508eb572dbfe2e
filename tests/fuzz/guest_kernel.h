/*
 * guest_kernel.h - half-right use of what random arguments hardly reach: threads and processes (futexes,
 * ptrace, signal frames, namespaces, filters), memory, keys and IPC. A part of guest_calls.c, which has what
 * it is made of: below(), PICK(), descriptor(), pointer() and so on. What may end its caller is done in a
 * child.
 */
#include <linux/aio_abi.h>
#include <linux/audit.h>
#include <linux/elf.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <ucontext.h>

#define FEW ((int)below(4) + 1)

/* A child that runs fn and ends; it is waited for when it is quick, else by whoever cleans up. */
static void in_child(void (*fn)(void))
{
	pid_t pid = fork();

	if (!pid) {
		main_thread = (pid_t)syscall(SYS_gettid);
		if (sigsetjmp(again, 1) == 0)
			fn();
		_exit(0);
	}
	for (int i = 0; pid > 0 && i < 10 && !waitpid(pid, NULL, WNOHANG); i++)
		usleep(1000);
}

/* ---- futexes ---- */

static uint32_t *words; /* a page that all processes of the round's member share */

static void gen_futex(void)
{
	static const int ops[] = {FUTEX_WAIT,
				  FUTEX_WAKE,
				  FUTEX_REQUEUE,
				  FUTEX_CMP_REQUEUE,
				  FUTEX_WAKE_OP,
				  FUTEX_LOCK_PI,
				  FUTEX_UNLOCK_PI,
				  FUTEX_TRYLOCK_PI,
				  FUTEX_WAIT_BITSET,
				  FUTEX_WAKE_BITSET,
				  FUTEX_WAIT_REQUEUE_PI,
				  FUTEX_CMP_REQUEUE_PI,
				  13 /* LOCK_PI2 */};
	uint32_t *a = words + below(8), *b = words + below(8);
	struct timespec ts = {0, (long)below(3000000)};
	int op = ops[below(sizeof(ops) / sizeof(ops[0]))];
	bool timed = op == FUTEX_WAIT || op == FUTEX_LOCK_PI || op == FUTEX_WAIT_BITSET ||
		     op == FUTEX_WAIT_REQUEUE_PI || op == 13;

	if (!below(6))
		*a = below(2) ? (uint32_t)syscall(SYS_gettid)
			      : (uint32_t)PICK(0, 1, FUTEX_WAITERS, FUTEX_OWNER_DIED, 0x3fffffff);
	if (op >= FUTEX_LOCK_PI && op != FUTEX_WAIT_BITSET && timed) {
		clock_gettime(op == FUTEX_LOCK_PI ? CLOCK_REALTIME : CLOCK_MONOTONIC, &ts);
		ts.tv_nsec = (ts.tv_nsec + 2000000) % 1000000000;
	}
	syscall(SYS_futex, a,
		op | (below(2) ? 0 : FUTEX_PRIVATE_FLAG) | (below(8) ? 0 : FUTEX_CLOCK_REALTIME),
		below(3) ? *a : below(4), timed ? (uint64_t)&ts : below(4), b, below(3) ? *a : number());
	if (!below(4)) {
		struct {
			uint64_t val, uaddr;
			uint32_t flags, reserved;
		} w[6];
		for (int i = 0; i < 6; i++) {
			w[i].uaddr = below(8) ? (uint64_t)(words + below(8)) : pointer();
			w[i].val = below(4) ? words[0] : number();
			w[i].flags = below(8) ? 2 | (below(2) ? 128 : 0) : (uint32_t)number();
			w[i].reserved = !below(30);
		}
		clock_gettime(CLOCK_MONOTONIC, &ts);
		ts.tv_nsec = (ts.tv_nsec + 2000000) % 1000000000;
		syscall(449 /* futex_waitv */, w, below(7), 0, &ts, CLOCK_MONOTONIC);
		syscall(456 /* futex_requeue */, w, 0, below(3), below(3));
		syscall(454 /* futex_wake */, words + below(8), below(4) ? ~0UL : number(), below(3),
			2 | (below(2) ? 128 : 0));
	}
}

/* A robust list that is a circle, has holes, or names what is not a lock; then the thread ends. */
static void robust_child(void)
{
	struct robust_list_head *head = (void *)(words + 64);
	uint64_t *nodes = (uint64_t *)(words + 128);
	int n = (int)below(6);

	for (int i = 0; i < n; i++)
		nodes[i * 4] = (uint64_t)(nodes + 4 * below(8)) | !below(6);
	head->list.next = below(8) ? (void *)(nodes + 4 * below(8)) : (void *)pointer();
	head->futex_offset = below(6) ? PICK(8, 16, -8, 0, 4) : (long)number();
	head->list_op_pending = below(2) ? NULL : (void *)(nodes + 4 * below(8));
	for (int i = 0; i < 64; i++)
		if (!below(3))
			words[128 + i] = (uint32_t)syscall(SYS_gettid) | (below(3) ? FUTEX_WAITERS : 0);
	if (n && below(3))
		nodes[(n - 1) * 4] = (uint64_t)head;
	syscall(SYS_set_robust_list, below(10) ? head : (void *)pointer(), sizeof(*head));
	if (!below(3))
		syscall(SYS_execve, "/proc/self/exe", (char *[]){"x", NULL}, NULL);
	syscall(SYS_exit, 0);
}
static void gen_robust(void)
{
	in_child(robust_child);
}

/* ---- signal frames ---- */

static void mangle(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *g = uc->uc_mcontext.gregs;

	for (int k = FEW; k; k--)
		switch (below(8)) {
		case 0:
			g[below(NGREG)] = (greg_t)number();
			break;
		case 1:
			g[REG_EFL] = (greg_t)rnd();
			break;
		case 2:
			g[REG_RIP] =
			    (greg_t)PICK(0, 0x7ffffffff000, 0x8000000000000000, 0xffffffff81000000, 4096);
			break;
		case 3:
			g[REG_RSP] = (greg_t)pointer();
			break;
		case 4:
			g[REG_CSGSFS] = (greg_t)PICK(0, 0x33, 0x23, 0x10, 0xffff, 0x2b000000000033);
			break;
		case 5:
			uc->uc_mcontext.fpregs = (void *)pointer();
			break;
		case 6: /* the state's own header and sizes */
			if (uc->uc_mcontext.fpregs)
				((uint32_t *)
				     uc->uc_mcontext.fpregs)[PICK(116, 117, 118, 120, 128, 129, 130, 6, 7)] =
				    (uint32_t)number();
			break;
		default:
			((uint64_t *)&uc->uc_sigmask)[0] = rnd();
			uc->uc_flags = below(8);
			uc->uc_stack.ss_flags = (int)below(4);
			uc->uc_stack.ss_size = number();
		}
}
static void frame_child(void)
{
	struct sigaction sa = {.sa_sigaction = mangle,
			       .sa_flags = SA_SIGINFO | SA_NODEFER | (below(2) ? SA_ONSTACK : 0)};
	stack_t ss = {.ss_sp = area, .ss_size = 4096};

	if (below(2))
		sigaltstack(&ss, NULL);
	sigaction(SIGUSR2, &sa, NULL);
	for (int i = 0; i < 4; i++)
		raise(SIGUSR2);
}
static void gen_frame(void)
{
	in_child(frame_child);
}

/* ---- ptrace ---- */

static void tracee(void)
{
	for (;;)
		one_call();
}

static void disturb(pid_t pid)
{
	struct user_regs_struct regs;
	char state[4096];
	struct iovec iov = {state, below(4) ? sizeof(state) : size() % sizeof(state)};
	uint64_t type =
	    below(6) ? PICK(NT_PRSTATUS, NT_PRFPREG, 0x202 /* NT_X86_XSTATE */, 0x200, 0x201) : number();
	siginfo_t info;

	switch (below(10)) {
	case 0:
		if (!ptrace(PTRACE_GETREGS, pid, 0, &regs)) {
			((uint64_t *)&regs)[below(sizeof(regs) / 8)] = below(2) ? number() : pointer();
			ptrace(PTRACE_SETREGS, pid, 0, &regs);
		}
		break;
	case 1:
		if (!ptrace(PTRACE_GETREGSET, pid, type, &iov) && iov.iov_len) {
			for (int k = FEW; k; k--)
				state[below(iov.iov_len)] ^= (char)rnd();
			iov.iov_len = below(4) ? iov.iov_len : size() % sizeof(state);
			ptrace(PTRACE_SETREGSET, pid, type, &iov);
		}
		break;
	case 2:
		ptrace(PTRACE_POKEUSER, pid, below(4) ? below(128) * 8 : number(), number());
		ptrace(PTRACE_PEEKUSER, pid, below(4) ? below(128) * 8 : number(), 0);
		break;
	case 3:
		ptrace(PTRACE_POKEDATA, pid, pointer(), rnd());
		ptrace(PTRACE_POKETEXT, pid, (uint64_t)one_call + below(200),
		       below(3) ? 0x9090909090909090 : rnd());
		break;
	case 4:
		if (!ptrace(PTRACE_GETSIGINFO, pid, 0, &info)) {
			info.si_code = (int)number();
			info.si_signo = (int)below(70);
			ptrace(PTRACE_SETSIGINFO, pid, 0, &info);
		}
		break;
	case 5:
		ptrace(PTRACE_SETOPTIONS, pid, 0, below(3) ? below(256) : number());
		break;
	case 6:
		syscall(SYS_ptrace, PICK(PTRACE_GETSIGMASK, PTRACE_SETSIGMASK), pid, PICK(8, 4, 16), area);
		break;
	case 7:
		syscall(SYS_ptrace, PICK(0x420c /* PEEK_SIGINFO.. */, 0x4209, 0x420d, 0x420e, 0x420f, 0x4210),
			pid, size(), pointer());
		break;
	default:
		ptrace(PICK(PTRACE_CONT, PTRACE_SYSCALL, PTRACE_SINGLESTEP, PTRACE_LISTEN, PTRACE_INTERRUPT,
			    PTRACE_DETACH, 31 /* SYSEMU */),
		       pid, 0, below(4) ? 0 : below(66));
	}
}

static void gen_ptrace(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		main_thread = (pid_t)syscall(SYS_gettid);
		if (below(2))
			ptrace(PTRACE_TRACEME, 0, 0, 0);
		sigsetjmp(again, 1);
		tracee();
	}
	if (pid < 0)
		return;
	ptrace(PICK(PTRACE_SEIZE, PTRACE_ATTACH), pid, 0, below(2) ? 0 : below(256));
	for (int i = 0; i < 40; i++) {
		if (waitpid(pid, &status, WNOHANG | __WALL | WUNTRACED) < 0)
			break;
		disturb(pid);
	}
	kill_one(pid, SIGKILL);
	while (waitpid(pid, &status, __WALL) > 0 && !WIFSIGNALED(status) && !WIFEXITED(status))
		;
}

/* ---- processes in namespaces, groups, filters ---- */

static void gen_clone(void)
{
	struct clone_args ca = {.exit_signal = below(4) ? SIGCHLD : below(70)};
	pid_t tids[3] = {(pid_t)below(300) + 300, (pid_t)below(10), (pid_t)below(10)};
	int pidfd = -1;
	long pid;

	for (int k = FEW; k; k--)
		ca.flags |=
		    PICK(CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET,
			 CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_FS, CLONE_FILES, CLONE_PIDFD, CLONE_PARENT,
			 CLONE_PTRACE, CLONE_CLEAR_SIGHAND, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID,
			 CLONE_PARENT_SETTID, CLONE_IO, CLONE_SYSVSEM, CLONE_UNTRACED);
	ca.flags &= ~(uint64_t)(below(10) ? CLONE_PARENT : 0);
	ca.pidfd = (uint64_t)&pidfd;
	ca.child_tid = ca.parent_tid = (uint64_t)words + 4 * below(16);
	if (!below(6)) {
		ca.set_tid = (uint64_t)tids;
		ca.set_tid_size = below(4);
	}
	if (!below(8)) {
		ca.flags |= CLONE_INTO_CGROUP;
		ca.cgroup = descriptor();
	}
	pid = syscall(SYS_clone3, &ca, below(10) ? sizeof(ca) : size());
	if (!pid) {
		main_thread = (pid_t)syscall(SYS_gettid);
		if (sigsetjmp(again, 1) == 0)
			for (int i = 0; i < 60; i++)
				one_call();
		_exit(0);
	}
	if (pid > 0) {
		if (below(2))
			setns(below(2) ? pidfd : (int)descriptor(),
			      (int)PICK(0, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWPID));
		waitpid((pid_t)pid, NULL, WNOHANG | __WALL);
		if (pidfd > 2)
			close(pidfd);
	}
}

static void filter_child(void)
{
	struct sock_filter f[24];
	struct sock_fprog prog = {.len = (unsigned short)(4 + below(20)), .filter = f};

	for (int i = 0; i < prog.len; i++)
		f[i] = (struct sock_filter)BPF_JUMP(
		    (uint16_t)PICK(BPF_LD | BPF_W | BPF_ABS, BPF_LD | BPF_IMM, BPF_LDX | BPF_MEM, BPF_ST,
				   BPF_STX, BPF_ALU | BPF_ADD | BPF_K, BPF_ALU | BPF_DIV | BPF_X,
				   BPF_ALU | BPF_RSH | BPF_K, BPF_JMP | BPF_JEQ | BPF_K,
				   BPF_JMP | BPF_JSET | BPF_X, BPF_JMP | BPF_JA, BPF_MISC | BPF_TAX,
				   BPF_ALU | BPF_NEG, BPF_RET | BPF_A),
		    (uint32_t)(below(3) ? 4 * below(16) : number()), (uint8_t)below(4), (uint8_t)below(4));
	f[prog.len - 1] =
	    (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, (uint32_t)PICK(0x7fff0000, 0x7ffc0000, 0x50001,
									 0x30000, 0x7ff00000, 0x7fc00000, 0));
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, below(3) ? 0 : below(32), &prog);
	for (int i = 0; i < 40; i++)
		one_call();
}
static void gen_filter(void)
{
	in_child(filter_child);
}

static void exec_child(void)
{
	static char big[70000];
	char *argv[] = {"x", big, "", (char *)pointer(), NULL}, *empty[] = {NULL};
	const char *script = PICK_STR("#!", "#! \n", "#!/bin/sh", "#!a\n", "#!/proc/self/exe x y\n",
				      "\177ELF", "#!\n\n", "#!/\n");
	int fd = open("prog", O_CREAT | O_TRUNC | O_RDWR, 0755), exe;

	memset(big, 'b', below(sizeof(big)));
	if (below(2)) {
		(void)!write(fd, script, strlen(script));
	} else if ((exe = open(PICK_STR("/bin/true", "/lib64/ld-linux-x86-64.so.2", "/bin/sh"), O_RDONLY)) >=
		   0) { /* its head, with some bytes changed; not ourselves, who drive */
		char head[2048];
		ssize_t n = read(exe, head, below(sizeof(head)) + 1);
		for (int k = FEW; k && n > 0; k--)
			head[below(below(2) ? 64 : (uint64_t)n) % (uint64_t)n] =
			    (char)PICK(0, 1, 0xff, 0x7f, 0x80, 0x40);
		(void)!write(fd, head, (size_t)n);
		if (below(2))
			sendfile(fd, exe, NULL, 1 << 20);
	}
	if (below(4))
		close(fd);
	if (below(3))
		syscall(SYS_execve, "prog", below(6) ? argv : (char **)pointer(),
			below(6) ? empty : (char **)pointer());
	else
		syscall(SYS_execveat, descriptor(), below(2) ? "" : "prog", argv, empty,
			PICK(0, 0x1000, 0x100, 0x1100, 0x10000));
}
static void gen_exec(void)
{
	in_child(exec_child);
}

/* ---- a vfork child, which has its parent's memory and perhaps more of it ---- */

static char vfork_stacks[2][65536] __attribute__((aligned(16)));
static int vfork_depth;
static volatile pid_t *vfork_ids; /* of child and parent; not where other families write numbers */

static void killer(void)
{
	usleep((unsigned)below(4000));
	kill_one(vfork_ids[below(2)], (int)PICK(SIGKILL, SIGTERM, SIGSTOP, SIGCONT, SIGUSR1));
	usleep((unsigned)below(4000));
	kill_one(vfork_ids[0], SIGKILL);
}

static int vforked(void *arg)
{
	char *argv[] = {"x", NULL}, *empty[] = {NULL};

	for (int sig = SIGILL; sig <= SIGSEGV; sig++) /* no way back into the parent's frame */
		signal(sig, SIG_DFL);
	signal(SIGSYS, SIG_DFL);
	vfork_ids[0] = (pid_t)syscall(SYS_getpid);
	for (int i = (int)below(10); i; i--)
		one_call();
	switch (below(6)) {
	case 0:
		syscall(SYS_execve, PICK_STR("/bin/true", "prog", "/proc/self/exe", "d"), argv, empty);
		break;
	case 1:
		usleep((unsigned)below(3000));
		break;
	case 2:
		if (vfork_depth < 1 && ++vfork_depth)
			clone(vforked, vfork_stacks[1] + sizeof(vfork_stacks[1]),
			      CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
		break;
	case 3:
		if (!fork())
			_exit(0);
		break;
	case 4:
		kill_one(getpid(), (int)PICK(SIGKILL, SIGSEGV, SIGSTOP, SIGABRT));
		break;
	}
	_exit(0);
}

static void vfork_child(void)
{
	pid_t tid;

	vfork_depth = 0;
	vfork_ids = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vfork_ids == MAP_FAILED)
		return;
	vfork_ids[1] = getpid();
	if (below(2))
		in_child(killer);
	for (int k = FEW; k; k--) {
		clone(vforked, vfork_stacks[0] + sizeof(vfork_stacks[0]),
		      CLONE_VM | CLONE_VFORK | (int)PICK(SIGCHLD, 0, SIGUSR1) |
			  (int)PICK(0, CLONE_FILES, CLONE_FS, CLONE_PARENT_SETTID,
				    CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID),
		      NULL, &tid, NULL, &tid);
		one_call();
	}
}

static void gen_vfork(void)
{
	in_child(vfork_child);
}

/* ---- memory ---- */

static void gen_memory(void)
{
	static char *room;
	enum { ROOM = 64 };
	char *at;
	size_t len = (1 + below(8)) * 4096;

	if (!room)
		room = mmap(NULL, ROOM * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	at = room + below(ROOM - 8) * 4096;
	switch (below(9)) {
	case 0:
		mmap(at, len, (int)below(8),
		     (int)(MAP_FIXED | MAP_ANONYMOUS | PICK(MAP_PRIVATE, MAP_SHARED) |
			   PICK(0, MAP_GROWSDOWN, MAP_POPULATE, MAP_LOCKED, MAP_NORESERVE)),
		     -1, 0);
		break;
	case 1:
		mmap(at, len, (int)below(8),
		     (int)(MAP_FIXED | PICK(MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE)), (int)descriptor(),
		     (off_t)(below(4) * 4096));
		break;
	case 2:
		mprotect(at, len, (int)(below(8) | PICK(0, 0, PROT_GROWSDOWN, PROT_GROWSUP)));
		break;
	case 3:
		mremap(at, len, (1 + below(8)) * 4096, (int)below(8), room + below(ROOM - 8) * 4096);
		break;
	case 4:
		madvise(at, len, (int)below(26));
		syscall(440 /* process_madvise */, fds[20], &(struct iovec){at, len}, 1, below(26), 0);
		break;
	case 5:
		syscall(PICK(SYS_mlock, SYS_munlock, SYS_munmap, SYS_mlock2, SYS_msync, SYS_mincore), at, len,
			below(2) ? below(8) : (uint64_t)area);
		break;
	case 6:
		syscall(PICK(SYS_mbind, SYS_pkey_mprotect, 462 /* mseal */), at, len, below(8) && 0, below(4),
			0, 0);
		break;
	case 7:
		syscall(SYS_process_vm_writev, process(), &(struct iovec){area, len % 4096}, 1,
			&(struct iovec){at, len}, 1, 0);
		break;
	default: /* what is there may be a file that has become shorter */
		for (int k = FEW; k; k--)
			if (below(2))
				*(volatile char *)(at + below(len)) = 1;
			else
				(void)*(volatile char *)(at + below(len));
	}
}

static void gen_userfault(void)
{
	int fd = (int)syscall(SYS_userfaultfd, below(2) ? O_NONBLOCK | 1 : number());
	struct uffdio_api api = {.api = 0xaa, .features = below(2) ? 0 : rnd()};
	struct uffdio_register reg = {.range = {(uint64_t)area & ~0xfffUL, 4096}, .mode = below(8)};

	if (fd < 0)
		return;
	ioctl(fd, UFFDIO_API, &api);
	ioctl(fd, UFFDIO_REGISTER, &reg);
	ioctl(fd, 0xc000aa00 | below(0x3fff), area);
	close(fd);
}

/* ---- asynchronous I/O ---- */

static void gen_aio(void)
{
	static aio_context_t ctx;
	struct iocb cb[4], *list[4];
	struct io_event ev[8];
	struct timespec ts = {0, (long)below(1000000)};

	if (!ctx && syscall(SYS_io_setup, below(64) + 1, &ctx))
		return;
	for (int i = 0; i < 4; i++) {
		list[i] = below(20) ? &cb[i] : (struct iocb *)pointer();
		cb[i] = (struct iocb){.aio_lio_opcode =
					  (uint16_t)(below(10) ? PICK(0, 1, 2, 3, 5, 6, 7, 8) : below(20)),
				      .aio_fildes = (uint32_t)descriptor(),
				      .aio_buf = pointer(),
				      .aio_nbytes = below(3) ? below(5000) : size(),
				      .aio_offset = (int64_t)(below(4) ? below(30000) : number()),
				      .aio_rw_flags = below(6) ? 0 : (int)below(64),
				      .aio_flags = below(4) ? 0 : IOCB_FLAG_RESFD,
				      .aio_resfd = (uint32_t)fds[16]};
	}
	syscall(SYS_io_submit, below(30) ? ctx : rnd(), below(6), list);
	if (!below(4))
		syscall(SYS_io_cancel, ctx, list[below(4)], ev);
	syscall(SYS_io_getevents, ctx, below(3), 8, ev, &ts);
	if (!below(10)) {
		syscall(SYS_io_destroy, ctx);
		ctx = 0;
	}
}

/* ---- keys ---- */

static void gen_keys(void)
{
	static int32_t known[8];
	static const char *const types[] = {"user", "keyring", "logon", "big_key", "asymmetric", ".x", ""};
	int32_t id = below(2) ? known[below(8)] : -(int32_t)below(9);
	long got;

	if (below(3)) {
		got = syscall(SYS_keyctl, below(34), below(8) ? (uint64_t)id : number(),
			      below(3) ? (uint64_t)known[below(8)] : argument('?'),
			      below(2) ? pointer() : number(), below(2) ? below(200) : number());
	} else {
		char name[16];
		snprintf(name, sizeof(name), "k%d:x", (int)below(6));
		got = syscall(below(8) ? SYS_add_key : SYS_request_key, types[below(7)], name, area,
			      below(5) ? below(100) : size(), id);
	}
	if (got > 0)
		known[below(8)] = (int32_t)got;
}

/* ---- IPC ---- */

#define QUEUES 4 /* POSIX message queues have the names q0, q1 … */
static void gen_queue(void)
{
	struct mq_attr attr = {.mq_maxmsg = (long)(below(4) ? 1 + below(10) : number()),
			       .mq_msgsize = (long)(below(4) ? 1 + below(200) : number())};
	struct timespec ts;
	struct sigevent ev = {.sigev_notify = (int)PICK(SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, 9),
			      .sigev_signo = (int)below(66)};
	char name[8] = {'q', (char)('0' + below(QUEUES))};
	int q = (int)syscall(SYS_mq_open, name,
			     O_RDWR | O_NONBLOCK * !below(2) | O_CREAT | (below(4) ? 0 : O_EXCL), 0600,
			     below(4) ? &attr : NULL);

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec = (ts.tv_nsec + 3000000) % 1000000000;
	for (int k = FEW; k; k--)
		switch (below(6)) {
		case 0:
			syscall(SYS_mq_notify, q, below(3) ? &ev : NULL);
			break;
		case 1:
			syscall(SYS_mq_unlink, name);
			break;
		case 2:
			syscall(SYS_mq_getsetattr, q, below(2) ? &attr : NULL, &attr);
			break;
		case 3:
			syscall(SYS_mq_timedreceive, q, area, below(4) ? 8192 : size(),
				below(2) ? words : NULL, &ts);
			break;
		default:
			syscall(SYS_mq_timedsend, q, area, below(4) ? below(200) : size(),
				below(4) ? below(8) : number(), &ts);
		}
	close(q);
}

static void gen_sysv(void)
{
	key_t key = (key_t)(below(4) ? 100 + below(4) : IPC_PRIVATE);
	struct timespec ts = {0, (long)below(3000000)};
	int id;

	switch (below(3)) {
	case 0:
		id = msgget(key, IPC_CREAT | 0600);
		*(long *)area = (long)(below(4) ? 1 + below(3) : number());
		msgsnd(id, area, below(6) ? below(500) : size(), IPC_NOWAIT);
		msgrcv(id, area, below(6) ? below(500) : size(), (long)(below(4) ? below(4) : number()),
		       (int)(IPC_NOWAIT | PICK(0, MSG_NOERROR, MSG_EXCEPT, 040000)));
		msgctl(id, (int)below(14), (void *)area);
		break;
	case 1: {
		struct sembuf ops[6];
		id = semget(key, (int)(below(8) ? 1 + below(5) : number()), IPC_CREAT | 0600);
		for (int i = 0; i < 6; i++)
			ops[i] = (struct sembuf){(unsigned short)below(6),
						 (short)(below(6) ? (int)below(5) - 2 : (int)number()),
						 (short)PICK(0, IPC_NOWAIT, SEM_UNDO, IPC_NOWAIT | SEM_UNDO)};
		semtimedop(id, ops, below(7), &ts);
		semctl(id, (int)below(6), (int)below(20), pointer());
		break;
	}
	default: {
		void *at;
		id = shmget(key, below(6) ? (1 + below(8)) * 4096 : size(), IPC_CREAT | 0600);
		at = shmat(id, below(3) ? NULL : (void *)(address()),
			   (int)PICK(0, SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC));
		if (at != (void *)-1 && at)
			*(volatile char *)at = 1;
		shmctl(id, (int)below(16), (void *)area);
		shmdt(below(2) ? at : (void *)address());
	}
	}
}

static void gen_timer(void)
{
	struct sigevent ev = {.sigev_notify = (int)PICK(SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD_ID, 7),
			      .sigev_signo = (int)below(66)};
	struct itimerspec it = {{0, (long)below(2000000)}, {0, (long)(below(4) ? below(2000000) : number())}};
	int32_t id = -1;

	*(int *)&ev._sigev_un = (int)syscall(SYS_gettid);
	ev.sigev_value.sival_ptr = (void *)rnd();
	if (syscall(SYS_timer_create, below(4) ? PICK(0, 1, 2, 3, 7, 11) : number(), below(6) ? &ev : NULL,
		    &id))
		return;
	syscall(SYS_timer_settime, id, below(2), &it, below(2) ? &it : NULL);
	syscall(SYS_timer_gettime, id, &it);
	syscall(SYS_timer_getoverrun, id);
	if (below(3))
		syscall(SYS_timer_delete, id);
}
