/*
 * exec.c - execve(2): a new image for a process.
 *
 * In general the image is built whole in a fresh address space (from the pool of clean stubs) while the old
 * one still stands, so that every error up to there leaves the caller as it was. Then comes the point of no
 * return: the other threads of the process end, the caller takes the leader's identity, and the thread moves
 * over.
 *
 * A small process of one thread that keeps its rights keeps its stub too (exec_in_place): what it has mapped
 * goes, the new image comes, in one request. That is the child of a shell, and saves a fork of the zygote and
 * the end of a process. Errors after the point of no return kill it, as on Linux.
 *
 * `#!` scripts and the ELF interpreter are resolved with the caller's own rights and root.
 */
#include "sandbox/abi/sched.h"
#include "sandbox/kernel/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>

#include "sandbox/abi/mman.h"
#include "sandbox/fs/anon/aio.h"
#include "sandbox/kernel/itimer.h"
#include "sandbox/kernel/key.h"
#include "sandbox/kernel/spare.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/loader/loader.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define SCRIPT_DEPTH        5
#define STACK_DEFAULT       (8UL << 20)
#define ARG_LIMIT_MAX       (6UL << 20)
#define STACK_FIRST         (128UL << 10) /* mapped below the arguments; it grows from there */
#define ARG_LIMIT_MIN       (128UL << 10)
#define PERSONALITY_CLEARED 0x05540000U /* READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, …: not for the set-id */
#define NO_RANDOMIZE        0x00040000U

/* What is known of a program while it is being made. */
struct exec {
	struct task *t;
	struct file *file;   /* the program itself, after all scripts */
	struct file *interp; /* its ELF interpreter, or NULL */
	char *execfn;        /* AT_EXECFN: the name as given */
	char **argv;         /* own copy of the vector while scripts rewrite it; strings partly owned */
	char **argv_borrowed, **envp;
	char *head; /* ELF_HEAD_SIZE; the beginning of `file`, then of `interp` */
	size_t head_size;
	struct elf_image *img, *interp_img;
	struct mm *mm;
	bool used_stub; /* mm has a stub with another image in it */
	struct exec_cred cred;
	u64 entry, sp;
};

/* ---- finding the program ---- */

static int read_head(struct exec *x, struct file *f)
{
	s64 n = file_read_kernel(f, x->head, ELF_HEAD_SIZE, 0);

	if (n < 0)
		return (int)n;
	x->head_size = (size_t)n;
	return 0;
}

static size_t count_of(char **a)
{
	size_t n = 0;

	while (a && a[n])
		n++;
	return n;
}

static void free_argv(struct exec *x)
{
	if (x->argv)
		free_str_array(x->argv);
	x->argv = NULL;
}

/* argv becomes { interpreter, argument?, path of the script, argv[1]… }. */
static int script_argv(struct exec *x, const char *interp, const char *arg, const char *script)
{
	char **old = x->argv ? x->argv : x->argv_borrowed, **fresh;
	size_t n = count_of(old), at = 0;

	fresh = knew_array(char *, n + 4);
	if (!fresh)
		return -ENOMEM;
	fresh[at++] = kstrdup(interp);
	if (arg)
		fresh[at++] = kstrdup(arg);
	fresh[at++] = kstrdup(script);
	for (size_t i = 1; i < n; i++)
		fresh[at++] = kstrdup(old[i]);
	free_argv(x);
	x->argv = fresh;
	for (size_t i = 0; i < at; i++)
		if (!fresh[i])
			return -ENOMEM;
	return 0;
}

/* Is the program named by a descriptor that is gone when its interpreter looks? */
static bool closes_on_exec(int dirfd, const char *name)
{
	const struct fd_table *t = current_task()->files;

	return dirfd >= 0 && name[0] != '/' && (u32)dirfd < t->capacity && t->entries[dirfd].cloexec;
}

static int open_program(struct exec *x, int dirfd, const char *path, int at_flags)
{
	auto_cleanup(kfreep) char *name = kstrdup(path);
	char line[SCRIPT_LINE], *interp, *arg;
	int err;

	if (!name)
		return -ENOMEM;
	for (int depth = 0;; depth++) {
		err = vfs_open_exec(dirfd, name, at_flags, &x->file);
		if (!err)
			err = read_head(x, x->file);
		if (err || x->head_size < 2 || x->head[0] != '#' || x->head[1] != '!')
			return err;
		if (depth == SCRIPT_DEPTH)
			return -ELOOP;
		if (closes_on_exec(dirfd, name))
			return -ENOENT; /* the interpreter could not open it */
		memcpy(line, x->head, min_t(size_t, x->head_size, sizeof(line)));
		err = script_parse(line, min_t(size_t, x->head_size, sizeof(line)), &interp, &arg);
		if (!err)
			err = script_argv(x, interp, arg, depth ? name : x->execfn);
		if (err)
			return err;
		file_put(x->file);
		x->file = NULL;
		kfree(name);
		name = kstrdup(interp);
		if (!name)
			return -ENOMEM;
		dirfd = AT_FDCWD;
		at_flags = 0;
	}
}

static int open_interp(struct exec *x)
{
	auto_cleanup(kfreep) char *name = NULL;
	s64 n;
	int err;

	if (!x->img->interp_size)
		return 0;
	name = kmalloc(x->img->interp_size);
	if (!name)
		return -ENOMEM;
	if (x->img->interp_offset < x->head_size &&
	    x->img->interp_size <= x->head_size - x->img->interp_offset) {
		n = (s64)x->img->interp_size;
		memcpy(name, x->head + x->img->interp_offset, (size_t)n);
	} else {
		n = file_read_kernel(x->file, name, x->img->interp_size, x->img->interp_offset);
	}
	if (n != (s64)x->img->interp_size || name[n - 1])
		return n < 0 ? (int)n : -ENOEXEC;
	err = vfs_open_exec(AT_FDCWD, name, 0, &x->interp);
	if (!err)
		err = read_head(x, x->interp);
	if (!err)
		err = elf_parse(x->head, x->head_size, x->interp->inode->attr.size, x->interp_img);
	return err == -ENOEXEC ? -ELIBBAD : err;
}

/* ---- building the image ---- */

static int clear_tail(struct mm *mm, const struct elf_clear *c)
{
	auto_cleanup(kfreep) char *zeros = NULL;

	if (!c->size)
		return 0;
	zeros = kzalloc(c->size);
	if (!zeros)
		return -ENOMEM;
	return aspace_write(mm->as, uaddr(c->addr), zeros, c->size) == (s64)c->size ? 0 : -EFAULT;
}

static u64 stack_limit(const struct exec *x)
{
	return x->t->tg ? x->t->tg->rlimits[LINUX_RLIMIT_STACK].cur : STACK_DEFAULT;
}

/* What arguments and environment may take: a quarter of the stack's limit, at least 128 KiB, at most 6 MiB.
 */
static u64 arg_limit(const struct exec *x)
{
	return max_t(u64, min_t(u64, stack_limit(x) / 4, ARG_LIMIT_MAX), ARG_LIMIT_MIN);
}

static u64 strings_size(char *const *v)
{
	u64 sum = 0;

	for (; v && *v; v++)
		sum += strlen(*v) + 1 + sizeof(u64);
	return sum;
}

/* What is mapped of the stack at first. */
static u64 stack_size(const struct exec *x)
{
	u64 args = strings_size(x->argv ? x->argv : x->argv_borrowed) + strings_size(x->envp);

	return PAGE_UP(args + STACK_FIRST);
}

static int map_image(struct exec *x, u64 *bias, u64 *interp_bias)
{
	struct elf_clear clear, interp_clear = {0};
	u64 stack = stack_size(x);
	u32 prot = LINUX_PROT_READ | LINUX_PROT_WRITE | (x->img->executable_stack ? LINUX_PROT_EXEC : 0);
	int err, end;
	s64 at;

	mm_layout(x->mm, stack_limit(x), !(x->t->personality & LINUX_ADDR_NO_RANDOMIZE));
	aspace_batch_begin(x->mm->as);
	err = x->used_stub ? aspace_clear(x->mm->as) : 0;
	if (!err)
		err = elf_load(x->mm, x->file, x->img, 0, bias, &clear);
	if (!err && x->interp) {
		/* near the top of the mmap area, as Linux places it */
		u64 size = x->interp_img->high - x->interp_img->low;
		u64 place = PAGE_DOWN(x->mm->mmap_base - size - PAGE_SIZE);
		err = elf_load(x->mm, x->interp, x->interp_img, place, interp_bias, &interp_clear);
		if (!err)
			x->mm->mmap_base = x->interp_img->type == ET_DYN ? place : x->mm->mmap_base;
	}
	if (!err) {
		at = mm_map_named(x->mm, x->mm->stack_top - stack, stack, prot,
				  LINUX_MAP_PRIVATE | LINUX_MAP_ANONYMOUS | LINUX_MAP_FIXED |
				      LINUX_MAP_GROWSDOWN,
				  "[stack]");
		err = at < 0 ? (int)at : 0;
	}
	end = aspace_batch_end(x->mm->as);
	err = err ? err : end;
	if (!err)
		err = clear_tail(x->mm, &clear);
	return err ? err : clear_tail(x->mm, &interp_clear);
}

static int random_pages(u64 mask, u64 *out)
{
	if (getrandom(out, sizeof(*out), 0) != sizeof(*out))
		return -EIO;
	*out = (*out & mask) * PAGE_SIZE;
	return 0;
}

/* Where the program headers are in memory. */
static u64 phdr_address(const struct elf_image *img, u64 bias)
{
	for (u32 i = 0; i < img->segment_count; i++) {
		const Elf64_Phdr *p = &img->segment[i];
		if (img->phoff >= p->p_offset && img->phoff < p->p_offset + p->p_filesz)
			return img->phoff - p->p_offset + p->p_vaddr + bias;
	}
	return img->low + bias + img->phoff;
}

static int fill_stack(struct exec *x, u64 bias, u64 interp_bias)
{
	const struct cred *c = x->cred.cred;
	struct stack_args sa = {.argv = x->argv ? x->argv : x->argv_borrowed,
				.envp = x->envp,
				.execfn = x->execfn,
				.top = x->mm->stack_top,
				.phdr = phdr_address(x->img, bias),
				.phnum = x->img->phnum,
				.entry = x->img->entry + bias,
				.interp_base = x->interp ? x->interp_img->low + interp_bias : 0,
				.uid = uid_seen(c->uid),
				.euid = uid_seen(c->euid),
				.gid = gid_seen(c->gid),
				.egid = gid_seen(c->egid),
				.secure = x->cred.secure,
				.vdso = platform_vdso_addr()};
	char *stack;
	size_t size = 0;
	s64 n;
	int err = stack_build(x->mm, &sa, arg_limit(x), &stack, &size, &x->sp);

	if (err)
		return err;
	n = aspace_write(x->mm->as, uaddr(x->mm->stack_top - size), stack, size);
	kfree(stack);
	x->entry = x->interp ? x->interp_img->entry + interp_bias : sa.entry;
	return n == (s64)size ? 0 : -EFAULT;
}

static int build(struct exec *x)
{
	u64 bias = 0, interp_bias = 0, gap = 0;
	int err = map_image(x, &bias, &interp_bias);

	if (!err && !(x->t->personality & LINUX_ADDR_NO_RANDOMIZE))
		err = random_pages(0x1fff, &gap); /* the heap begins up to 32 MiB behind the image */
	if (err)
		return err;
	x->mm->brk_start = x->mm->brk = PAGE_UP(x->img->high + bias) + gap;
	x->mm->start_code = x->img->low + bias;
	x->mm->end_code = x->img->high + bias;
	mm_set_exe(x->mm, x->file);
	return fill_stack(x, bias, interp_bias);
}

static int prepare(struct exec *x, int dirfd, const char *path, int at_flags)
{
	int err;

	x->head = kmalloc(ELF_HEAD_SIZE);
	x->img = knew(struct elf_image);
	x->interp_img = knew(struct elf_image);
	x->execfn = dirfd == AT_FDCWD || path[0] == '/' ? kstrdup(path)
		    : path[0]                           ? kasprintf("/dev/fd/%d/%s", dirfd, path)
							: kasprintf("/dev/fd/%d", dirfd);
	if (!x->head || !x->img || !x->interp_img || !x->execfn)
		return -ENOMEM;
	err = open_program(x, dirfd, path, at_flags);
	if (!err)
		err = elf_parse(x->head, x->head_size, x->file->inode->attr.size, x->img);
	if (!err)
		err = open_interp(x);
	if (!err)
		err = exec_cred(x->t, x->file, &x->cred);
	return err;
}

static void finish(struct exec *x)
{
	file_put(x->file);
	file_put(x->interp);
	free_argv(x);
	kfree(x->execfn);
	kfree(x->head);
	kfree(x->img);
	kfree(x->interp_img);
	cred_put(x->cred.cred);
}

static void set_comm(struct task *t, const char *execfn, const char *path)
{
	const char *name = *path ? path : execfn, *slash = strrchr(name, '/');

	snprintf(t->comm, sizeof(t->comm), "%s", slash ? slash + 1 : name);
}

/* ---- the point of no return ---- */

/* Ends the other threads and makes `t` the leader. -EINTR if the process is being killed. */
static int become_single(struct task *t)
{
	struct thread_group *tg = t->tg;
	struct task *other, *old;
	struct pid *pid;

	list_for_each_entry (other, &tg->threads, group_node) {
		if (other != t && other->state == TASK_ALIVE) {
			other->killed = other->ends_alone = true;
			signal_wake(other);
		}
	}
	if (wait_event_state(&tg->child_wait, tg->live == 1, TIME_NEVER, SLEEP_KILLABLE) || t->killed)
		return -EINTR;
	if (tg->leader == t)
		return 0;
	old = tg->leader;
	pid = old->pid;
	ptrace_unlink(old);
	old->pid = t->pid;
	t->pid = pid;
	t->pid->task = t;
	old->pid->task = NULL;
	wake_up_all(&old->pid->exit_wait, 0); /* the thread by that id is no more */
	pid_unused(old->pid);
	tg->leader = t;
	list_del_init(&old->group_node);
	sighand_put(old->sighand);
	old->sighand = NULL;
	old->state = TASK_DEAD;
	task_uncount(old);
	task_put(old);
	return 0;
}

static int own_sighand(struct task *t)
{
	struct sighand *own;

	if (t->sighand->obj.refs == 1)
		return 0;
	own = sighand_dup(t->sighand);
	if (!own)
		return -ENOMEM;
	sighand_put(t->sighand);
	t->sighand = own;
	return 0;
}

static int own_files(struct task *t)
{
	struct fd_table *own;

	if (t->files->obj.refs == 1)
		return 0;
	own = fd_table_dup(t->files);
	if (!own)
		return -ENOMEM;
	fd_table_put(t->files);
	t->files = own;
	return 0;
}

/* What a process keeps of its thread state over execve(2): see "Effect on process attributes". */
static void reset_task(struct task *t, struct exec *x, const char *path)
{
	sighand_exec(t->sighand);
	t->altstack = (struct altstack){.flags = LINUX_SS_DISABLE};
	t->set_child_tid = uaddr(0);
	t->local.clear_tid = t->local.robust_list = 0;
	t->futex_dead = false;
	t->rseq = uaddr(0);
	t->pdeath_signal = x->cred.secure || x->cred.clear_personality ? 0 : t->pdeath_signal;
	t->tg->did_exec = true;
	t->tg->exit_signal = LINUX_SIGCHLD;
	t->tg->dumpable = x->cred.dumpable;
	if (x->cred.clear_personality)
		t->personality &= ~PERSONALITY_CLEARED;
	key_put(t->thread_keyring);
	key_put(t->tg->process_keyring);
	t->thread_keyring = t->tg->process_keyring = NULL;
	posix_timers_free(t->tg);
	set_comm(t, x->execfn, path);
	fd_close_on_exec(t->files);
	task_set_cred(t, x->cred.cred);
	x->cred.cred = NULL;
}

/* The thread starts with the new image. */
static int start_image(struct exec *x)
{
	struct uregs regs = {.eflags = 0x202, .rip = x->entry, .rsp = x->sp};

	return uthread_exec(x->t->ut, x->mm->as, &regs);
}

/* The general way: *fatal tells that an error came behind the point of no return. */
static int exec_moving(struct exec *x, bool *fatal)
{
	struct task *t = x->t;
	struct mm *old = t->mm;
	bool may_meet = !x->cred.secure && x->cred.dumpable; /* one whom a dead process has left behind */
	int err = mm_new(&x->mm, may_meet ? spare_take(t, x->cred.cred, &x->used_stub) : NULL);

	if (!err)
		err = build(x);
	if (!err)
		err = own_sighand(t) ?: own_files(t);
	if (!err)
		err = become_single(t);
	if (err) {
		mm_put(x->mm);
		return err;
	}
	*fatal = true;
	futex_exit(t); /* robust locks are given up while the old memory is still there */
	x->mm->users = 1;
	t->mm = x->mm;
	err = start_image(x);
	if (!--old->users)
		aio_mm_exit(old);
	mm_put(old);
	return err;
}

static bool same_rights(const struct cred *a, const struct cred *b)
{
	return a->uid == b->uid && a->euid == b->euid && a->suid == b->suid && a->fsuid == b->fsuid &&
	       a->gid == b->gid && a->egid == b->egid && a->sgid == b->sgid && a->fsgid == b->fsgid &&
	       a->user_ns == b->user_ns && a->cap_permitted == b->cap_permitted &&
	       a->cap_effective == b->cap_effective && a->cap_ambient == b->cap_ambient;
}

/* Whether the new image may go into the old one's stub. Not if rights change, or if the program may not be
 * read: threads that a hostile guest has made behind our back would get them, or see it. Not if much is
 * mapped: a stub of its own is then made while another CPU takes the old one down. Nor if there are so many
 * arguments that they may be refused. */
static bool may_keep_stub(const struct exec *x)
{
	const struct task *t = x->t;
	u64 args = strings_size(x->argv ? x->argv : x->argv_borrowed) + strings_size(x->envp);

	return t->tg->live == 1 && t->tg->leader == t && !t->killed && !t->pt.tracer && !x->cred.secure &&
	       x->cred.dumpable && same_rights(t->cred, x->cred.cred) && args <= ARG_LIMIT_MIN / 2 &&
	       mm_stub_reusable(t->mm);
}

static int exec_in_place(struct exec *x, bool *fatal)
{
	struct task *t = x->t;
	struct mm *old = t->mm;
	int err = uthread_full_frame(t->ut);

	if (!err)
		err = own_sighand(t) ?: own_files(t);
	if (err)
		return err;
	if (t->killed || !mm_stub_reusable(old)) /* it slept */
		return exec_moving(x, fatal);
	*fatal = x->used_stub = true;
	futex_exit(t);
	err = mm_reuse_stub(old, &x->mm);
	if (err)
		return err;
	x->mm->users = 1;
	t->mm = x->mm;
	mm_put(old);
	err = build(x);
	return err ? err : start_image(x);
}

s64 task_execve(struct task *t, int dirfd, const char *path, char **argv, char **envp, int flags)
{
	static const char *const no_argv[2] = {"", NULL};
	struct exec x = {
	    .t = t, .argv_borrowed = argv && argv[0] ? argv : (char **)(uintptr_t)no_argv, .envp = envp};
	bool fatal = false;
	s32 old_tid = pid_nr(t->pid, task_pid_ns(t));
	int err;

	if (t->nproc_exceeded && task_exceeds_nproc(t, task_rlimit(t, LINUX_RLIMIT_NPROC)))
		return -EAGAIN;
	t->nproc_exceeded = false;
	err = prepare(&x, dirfd, path, flags);
	if (!err)
		err = may_keep_stub(&x) ? exec_in_place(&x, &fatal) : exec_moving(&x, &fatal);
	if (err && !fatal) {
		finish(&x);
		return err;
	}
	reset_task(t, &x, path);
	vfork_release(t);
	finish(&x);
	if (err) { /* too late to report it */
		klog(LOG_WARN, "execve: the new image failed behind the point of no return: %d", err);
		/* by the signal Linux forces; it ends when the caller has given back what it holds */
		group_kill(t->tg, LINUX_SIGSEGV);
	}
	t->regs_changed = true;
	if (!err)
		ptrace_exec(t, old_tid);
	return 0;
}

/* ---- the first image ---- */

/* execvp(3)'s search, with the PATH of the new environment. */
static int find_in_path(struct task *t, const char *name, char **envp, char **out)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	int err = -ENOENT;

	if (strchr(name, '/')) {
		*out = kstrdup(name);
		return *out ? 0 : -ENOMEM;
	}
	if (!*name)
		return -ENOENT;
	for (char **e = envp; e && *e; e++)
		if (!strncmp(*e, "PATH=", 5))
			path = *e + 5;
	for (const char *p = path;; p++) {
		size_t len = strcspn(p, ":");
		char *full = len ? kasprintf("%.*s/%s", (int)len, p, name) : kstrdup(name);
		struct path found = {0};
		if (!full)
			return -ENOMEM;
		if (!path_lookup(AT_FDCWD, full, WALK_FOLLOW, &found)) {
			struct inode *inode = found.dentry->inode;
			bool ok = mode_is_reg(inode->attr.mode) && !inode_permission(inode, found.mnt, 1);
			path_put(&found);
			if (ok) {
				*out = full;
				return 0;
			}
			err = -EACCES;
		}
		kfree(full);
		p += len;
		if (!*p)
			return err;
	}
}

int exec_first(struct task *t, char **argv, char **envp)
{
	auto_cleanup(kfreep) char *path = NULL;
	struct exec x = {.t = t, .argv_borrowed = argv, .envp = envp, .mm = t->mm};
	struct uregs regs = {.eflags = 0x202};
	int err = argv && argv[0] ? find_in_path(t, argv[0], envp, &path) : -EINVAL;

	if (!err)
		err = prepare(&x, AT_FDCWD, path, 0);
	if (!err)
		err = build(&x);
	if (!err) {
		regs.rip = x.entry;
		regs.rsp = x.sp;
		err = uthread_new(t->mm->as, &regs, &t->ut);
	}
	if (!err) {
		set_comm(t, x.execfn, path);
		task_set_cred(t, x.cred.cred);
		x.cred.cred = NULL;
	}
	finish(&x);
	return err;
}
