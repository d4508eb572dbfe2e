/*
 * mini_sentry.h - a sentry without a kernel, for tests and benchmarks of the platform: arena, scheduler,
 * platform and one coroutine of the caller's, in a PID namespace of its own under a keeper.
 */
#ifndef WARREN_TESTS_MINI_SENTRY_H
#define WARREN_TESTS_MINI_SENTRY_H

#define MINI_SENTRY_NO_ROOT (-1)

/* Runs fn(arg) in the sentry of a child process until it calls sched_stop(); then finish() (may be NULL)
 * gives the exit status. Ended by SIGALRM after `seconds`. Returns that status (0 = good), a positive number
 * if the sentry died or did not boot, or MINI_SENTRY_NO_ROOT if no PID namespace may be made. */
int mini_sentry_run(void (*fn)(void *arg), void *arg, int (*finish)(void), unsigned seconds);

#endif
