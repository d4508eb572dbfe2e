/*
 * log.h - the sentry's own log lines, structured (one JSON object per line) on the log descriptor, and
 * panic(). No guest data beyond names and numbers is ever logged. Callable from anywhere in the sentry.
 */
#ifndef WARREN_BASE_LOG_H
#define WARREN_BASE_LOG_H

#include "sandbox/base/types.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Writes one log line. `fmt` is a short human sentence; escaping is done here. */
void klog(enum log_level level, const char *fmt, ...) printf_like(2, 3);

/* Writes text as it is (strace lines) to the log descriptor. */
void log_raw(const char *text, size_t len);

/* The sentry found itself in a state it must not be in: logs and ends the sandbox. */
void panic(const char *fmt, ...) printf_like(1, 2) __attribute__((noreturn));

/* Sets the descriptor for log lines; -1 silences. Kept in the arena header. */
void log_set_fd(int fd);

#endif
