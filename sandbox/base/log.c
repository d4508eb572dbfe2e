/*
 * log.c - structured log lines and panic. Formats on the stack; writes once; never sleeps or allocates.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/base/arena_priv.h"
#include "sandbox/base/log.h"

static size_t escape(char *dst, size_t room, const char *s)
{
	size_t n = 0;

	for (; *s && n + 7 < room; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\') {
			dst[n++] = '\\';
			dst[n++] = (char)c;
		} else if (c < 0x20 || c == 0x7f) {
			n += (size_t)snprintf(dst + n, room - n, "\\u%04x", c);
		} else {
			dst[n++] = (char)c;
		}
	}
	dst[n] = 0;
	return n;
}

void log_raw(const char *text, size_t len)
{
	int fd = g_arena ? g_arena->log_fd : 2;

	if (fd >= 0 && write(fd, text, len) < 0)
		return; /* nowhere to complain */
}

static void log_line(const char *level, const char *fmt, va_list ap)
{
	char text[512], safe[1024], line[1200];
	struct timespec ts;
	int n;

	vsnprintf(text, sizeof(text), fmt, ap);
	escape(safe, sizeof(safe), text);
	clock_gettime(CLOCK_REALTIME, &ts);
	n = snprintf(line, sizeof(line),
		     "{\"time\":%lld.%03ld,\"level\":\"%s\",\"component\":\"sentry\",\"message\":\"%s\"}\n",
		     (long long)ts.tv_sec, ts.tv_nsec / 1000000, level, safe);
	if (n > 0)
		log_raw(line, (size_t)n);
}

void klog(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	va_list ap;

	va_start(ap, fmt);
	log_line(names[level], fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line("panic", fmt, ap);
	va_end(ap);
	abort();
}

void log_set_fd(int fd)
{
	g_arena->log_fd = fd;
}
