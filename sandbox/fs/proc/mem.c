/*
 * mem.c - what of a process only a debugger may see: /proc/PID/mem, syscall, stack.
 *
 * mem is bound to the address space that the process had when it was opened: after an execve it reads as
 * empty, not as the new program.
 */
#include <errno.h>
#include <unistd.h>

#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/kernel/ptrace.h"

#define CHUNK 65536

static int mem_open(struct file *f)
{
	struct proc_ref *ref = proc_ref_of(f->inode);
	struct task *t = ref ? proc_task(ref) : NULL;

	if (!t)
		return -ESRCH;
	if (ptrace_may_access(t, true))
		return -EACCES;
	f->private = t->mm ? mm_get(t->mm) : NULL;
	return 0;
}

static void mem_release(struct file *f)
{
	mm_put(f->private);
}

static s64 mem_move(struct file *f, struct uio *u, u64 *pos, bool write)
{
	struct mm *mm = f->private;
	auto_cleanup(kfreep) char *buf = NULL;
	s64 done = 0;

	if (!mm || !mm->users)
		return 0;
	buf = kmalloc(min_t(size_t, u->left, CHUNK) ?: 1);
	if (!buf)
		return -ENOMEM;
	while (u->left) {
		size_t size = min_t(size_t, u->left, CHUNK);
		s64 n = write ? uio_copy(u, buf, size) : ptrace_access_mm(mm, *pos, buf, size, false);
		s64 m = n <= 0  ? n
			: write ? ptrace_access_mm(mm, *pos, buf, (size_t)n, true)
				: uio_copy(u, buf, (size_t)n);
		if (n <= 0 || m <= 0)
			return done ? done : (n <= 0) == write ? -EFAULT : -EIO;
		done += m;
		*pos += (u64)m;
		if (m < (s64)size)
			break;
	}
	return done;
}

static s64 mem_read(struct file *f, struct uio *dst, u64 *pos)
{
	return mem_move(f, dst, pos, false);
}

static s64 mem_write(struct file *f, struct uio *src, u64 *pos)
{
	return mem_move(f, src, pos, true);
}

/* Every address is a position, even what is negative as a number. */
static s64 mem_llseek(struct file *f, s64 offset, int whence)
{
	if (whence != SEEK_SET && whence != SEEK_CUR)
		return -EINVAL;
	f->pos = whence == SEEK_SET ? (u64)offset : f->pos + (u64)offset;
	return (s64)f->pos;
}

const struct file_ops proc_mem_ops = {
    .open = mem_open,
    .release = mem_release,
    .read = mem_read,
    .write = mem_write,
    .llseek = mem_llseek,
};

/* The call a process sleeps in: number, arguments, stack and instruction pointer. */
int proc_show_syscall(struct task *t, struct text_buf *b)
{
	struct uregs r;

	if (ptrace_may_access(t, true))
		return -EPERM;
	if (!t->ut)
		return 0;
	if (uthread_running(t->ut)) {
		text_printf(b, "running\n");
		return 0;
	}
	uthread_get_regs(t->ut, &r);
	if (t->trap.kind == TRAP_SYSCALL) {
		const u64 *a = t->trap.args;
		text_printf(b, "%d 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", (int)t->trap.nr,
			    (unsigned long)a[0], (unsigned long)a[1], (unsigned long)a[2],
			    (unsigned long)a[3], (unsigned long)a[4], (unsigned long)a[5],
			    (unsigned long)r.rsp, (unsigned long)r.rip);
	} else {
		text_printf(b, "-1 0x%lx 0x%lx\n", (unsigned long)r.rsp, (unsigned long)r.rip);
	}
	return 0;
}

/* The kernel's own stack is for the administrator of the whole machine only: nobody in a sandbox. */
int proc_show_stack(struct task *t, struct text_buf *b)
{
	(void)t;
	(void)b;
	return -EACCES;
}
