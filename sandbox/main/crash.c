/*
 * crash.c - last words of a sentry that dies of a fault: where it was, as offsets into the program for
 * addr2line(1) (`addr2line -e warren-sentry OFFSET`). A sandbox's end must have a reason that can be found.
 *
 * The handler runs on a stack of its own, since a coroutine's may be what is broken; it resets itself, so the
 * fault happens again on return and ends the process by the same signal. One SIGBUS is expected:
 * view_copy()'s.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sandbox/base/log.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/task.h"
#include "sandbox/base/types.h"
#include "sandbox/main/boot.h"
#include "sandbox/vfs/hostview.h"

#define ALTSTACK_SIZE 65536
#define WORDS         256 /* of the stack, to be searched for return addresses */

extern const char __executable_start[], etext[];

static u64 offset_of(u64 address)
{
	return address - (u64)(uintptr_t)__executable_start;
}

static void registers(const greg_t *r)
{
	static const int order[] = {REG_RSP, REG_RBP, REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
				    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
	char line[512];
	int n = snprintf(line, sizeof(line),
			 "{\"level\":\"error\",\"component\":\"sentry\",\"message\":\"rsp, rbp, rax… r15:");

	for (size_t i = 0; i < ARRAY_COUNT(order); i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, " %lx", (unsigned long)r[order[i]]);
	n += snprintf(line + n, sizeof(line) - (size_t)n, "\"}\n");
	log_raw(line, (size_t)n);
}

/* Whose coroutine it was, in which call. Last: what is broken may be the very objects. */
static void who(void)
{
	char line[256];
	struct coro *c = kernel() ? kernel()->current : NULL;
	struct task *t = c ? c->task : NULL;
	int n = snprintf(line, sizeof(line),
			 "{\"level\":\"error\",\"component\":\"sentry\",\"message\":\"coroutine %p, task %p, "
			 "call %ld of %s\"}\n",
			 (void *)c, (void *)t, t ? (long)t->trap.nr : -1, t ? t->comm : "none");

	log_raw(line, (size_t)n);
}

static void last_words(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	u64 rip = (u64)uc->uc_mcontext.gregs[REG_RIP], size = (u64)(etext - __executable_start);
	const u64 *sp = (const u64 *)(uintptr_t)uc->uc_mcontext.gregs[REG_RSP];
	char line[1024];
	int n = snprintf(line, sizeof(line),
			 "{\"level\":\"error\",\"component\":\"sentry\",\"message\":\"signal %d at +0x%lx, "
			 "address %p\"}\n",
			 sig, (unsigned long)offset_of(rip), info->si_addr);

	log_raw(line, (size_t)n);
	n = snprintf(line, sizeof(line),
		     "{\"level\":\"error\",\"component\":\"sentry\",\"message\":\"stack:");
	for (int i = 0; i < WORDS && n < (int)sizeof(line) - 32; i++)
		if (offset_of(sp[i]) < size)
			n += snprintf(line + n, sizeof(line) - (size_t)n, " +0x%lx",
				      (unsigned long)offset_of(sp[i]));
	n += snprintf(line + n, sizeof(line) - (size_t)n, "\"}\n");
	log_raw(line, (size_t)n);
	registers(uc->uc_mcontext.gregs);
	who();
}

/* A file was cut short under its mapping: view_copy() says so. Any other is a crash, for good. */
static void bus_error(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	if (uc->uc_mcontext.gregs[REG_RIP] == (greg_t)(uintptr_t)view_copy_moves) {
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)view_copy_stopped;
		return;
	}
	signal(sig, SIG_DFL);
	last_words(sig, info, context);
}

void crash_install(void)
{
	static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGABRT /* of a panic */};
	struct sigaction sa = {.sa_sigaction = last_words,
			       .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
	stack_t st = {.ss_size = ALTSTACK_SIZE};

	st.ss_sp = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (st.ss_sp == MAP_FAILED || sigaltstack(&st, NULL))
		return;
	for (size_t i = 0; i < ARRAY_COUNT(signals); i++)
		sigaction(signals[i], &sa, NULL);
	sa = (struct sigaction){.sa_sigaction = bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	sigaction(SIGBUS, &sa, NULL);
}
