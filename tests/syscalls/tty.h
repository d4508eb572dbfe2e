/* tty.h - what the tests of terminals share. */
#ifndef WARREN_TESTS_TTY_H
#define WARREN_TESTS_TTY_H
#include "case.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

/* ---- helpers ---- */

struct pty {
	int m, s;
	char name[64];
};

static inline int open_master(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	EXPECT(m >= 0);
	OK(grantpt(m));
	OK(unlockpt(m));
	return m;
}

static inline struct pty open_pair(void)
{
	struct pty p = {.m = open_master()};

	EXPECT_EQ(ptsname_r(p.m, p.name, sizeof(p.name)), 0);
	p.s = open(p.name, O_RDWR | O_NOCTTY);
	EXPECT(p.s >= 0);
	return p;
}

static inline void local_flags(int fd, tcflag_t set, tcflag_t clear)
{
	struct termios t;

	OK(tcgetattr(fd, &t));
	t.c_lflag = (t.c_lflag | set) & ~clear;
	OK(tcsetattr(fd, TCSANOW, &t));
}

static inline void raw(int fd, int min, int time)
{
	struct termios t;

	OK(tcgetattr(fd, &t));
	cfmakeraw(&t);
	t.c_cc[VMIN] = (cc_t)min;
	t.c_cc[VTIME] = (cc_t)time;
	OK(tcsetattr(fd, TCSANOW, &t));
}

static inline void type(int fd, const char *text)
{
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static inline bool readable(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

/* Reads exactly this text, which must come within five seconds a piece. */
static inline void expect_text(int fd, const char *text)
{
	char buf[1024];
	size_t have = 0, want = strlen(text);

	while (have < want) {
		ssize_t n;
		if (!readable(fd, 5000)) {
			buf[have] = 0;
			case_fail(__FILE__, __LINE__, "got \"%s\", expected \"%s\"", buf, text);
		}
		n = read(fd, buf + have, want - have);
		EXPECT(n > 0);
		have += (size_t)n;
	}
	buf[have] = 0;
	EXPECT_STR(buf, text);
}

static inline void expect_nothing(int fd)
{
	EXPECT(!readable(fd, 100));
}

/* A child that leads a session whose controlling terminal is the pair's slave (its descriptor 3). */
static inline pid_t in_session(struct pty *p, void (*fn)(struct pty *))
{
	pid_t pid = fork();

	if (pid)
		return pid;
	OK(setsid());
	close(p->s);
	p->s = open(p->name, O_RDWR);
	EXPECT(p->s >= 0);
	close(p->m);
	fn(p);
	_exit(0);
}

static volatile sig_atomic_t got[65];

static inline void note(int sig)
{
	got[sig]++;
}

static inline void catch (int sig)
{
	struct sigaction sa = {.sa_handler = note};

	OK(sigaction(sig, &sa, NULL));
}

/* Sleeps until one of sig has come, at most five seconds. */
static inline void wait_signal(int sig)
{
	for (int i = 0; i < 500 && !got[sig]; i++)
		sleep_ms(10);
	EXPECT(got[sig]);
}

static inline void child_ends(void)
{
	int st;

	EXPECT(waitpid(-1, &st, 0) > 0);
	EXPECT_EQ(st, 0);
}

static inline void wait_stopped(pid_t pid, int sig)
{
	int st;

	EXPECT_EQ(waitpid(pid, &st, WUNTRACED), pid);
	EXPECT(WIFSTOPPED(st));
	EXPECT_EQ(WSTOPSIG(st), sig);
}

#endif
