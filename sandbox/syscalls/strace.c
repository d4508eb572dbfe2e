/*
 * strace.c - one decoded line per system call for --strace, from the kinds in table.def.
 *
 *   [pid comm] name(args) = result
 *
 * Calls that may never return (exit, a blocking read) are announced on entry with `name(args) ...`: only
 * those whose handler is known not to come back, so that the ordinary case costs one line.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "sandbox/kernel/task.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/syscalls.h"

#define LINE_MAX_SIZE 1024
#define STRING_SHOWN  64

struct line {
	char text[LINE_MAX_SIZE];
	size_t len;
};

static void put(struct line *l, const char *fmt, ...) printf_like(2, 3);
static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, sizeof(l->text) - l->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->len = min_t(size_t, l->len + (size_t)n, sizeof(l->text) - 1);
}

struct bit_name {
	u64 bit;
	const char *name;
};

static void put_bits(struct line *l, u64 v, const struct bit_name *names, size_t count)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (names[i].bit && (v & names[i].bit) == names[i].bit) {
			put(l, "%s%s", any ? "|" : "", names[i].name);
			v &= ~names[i].bit;
			any = true;
		}
	}
	if (v || !any)
		put(l, any ? "|%#lx" : "%#lx", (unsigned long)v);
}

static const struct bit_name open_bits[] = {
    {04010000, "O_SYNC"},    {020200000, "O_TMPFILE"}, {01, "O_WRONLY"},      {02, "O_RDWR"},
    {0100, "O_CREAT"},       {0200, "O_EXCL"},         {0400, "O_NOCTTY"},    {01000, "O_TRUNC"},
    {02000, "O_APPEND"},     {04000, "O_NONBLOCK"},    {010000, "O_DSYNC"},   {0200000, "O_DIRECTORY"},
    {0400000, "O_NOFOLLOW"}, {02000000, "O_CLOEXEC"},  {010000000, "O_PATH"},
};
static const struct bit_name prot_bits[] = {{1, "PROT_READ"}, {2, "PROT_WRITE"}, {4, "PROT_EXEC"}};
static const struct bit_name map_bits[] = {
    {1, "MAP_SHARED"},        {2, "MAP_PRIVATE"},
    {0x10, "MAP_FIXED"},      {0x20, "MAP_ANONYMOUS"},
    {0x100, "MAP_GROWSDOWN"}, {0x4000, "MAP_NORESERVE"},
    {0x20000, "MAP_STACK"},   {0x100000, "MAP_FIXED_NOREPLACE"},
};
static const struct bit_name clone_bits[] = {
    {0x100, "CLONE_VM"},
    {0x200, "CLONE_FS"},
    {0x400, "CLONE_FILES"},
    {0x800, "CLONE_SIGHAND"},
    {0x4000, "CLONE_VFORK"},
    {0x8000, "CLONE_PARENT"},
    {0x10000, "CLONE_THREAD"},
    {0x40000, "CLONE_SYSVSEM"},
    {0x80000, "CLONE_SETTLS"},
    {0x100000, "CLONE_PARENT_SETTID"},
    {0x200000, "CLONE_CHILD_CLEARTID"},
    {0x1000000, "CLONE_CHILD_SETTID"},
};

static void put_string(struct line *l, u64 addr)
{
	char s[STRING_SHOWN + 1];
	s64 n;

	if (!addr) {
		put(l, "NULL");
		return;
	}
	n = copy_in_str(s, uaddr(addr), sizeof(s));
	if (n == -ENAMETOOLONG)
		n = copy_in(s, uaddr(addr), STRING_SHOWN) ? -EFAULT : STRING_SHOWN;
	if (n < 0) {
		put(l, "%#lx", (unsigned long)addr);
		return;
	}
	put(l, "\"");
	for (s64 i = 0; i < n; i++) {
		u8 c = (u8)s[i];
		put(l, c >= 32 && c < 127 && c != '"' && c != '\\' ? "%c" : "\\x%02x", c);
	}
	put(l, n == STRING_SHOWN ? "\"..." : "\"");
}

static void put_arg(struct line *l, u8 kind, u64 v)
{
	switch (kind) {
	case ARG_AT_FD:
		if (arg_int(v) == -100)
			put(l, "AT_FDCWD");
		else
			put(l, "%d", arg_int(v));
		break;
	case ARG_FD:
	case ARG_INT:
	case ARG_PID:
	case ARG_SIGNAL:
	case ARG_WHENCE:
	case ARG_CLOCK:
	case ARG_FUTEXOP:
		put(l, "%d", arg_int(v));
		break;
	case ARG_UINT:
		put(l, "%u", (u32)v);
		break;
	case ARG_LONG:
	case ARG_OFF:
		put(l, "%ld", (long)v);
		break;
	case ARG_SIZE:
		put(l, "%lu", (unsigned long)v);
		break;
	case ARG_MODE:
		put(l, "0%o", (u32)v);
		break;
	case ARG_STR:
		put_string(l, v);
		break;
	case ARG_OPENFLAGS:
		if (!(v & 3))
			put(l, "O_RDONLY%s", v & ~3ULL ? "|" : "");
		if (v)
			put_bits(l, v, open_bits, ARRAY_COUNT(open_bits));
		break;
	case ARG_PROT:
		put_bits(l, v, prot_bits, ARRAY_COUNT(prot_bits));
		break;
	case ARG_MAPFLAGS:
		put_bits(l, v, map_bits, ARRAY_COUNT(map_bits));
		break;
	case ARG_CLONEFLAGS:
		put_bits(l, v & ~0xffULL, clone_bits, ARRAY_COUNT(clone_bits));
		put(l, "|%u", (u32)(v & 0xff));
		break;
	default:
		if (v)
			put(l, "%#lx", (unsigned long)v);
		else
			put(l, "NULL");
	}
}

static void put_call(struct line *l, struct task *t, const struct syscall_desc *d, const u64 *args)
{
	l->len = 0;
	put(l, "[%d %s] ", t->pid->links[0].nr, t->comm);
	if (!d || !d->name) {
		put(l, "syscall_%lu(", (unsigned long)t->trap.nr);
	} else {
		put(l, "%s(", d->name);
		for (u32 i = 0; i < d->arg_count; i++) {
			put(l, i ? ", " : "");
			put_arg(l, d->arg[i].kind, args[i]);
		}
	}
	put(l, ")");
}

static void put_error(struct line *l, int err)
{
	const char *name = strerrorname_np(err);

	if (name)
		put(l, " = -1 %s\n", name);
	else
		put(l, " = -1 ERESTART%d\n", err);
}

void strace_enter(struct task *t, const struct syscall_desc *d, const u64 *args)
{
	struct line l;

	if (strcmp(d->name, "exit") && strcmp(d->name, "exit_group") && strcmp(d->name, "execve") &&
	    strcmp(d->name, "rt_sigreturn"))
		return;
	put_call(&l, t, d, args);
	put(&l, " ...\n");
	log_raw(l.text, l.len);
}

void strace_log(struct task *t, const struct syscall_desc *d, const u64 *args, s64 ret)
{
	struct line l;

	put_call(&l, t, d, args);
	if (ret < 0 && ret >= -4095)
		put_error(&l, (int)-ret);
	else if (ret > 0xffffff)
		put(&l, " = %#lx\n", (unsigned long)ret);
	else
		put(&l, " = %ld\n", (long)ret);
	log_raw(l.text, l.len);
}
