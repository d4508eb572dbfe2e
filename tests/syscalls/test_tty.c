/*
 * test_tty.c - pseudo terminals, the line discipline and job control through system calls: pty(7),
 * termios(3), ioctl_tty(2), credentials(7).
 */
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

static int open_master(void)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);

	EXPECT(m >= 0);
	OK(grantpt(m));
	OK(unlockpt(m));
	return m;
}

static struct pty open_pair(void)
{
	struct pty p = {.m = open_master()};

	EXPECT_EQ(ptsname_r(p.m, p.name, sizeof(p.name)), 0);
	p.s = open(p.name, O_RDWR | O_NOCTTY);
	EXPECT(p.s >= 0);
	return p;
}

static void local_flags(int fd, tcflag_t set, tcflag_t clear)
{
	struct termios t;

	OK(tcgetattr(fd, &t));
	t.c_lflag = (t.c_lflag | set) & ~clear;
	OK(tcsetattr(fd, TCSANOW, &t));
}

static void raw(int fd, int min, int time)
{
	struct termios t;

	OK(tcgetattr(fd, &t));
	cfmakeraw(&t);
	t.c_cc[VMIN] = (cc_t)min;
	t.c_cc[VTIME] = (cc_t)time;
	OK(tcsetattr(fd, TCSANOW, &t));
}

static void type(int fd, const char *text)
{
	EXPECT_EQ(write(fd, text, strlen(text)), strlen(text));
}

static bool readable(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};

	return poll(&p, 1, ms) == 1 && (p.revents & POLLIN);
}

/* Reads exactly this text, which must come within five seconds a piece. */
static void expect_text(int fd, const char *text)
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

static void expect_nothing(int fd)
{
	EXPECT(!readable(fd, 100));
}

/* A child that leads a session whose controlling terminal is the pair's slave (its descriptor 3). */
static pid_t in_session(struct pty *p, void (*fn)(struct pty *))
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

static void note(int sig)
{
	got[sig]++;
}

static void catch (int sig)
{
	struct sigaction sa = {.sa_handler = note};

	OK(sigaction(sig, &sa, NULL));
}

/* Sleeps until one of sig has come, at most five seconds. */
static void wait_signal(int sig)
{
	for (int i = 0; i < 500 && !got[sig]; i++)
		sleep_ms(10);
	EXPECT(got[sig]);
}

static void child_ends(void)
{
	int st;

	EXPECT(waitpid(-1, &st, 0) > 0);
	EXPECT_EQ(st, 0);
}

static void wait_stopped(pid_t pid, int sig)
{
	int st;

	EXPECT_EQ(waitpid(pid, &st, WUNTRACED), pid);
	EXPECT(WIFSTOPPED(st));
	EXPECT_EQ(WSTOPSIG(st), sig);
}

/* ---- opening ---- */

CASE(ptmx_makes_a_slave_with_a_name)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), nr = -1;
	char name[64], expected[64];
	struct stat st;

	EXPECT(m >= 0);
	OK(ioctl(m, TIOCGPTN, &nr));
	OK(unlockpt(m));
	EXPECT_EQ(ptsname_r(m, name, sizeof(name)), 0);
	snprintf(expected, sizeof(expected), "/dev/pts/%d", nr);
	EXPECT_STR(name, expected);
	OK(stat(name, &st));
	EXPECT(S_ISCHR(st.st_mode));
	EXPECT_EQ(st.st_rdev >> 8, 136);
	EXPECT_EQ(st.st_uid, geteuid());
	close(m);
	EXPECT_ERRNO(stat(name, &st), ENOENT);
}

CASE(locked_slave_cannot_be_opened)
{
	int m = open("/dev/ptmx", O_RDWR | O_NOCTTY), v = -1;
	char name[64];

	EXPECT(m >= 0);
	EXPECT_EQ(ptsname_r(m, name, sizeof(name)), 0);
	OK(ioctl(m, TIOCGPTLCK, &v));
	EXPECT_EQ(v, 1);
	EXPECT_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO);
	OK(unlockpt(m));
	OK(ioctl(m, TIOCGPTLCK, &v));
	EXPECT_EQ(v, 0);
	OK(open(name, O_RDWR | O_NOCTTY));
}

CASE(peer_without_a_path)
{
	int m = open_master(), s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	OK(s);
	EXPECT_EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
	type(m, "x\n");
	expect_text(s, "x\n");
}

CASE(both_ends_are_terminals)
{
	struct pty p = open_pair();
	int fds[2];

	EXPECT_EQ(isatty(p.m), 1);
	EXPECT_EQ(isatty(p.s), 1);
	OK(pipe(fds));
	EXPECT_EQ(isatty(fds[0]), 0);
	EXPECT_EQ(errno, ENOTTY);
	EXPECT_ERRNO(ioctl(p.s, TIOCGPTN, fds), ENOTTY);
	EXPECT_ERRNO(lseek(p.s, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(lseek(p.m, 0, SEEK_SET), ESPIPE);
	EXPECT_ERRNO(ioctl(p.s, 0x5499, 0), ENOTTY);
	EXPECT_ERRNO(ioctl(p.s, TCGETS, 1), EFAULT);
	EXPECT_ERRNO(ioctl(p.s, TCSETS, 1), EFAULT);
	EXPECT_ERRNO(ioctl(p.s, TIOCGWINSZ, 1), EFAULT);
}

CASE(exclusive_mode)
{
	struct pty p = open_pair();
	int v = 7;

	OK(ioctl(p.s, TIOCEXCL));
	OK(ioctl(p.s, TIOCGEXCL, &v));
	EXPECT_EQ(v, 1);
	if (!fork()) {
		OK(chmod(p.name, 0666));
		OK(setresuid(65534, 65534, 65534));
		EXPECT_ERRNO(open(p.name, O_RDWR | O_NOCTTY), EBUSY);
		_exit(0);
	}
	child_ends();
	OK(ioctl(p.s, TIOCNXCL));
	OK(ioctl(p.s, TIOCGEXCL, &v));
	EXPECT_EQ(v, 0);
	OK(open(p.name, O_RDWR | O_NOCTTY));
}

/* ---- termios ---- */

CASE(fresh_settings)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.s, &t));
	EXPECT_EQ(t.c_iflag, ICRNL | IXON);
	EXPECT_EQ(t.c_oflag, OPOST | ONLCR);
	EXPECT_EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
	EXPECT_EQ(t.c_cflag & (CSIZE | CREAD), CS8 | CREAD);
	EXPECT_EQ(cfgetospeed(&t), B38400);
	EXPECT_EQ(t.c_cc[VINTR], 3);
	EXPECT_EQ(t.c_cc[VQUIT], 28);
	EXPECT_EQ(t.c_cc[VERASE], 127);
	EXPECT_EQ(t.c_cc[VKILL], 21);
	EXPECT_EQ(t.c_cc[VEOF], 4);
	EXPECT_EQ(t.c_cc[VSUSP], 26);
	EXPECT_EQ(t.c_cc[VSTART], 17);
	EXPECT_EQ(t.c_cc[VSTOP], 19);
	EXPECT_EQ(t.c_cc[VWERASE], 23);
	EXPECT_EQ(t.c_cc[VMIN], 1);
	EXPECT_EQ(t.c_cc[VTIME], 0);
}

CASE(settings_are_kept_and_shared)
{
	struct pty p = open_pair();
	struct termios t, u;

	OK(tcgetattr(p.s, &t));
	t.c_iflag = IGNCR | IXANY;
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_cc[VINTR] = 1;
	cfsetospeed(&t, B9600);
	OK(tcsetattr(p.s, TCSANOW, &t));
	OK(tcgetattr(p.m, &u)); /* the master shows the slave's */
	EXPECT_EQ(u.c_iflag, IGNCR | IXANY);
	EXPECT(!(u.c_lflag & ECHO));
	EXPECT_EQ(u.c_cc[VINTR], 1);
	EXPECT_EQ(cfgetospeed(&u), B9600);
}

CASE(settings_from_the_master)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.m, &t));
	t.c_lflag &= ~(tcflag_t)ECHO;
	OK(tcsetattr(p.m, TCSANOW, &t));
	type(p.m, "a\n");
	expect_text(p.s, "a\n");
	expect_nothing(p.m);
}

CASE(flushing_change_forgets_input)
{
	struct pty p = open_pair();
	struct termios t;

	local_flags(p.s, 0, ECHO);
	type(p.m, "old\n");
	EXPECT(readable(p.s, 5000));
	OK(tcgetattr(p.s, &t));
	OK(tcsetattr(p.s, TCSADRAIN, &t));
	EXPECT(readable(p.s, 1000)); /* W keeps it */
	OK(tcsetattr(p.s, TCSAFLUSH, &t));
	expect_nothing(p.s);
	type(p.m, "new\n");
	expect_text(p.s, "new\n");
}

/* Nobody reads the screen: a pty has no line to wait for. */
CASE(drain_does_not_wait_for_the_master)
{
	struct pty p = open_pair();
	struct termios t;

	type(p.s, "unread");
	OK(tcdrain(p.s));
	OK(tcgetattr(p.s, &t));
	OK(tcsetattr(p.s, TCSADRAIN, &t));
	OK(tcsetattr(p.s, TCSAFLUSH, &t));
	expect_text(p.m, "unread"); /* F flushes input only */
}

CASE(breaks_are_nothing)
{
	struct pty p = open_pair();

	OK(tcsendbreak(p.s, 0));
	OK(ioctl(p.s, TCSBRKP, 0));
	expect_nothing(p.m);
}

/* ---- canonical input ---- */

CASE(lines_come_whole)
{
	struct pty p = open_pair();
	char buf[32];

	local_flags(p.s, 0, ECHO);
	type(p.m, "half");
	expect_nothing(p.s);
	type(p.m, " done\nnext\n");
	EXPECT_EQ(read(p.s, buf, sizeof(buf)), 10);
	EXPECT(!memcmp(buf, "half done\n", 10));
	EXPECT_EQ(read(p.s, buf, sizeof(buf)), 5);
	expect_nothing(p.s);
}

CASE(short_reads_take_a_part)
{
	struct pty p = open_pair();
	char buf[32];

	local_flags(p.s, 0, ECHO);
	type(p.m, "abcdef\n");
	EXPECT_EQ(read(p.s, buf, 4), 4);
	EXPECT_EQ(read(p.s, buf + 4, 20), 3);
	EXPECT(!memcmp(buf, "abcdef\n", 7));
	EXPECT_EQ(read(p.s, buf, 0), 0);
}

CASE(end_of_file_character)
{
	struct pty p = open_pair();
	char buf[32];

	local_flags(p.s, 0, ECHO);
	type(p.m, "\4");
	EXPECT_EQ(read(p.s, buf, 32), 0);
	type(p.m, "part\4");
	EXPECT_EQ(read(p.s, buf, 32), 4); /* a line without its end */
	type(p.m, "full\n\4");
	EXPECT_EQ(read(p.s, buf, 32), 5);
	EXPECT_EQ(read(p.s, buf, 32), 0);
}

CASE(erase_word_erase_and_kill)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ECHO);
	type(p.m, "abx\177c\n");
	expect_text(p.s, "abc\n");
	type(p.m, "\177\177ok\n");
	expect_text(p.s, "ok\n");
	type(p.m, "one two  \27three\n");
	expect_text(p.s, "one three\n");
	type(p.m, "a/b\27c\n");
	expect_text(p.s, "a/c\n");
	type(p.m, "all of it\25new\n");
	expect_text(p.s, "new\n");
}

CASE(literal_next)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ECHO);
	type(p.m, "a\26\177b\26\3c\26\4\n");
	expect_text(p.s, "a\177b\3c\4\n");
}

CASE(carriage_return_and_newline)
{
	struct pty p = open_pair();
	struct termios t;

	local_flags(p.s, 0, ECHO);
	type(p.m, "a\r");
	expect_text(p.s, "a\n");
	OK(tcgetattr(p.s, &t));
	t.c_iflag = IGNCR;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "a\rb\n");
	expect_text(p.s, "ab\n");
	t.c_iflag = INLCR;
	t.c_cc[VEOL] = 'E';
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "x\nE");
	expect_text(p.s, "x\rE");
	t.c_iflag = ISTRIP;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "\301E");
	expect_text(p.s, "AE");
}

CASE(more_line_ends)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.s, &t));
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = '!';
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "a;b!c");
	expect_text(p.s, "a;");
	expect_text(p.s, "b!");
	expect_nothing(p.s);
}

CASE(disabled_characters)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.s, &t));
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_cc[VERASE] = t.c_cc[VEOF] = t.c_cc[VINTR] = _POSIX_VDISABLE;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "a\177\4\3\n");
	expect_text(p.s, "a\177\4\3\n");
}

CASE(a_long_line_loses_its_end)
{
	struct pty p = open_pair();
	char *big = malloc(6000), buf[6000];

	local_flags(p.s, 0, ECHO);
	memset(big, 'x', 5000);
	EXPECT_EQ(write(p.m, big, 5000), 5000);
	sleep_ms(100);
	type(p.m, "\n");
	EXPECT_EQ(read(p.s, buf, sizeof(buf)), 4096);
	EXPECT_EQ(buf[4095], '\n');
	type(p.m, "next\n");
	expect_text(p.s, "next\n");
}

CASE(mode_change_makes_a_half_line_readable)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ECHO);
	type(p.m, "half");
	expect_nothing(p.s);
	local_flags(p.s, 0, ICANON);
	expect_text(p.s, "half");
}

CASE(bytes_waiting)
{
	struct pty p = open_pair();
	int n = -1;

	local_flags(p.s, 0, ECHO);
	type(p.m, "12345");
	sleep_ms(100);
	OK(ioctl(p.s, FIONREAD, &n));
	EXPECT_EQ(n, 0);
	type(p.m, "\n");
	EXPECT(readable(p.s, 5000));
	OK(ioctl(p.s, FIONREAD, &n));
	EXPECT_EQ(n, 6);
	type(p.s, "out");
	EXPECT(readable(p.m, 5000));
	OK(ioctl(p.m, FIONREAD, &n));
	EXPECT_EQ(n, 3);
	OK(ioctl(p.s, TIOCOUTQ, &n));
	EXPECT_EQ(n, 0); /* it has left: the pty keeps nothing back */
	EXPECT_ERRNO(ioctl(p.s, FIONREAD, 1), EFAULT);
}

/* ---- raw input ---- */

CASE(raw_bytes_as_they_come)
{
	struct pty p = open_pair();
	char buf[16];

	raw(p.s, 1, 0);
	type(p.m, "\3\4\r\177");
	EXPECT(readable(p.s, 5000));
	sleep_ms(50);
	EXPECT_EQ(read(p.s, buf, 16), 4);
	EXPECT(!memcmp(buf, "\3\4\r\177", 4));
	expect_nothing(p.m); /* no echo */
}

CASE(vmin_waits_for_enough)
{
	struct pty p = open_pair();
	char buf[16];

	raw(p.s, 4, 0);
	if (!fork()) {
		sleep_ms(100);
		type(p.m, "ab");
		sleep_ms(100);
		type(p.m, "cde");
		_exit(0);
	}
	EXPECT_EQ(read(p.s, buf, 4), 4);
	EXPECT(!memcmp(buf, "abcd", 4));
	child_ends();
	type(p.m, "f");
	EXPECT_EQ(read(p.s, buf, 2), 2); /* VMIN, but not more than asked for */
	EXPECT(!memcmp(buf, "ef", 2));
}

CASE(vmin_and_poll)
{
	struct pty p = open_pair();

	raw(p.s, 4, 0);
	type(p.m, "abc");
	expect_nothing(p.s);
	type(p.m, "d");
	EXPECT(readable(p.s, 5000));
}

CASE(vtime_alone_is_a_timeout)
{
	struct pty p = open_pair();
	uint64_t t0 = now_ms();
	char buf[16];

	raw(p.s, 0, 2);
	EXPECT_EQ(read(p.s, buf, 16), 0);
	EXPECT(now_ms() - t0 >= 150);
	type(p.m, "x");
	EXPECT_EQ(read(p.s, buf, 16), 1);
}

CASE(vmin_and_vtime_zero_poll)
{
	struct pty p = open_pair();
	char buf[16];

	raw(p.s, 0, 0);
	EXPECT_EQ(read(p.s, buf, 16), 0);
	type(p.m, "xy");
	EXPECT(readable(p.s, 5000));
	EXPECT_EQ(read(p.s, buf, 16), 2);
}

CASE(vtime_between_bytes)
{
	struct pty p = open_pair();
	char buf[16];

	raw(p.s, 10, 2);
	type(p.m, "abc");
	EXPECT_EQ(read(p.s, buf, 16), 3); /* the pause after c ends it */
	if (!fork()) {
		sleep_ms(500); /* but the first byte is waited for without end */
		type(p.m, "z");
		_exit(0);
	}
	EXPECT_EQ(read(p.s, buf, 16), 1);
	child_ends();
}

CASE(nonblocking)
{
	struct pty p = open_pair();
	char buf[16];

	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	OK(fcntl(p.m, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(read(p.s, buf, 16), EAGAIN);
	EXPECT_ERRNO(read(p.m, buf, 16), EAGAIN);
	local_flags(p.s, 0, ECHO);
	type(p.m, "half");
	sleep_ms(50);
	EXPECT_ERRNO(read(p.s, buf, 16), EAGAIN);
	raw(p.s, 1, 0);
	expect_text(p.s, "half");
	EXPECT_ERRNO(read(p.s, buf, 16), EAGAIN);
}

CASE(read_is_interrupted)
{
	struct pty p = open_pair();
	char buf[16];

	catch (SIGALRM);
	alarm(0);
	{
		struct itimerval it = {.it_value = {0, 200000}};
		OK(setitimer(ITIMER_REAL, &it, NULL));
	}
	EXPECT_ERRNO(read(p.s, buf, 16), EINTR);
	EXPECT_EQ(got[SIGALRM], 1);
}

/* ---- output and echo ---- */

CASE(output_is_processed)
{
	struct pty p = open_pair();
	struct termios t;

	type(p.s, "a\nb\n");
	expect_text(p.m, "a\r\nb\r\n");
	OK(tcgetattr(p.s, &t));
	t.c_oflag = 0;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.s, "a\nb\n");
	expect_text(p.m, "a\nb\n");
	t.c_oflag = OPOST | OCRNL;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.s, "a\rb\n");
	expect_text(p.m, "a\nb\n");
	t.c_oflag = OPOST | ONLCR | XTABS;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.s, "\nab\tc\t\n");
	expect_text(p.m, "\r\nab      c       \r\n");
	t.c_oflag = OPOST | OLCUC;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.s, "abC1");
	expect_text(p.m, "ABC1");
}

CASE(echo_shows_what_is_typed)
{
	struct pty p = open_pair();

	type(p.m, "ab\n");
	expect_text(p.m, "ab\r\n");
	type(p.m, "x\1\t");
	expect_text(p.m, "x^A\t");
	type(p.m, "\n");
	expect_text(p.m, "\r\n");
	local_flags(p.s, 0, ECHOCTL);
	type(p.m, "\1\n");
	expect_text(p.m, "\1\r\n");
	local_flags(p.s, ECHONL, ECHO);
	type(p.m, "hidden\n");
	expect_text(p.m, "\r\n");
	expect_nothing(p.m);
	local_flags(p.s, 0, ECHONL);
	type(p.m, "hidden\n");
	expect_nothing(p.m);
}

CASE(echo_of_erasing)
{
	struct pty p = open_pair();

	type(p.m, "ab\177");
	expect_text(p.m, "ab\b \b");
	type(p.m, "\1\177"); /* ^A is two columns wide */
	expect_text(p.m, "^A\b \b\b \b");
	type(p.m, "cd ef\27");
	expect_text(p.m, "cd ef\b \b\b \b");
	type(p.m, "\25"); /* "acd " */
	expect_text(p.m, "\b \b\b \b\b \b\b \b");
	type(p.m, "\177"); /* nothing left */
	expect_nothing(p.m);
	local_flags(p.s, 0, ECHOKE);
	type(p.m, "ab\25");
	expect_text(p.m, "ab^U\r\n");
	local_flags(p.s, 0, ECHOE);
	type(p.m, "ab\177");
	expect_text(p.m, "ab^?");
}

CASE(echo_of_a_tab_erased)
{
	struct pty p = open_pair();

	type(p.m, "a\t\177b\n");
	expect_text(p.m, "a\t\b\b\b\b\b\b\bb\r\n");
	expect_text(p.s, "ab\n");
}

CASE(reprint)
{
	struct pty p = open_pair();

	type(p.m, "abc\22");
	expect_text(p.m, "abc^R\r\nabc");
}

CASE(end_of_file_is_not_echoed)
{
	struct pty p = open_pair();
	char c;

	type(p.m, "\4");
	EXPECT_EQ(read(p.s, &c, 1), 0);
	expect_nothing(p.m);
}

/* ---- flow control, flushing ---- */

CASE(stop_and_start_characters)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ECHO);
	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	type(p.m, "\23");
	sleep_ms(100);
	EXPECT_ERRNO(write(p.s, "x", 1), EAGAIN);
	{
		struct pollfd pf = {p.s, POLLOUT, 0};
		EXPECT_EQ(poll(&pf, 1, 50), 0);
		type(p.m, "\21");
		EXPECT_EQ(poll(&pf, 1, 5000), 1);
	}
	type(p.s, "x");
	expect_text(p.m, "x");
	expect_nothing(p.s); /* neither was input */
}

CASE(any_character_starts)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.s, &t));
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_iflag |= IXANY;
	OK(tcsetattr(p.s, TCSANOW, &t));
	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	type(p.m, "\23");
	sleep_ms(100);
	EXPECT_ERRNO(write(p.s, "x", 1), EAGAIN);
	type(p.m, "a");
	sleep_ms(100);
	type(p.s, "x");
	expect_text(p.m, "x");
}

CASE(without_ixon_they_are_input)
{
	struct pty p = open_pair();
	struct termios t;

	OK(tcgetattr(p.s, &t));
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_iflag &= ~(tcflag_t)IXON;
	OK(tcsetattr(p.s, TCSANOW, &t));
	type(p.m, "\23\21\n");
	expect_text(p.s, "\23\21\n");
}

CASE(tcflow)
{
	struct pty p = open_pair();

	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	OK(tcflow(p.s, TCOOFF));
	EXPECT_ERRNO(write(p.s, "x", 1), EAGAIN);
	OK(tcflow(p.s, TCOON));
	type(p.s, "x");
	expect_text(p.m, "x");
	OK(tcflow(p.s, TCIOFF));
	expect_text(p.m, "\23");
	OK(tcflow(p.s, TCION));
	expect_text(p.m, "\21");
	EXPECT_ERRNO(tcflow(p.s, 9), EINVAL);
}

CASE(tcflush_input)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ECHO);
	type(p.m, "old\nhalf");
	EXPECT(readable(p.s, 5000));
	sleep_ms(50);
	OK(tcflush(p.s, TCIFLUSH));
	expect_nothing(p.s);
	type(p.m, "new\n");
	expect_text(p.s, "new\n");
	OK(tcflush(p.s, TCIOFLUSH));
	EXPECT_ERRNO(tcflush(p.s, 9), EINVAL);
}

CASE(what_the_master_has_is_not_flushed)
{
	struct pty p = open_pair();

	type(p.s, "shown");
	EXPECT(readable(p.m, 5000));
	OK(tcflush(p.s, TCOFLUSH));
	expect_text(p.m, "shown");
}

CASE(a_full_screen_blocks_the_writer)
{
	struct pty p = open_pair();
	char buf[4096];
	size_t put = 0, taken = 0;
	struct pollfd pf = {p.s, POLLOUT, 0};

	memset(buf, 'x', sizeof(buf));
	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	for (;;) {
		ssize_t n = write(p.s, buf, sizeof(buf));
		if (n < 0)
			break;
		put += (size_t)n;
		EXPECT(put < 1 << 20);
	}
	EXPECT_EQ(errno, EAGAIN);
	EXPECT(put >= 4096);
	while (taken < put) {
		ssize_t n;
		EXPECT(readable(p.m, 5000));
		n = read(p.m, buf, sizeof(buf));
		EXPECT(n > 0);
		taken += (size_t)n;
	}
	EXPECT_EQ(taken, put);
	EXPECT_EQ(poll(&pf, 1, 5000), 1);
}

/* ---- window size ---- */

CASE(window_size)
{
	struct pty p = open_pair();
	struct winsize w = {24, 80, 640, 480}, r;

	OK(ioctl(p.s, TIOCGWINSZ, &r));
	EXPECT_EQ(r.ws_row + r.ws_col, 0);
	OK(ioctl(p.m, TIOCSWINSZ, &w));
	OK(ioctl(p.s, TIOCGWINSZ, &r));
	EXPECT(!memcmp(&w, &r, sizeof(w)));
	w.ws_row = 50;
	OK(ioctl(p.s, TIOCSWINSZ, &w));
	OK(ioctl(p.m, TIOCGWINSZ, &r));
	EXPECT_EQ(r.ws_row, 50);
}

static void winch_child(struct pty *p)
{
	catch (SIGWINCH);
	type(p->s, "R");
	wait_signal(SIGWINCH);
	type(p->s, "1");
	got[SIGWINCH] = 0;
	for (int i = 0; i < 500 && !readable(p->s, 10); i++)
		;
	EXPECT_EQ(got[SIGWINCH], 0); /* the same size again is no change */
	type(p->s, "2");
}

CASE(window_change_signals_the_foreground)
{
	struct pty p = open_pair();
	struct winsize w = {24, 80, 0, 0};
	pid_t pid = in_session(&p, winch_child);

	expect_text(p.m, "R");
	OK(ioctl(p.m, TIOCSWINSZ, &w));
	expect_text(p.m, "1");
	OK(ioctl(p.m, TIOCSWINSZ, &w));
	sleep_ms(100);
	type(p.m, "\n");
	expect_text(p.m, "\r\n2");
	expect_exit(pid, 0);
}

/* ---- the controlling terminal ---- */

static void has_terminal(struct pty *p)
{
	int fd = open("/dev/tty", O_RDWR), v = -1;

	EXPECT(fd >= 0);
	EXPECT_EQ(tcgetsid(p->s), getpid());
	EXPECT_EQ(tcgetpgrp(p->s), getpgrp());
	OK(ioctl(p->s, TIOCGSID, &v));
	EXPECT_EQ(v, getpid());
	type(fd, "via tty");
}

CASE(a_leader_acquires_by_opening)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, has_terminal);

	expect_text(p.m, "via tty");
	expect_exit(pid, 0);
}

CASE(noctty_does_not_acquire)
{
	struct pty p = open_pair();
	pid_t pid = fork();

	if (!pid) {
		int fd;
		OK(setsid());
		OK(fd = open(p.name, O_RDWR | O_NOCTTY));
		EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		EXPECT_ERRNO(tcgetpgrp(fd), ENOTTY);
		EXPECT_ERRNO(tcgetsid(fd), ENOTTY);
		OK(ioctl(fd, TIOCSCTTY, 0)); /* by hand */
		OK(open("/dev/tty", O_RDWR));
		OK(ioctl(fd, TIOCSCTTY, 0)); /* once more is fine */
		_exit(0);
	}
	expect_exit(pid, 0);
}

CASE(only_leaders_acquire)
{
	struct pty p = open_pair();
	pid_t pid = fork();

	if (!pid) {
		OK(setsid());
		if (!fork()) {
			int fd = open(p.name, O_RDWR);
			EXPECT(fd >= 0);
			EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
			EXPECT_ERRNO(ioctl(fd, TIOCSCTTY, 0), EPERM);
			_exit(0);
		}
		child_ends();
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void hold(struct pty *p)
{
	type(p->s, "H");
	for (;;)
		pause();
}

CASE(a_terminal_has_one_session)
{
	struct pty p = open_pair();
	pid_t first = in_session(&p, hold), second;

	expect_text(p.m, "H");
	second = fork();
	if (!second) {
		int fd;
		OK(setsid());
		OK(fd = open(p.name, O_RDWR));
		EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		EXPECT_ERRNO(ioctl(fd, TIOCSCTTY, 0), EPERM);
		OK(setresuid(65534, 65534, 65534));
		EXPECT_ERRNO(ioctl(fd, TIOCSCTTY, 1), EPERM); /* to steal it takes CAP_SYS_ADMIN */
		_exit(0);
	}
	expect_exit(second, 0);
	kill(first, SIGKILL);
	expect_signal(first, SIGKILL);
}

CASE(root_steals_a_terminal)
{
	struct pty p = open_pair();
	pid_t first = in_session(&p, hold), second;

	expect_text(p.m, "H");
	second = fork();
	if (!second) {
		int fd;
		OK(setsid());
		OK(fd = open(p.name, O_RDWR));
		OK(ioctl(fd, TIOCSCTTY, 1));
		EXPECT_EQ(tcgetsid(fd), getpid());
		_exit(0);
	}
	expect_exit(second, 0);
	kill(first, SIGKILL);
	expect_signal(first, SIGKILL);
}

static void gives_up(struct pty *p)
{
	catch (SIGHUP);
	catch (SIGCONT);
	OK(ioctl(p->s, TIOCNOTTY));
	wait_signal(SIGHUP); /* the foreground group, which is ours */
	wait_signal(SIGCONT);
	EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	EXPECT_ERRNO(ioctl(p->s, TIOCNOTTY), ENOTTY);
	OK(ioctl(p->s, TIOCSCTTY, 0)); /* and takes it again */
	type(p->s, "again");
}

CASE(giving_the_terminal_up)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, gives_up);

	expect_text(p.m, "again");
	expect_exit(pid, 0);
}

static void setsid_child(struct pty *p)
{
	if (!fork()) {
		OK(open("/dev/tty", O_RDWR));
		OK(setsid());
		EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
		EXPECT_ERRNO(tcgetpgrp(p->s), ENOTTY);
		_exit(0);
	}
	child_ends();
	OK(open("/dev/tty", O_RDWR)); /* the leader keeps it */
}

CASE(a_new_session_has_no_terminal)
{
	struct pty p = open_pair();

	expect_exit(in_session(&p, setsid_child), 0);
}

CASE(the_leaders_end_hangs_up_the_foreground)
{
	struct pty p = open_pair();
	pid_t leader = fork();

	if (!leader) {
		OK(setsid());
		OK(p.s = open(p.name, O_RDWR));
		if (!fork()) {
			catch (SIGHUP);
			type(p.s, "F");
			wait_signal(SIGHUP);
			EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
			type(p.s, "hup");
			_exit(0);
		}
		expect_nothing(p.s);
		pause();
	}
	expect_text(p.m, "F");
	OK(kill(leader, SIGKILL));
	expect_signal(leader, SIGKILL);
	expect_text(p.m, "hup");
}

static void hangup_child(struct pty *p)
{
	char c;
	struct pollfd pf = {p->s, POLLIN | POLLOUT, 0};
	int report = open("report", O_WRONLY | O_CREAT | O_APPEND, 0644);

	catch (SIGHUP);
	catch (SIGCONT);
	type(p->s, "R");
	wait_signal(SIGHUP);
	wait_signal(SIGCONT);
	EXPECT_EQ(read(p->s, &c, 1), 0);
	EXPECT_ERRNO(write(p->s, "x", 1), EIO);
	EXPECT_ERRNO(ioctl(p->s, TIOCGWINSZ, &c), EIO);
	EXPECT_EQ(poll(&pf, 1, 0), 1);
	EXPECT(pf.revents & POLLHUP);
	EXPECT(pf.revents & POLLIN);
	EXPECT_ERRNO(open(p->name, O_RDWR), ENOENT);
	EXPECT_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	type(report, "ok");
}

CASE(closing_the_master_hangs_up)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, hangup_child);

	expect_text(p.m, "R");
	close(p.s);
	close(p.m);
	expect_exit(pid, 0);
	expect_text(open("report", O_RDONLY), "ok");
}

CASE(input_is_lost_at_a_hangup)
{
	struct pty p = open_pair();
	char buf[8];

	type(p.m, "line\n");
	EXPECT(readable(p.s, 5000));
	close(p.m);
	EXPECT_EQ(read(p.s, buf, 8), 0);
}

CASE(closing_the_slave)
{
	struct pty p = open_pair();
	struct pollfd pf = {p.m, POLLIN, 0};
	char buf[16];

	type(p.s, "last");
	close(p.s);
	expect_text(p.m, "last"); /* what was written is still read */
	EXPECT_ERRNO(read(p.m, buf, 16), EIO);
	EXPECT_EQ(poll(&pf, 1, 0), 1);
	EXPECT(pf.revents & POLLHUP);
	p.s = open(p.name, O_RDWR | O_NOCTTY); /* it can be opened again */
	EXPECT(p.s >= 0);
	pf.revents = 0;
	EXPECT_EQ(poll(&pf, 1, 50), 0);
	type(p.s, "back");
	expect_text(p.m, "back");
}

CASE(a_master_whose_slave_was_never_open_waits)
{
	int m = open_master();
	struct pollfd pf = {m, POLLIN, 0};
	char c;

	EXPECT_EQ(poll(&pf, 1, 50), 0);
	OK(fcntl(m, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(read(m, &c, 1), EAGAIN);
}

/* ---- signals from the keyboard ---- */

static void keyboard_child(struct pty *p)
{
	catch (SIGINT);
	catch (SIGQUIT);
	type(p->s, "R");
	wait_signal(SIGINT);
	type(p->s, "i");
	wait_signal(SIGQUIT);
	type(p->s, "q");
	got[SIGTSTP] = 0;
	catch (SIGTSTP); /* a session's leader is an orphan: only a handler shows it */
	type(p->s, "S");
	wait_signal(SIGTSTP);
	type(p->s, "t");
}

CASE(control_characters_send_signals)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, keyboard_child);

	expect_text(p.m, "R");
	local_flags(p.m, 0, ECHO);
	type(p.m, "\3");
	expect_text(p.m, "i");
	type(p.m, "\34");
	expect_text(p.m, "qS");
	type(p.m, "\32");
	expect_text(p.m, "t");
	expect_exit(pid, 0);
}

static void waits(struct pty *p)
{
	type(p->s, "J");
	for (;;)
		pause();
}

static void susp_shell(struct pty *p);

CASE(the_suspend_character_stops_the_job)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, susp_shell);

	expect_text(p.m, "J");
	local_flags(p.m, 0, ECHO);
	type(p.m, "\32");
	expect_text(p.m, "stopped");
	type(p.m, "\3"); /* the job is in the foreground again */
	expect_exit(pid, 0);
}

static void intr_flush_child(struct pty *p)
{
	char buf[16];

	catch (SIGINT);
	type(p->s, "R");
	wait_signal(SIGINT);
	expect_text(p->s, "new\n"); /* what was typed before is gone */
	local_flags(p->s, NOFLSH, 0);
	got[SIGINT] = 0;
	type(p->s, "S");
	wait_signal(SIGINT);
	EXPECT_EQ(read(p->s, buf, 16), 10);
	EXPECT(!memcmp(buf, "kept more\n", 10));
}

CASE(an_interrupt_forgets_what_was_typed)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, intr_flush_child);

	expect_text(p.m, "R");
	local_flags(p.m, 0, ECHO);
	type(p.m, "old\nhalf\3");
	sleep_ms(50);
	type(p.m, "new\n");
	expect_text(p.m, "S");
	type(p.m, "kept \3more\n");
	expect_exit(pid, 0);
}

/* Output that the master has not read yet survives an interrupt. */
static void intr_output_child(struct pty *p)
{
	catch (SIGINT);
	type(p->s, "before");
	wait_signal(SIGINT);
	type(p->s, "after");
}

CASE(an_interrupt_keeps_what_is_on_the_screen)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, intr_output_child);

	EXPECT(readable(p.m, 5000));
	sleep_ms(50);
	type(p.m, "\3");
	expect_exit(pid, 0);
	expect_text(p.m, "before^Cafter");
}

CASE(without_isig_they_are_input)
{
	struct pty p = open_pair();

	local_flags(p.s, 0, ISIG | ECHO);
	type(p.m, "\3\34\32\n");
	expect_text(p.s, "\3\34\32\n");
}

/* ---- job control ---- */

/* A job of its own process group in the session. */
static pid_t job(struct pty *p, void (*fn)(struct pty *))
{
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		fn(p);
		_exit(0);
	}
	setpgid(pid, pid);
	return pid;
}

static void susp_shell(struct pty *p)
{
	pid_t pid;

	signal(SIGTTOU, SIG_IGN);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		OK(tcsetpgrp(p->s, getpgrp()));
		signal(SIGTTOU, SIG_DFL);
		waits(p);
	}
	wait_stopped(pid, SIGTSTP);
	type(p->s, "stopped");
	OK(kill(-pid, SIGCONT));
	expect_signal(pid, SIGINT);
}

static void reads(struct pty *p)
{
	char c = 0;

	EXPECT_EQ(read(p->s, &c, 1), 1);
	EXPECT_EQ(c, 'x');
}

static void background_read(struct pty *p)
{
	pid_t pid = job(p, reads);

	wait_stopped(pid, SIGTTIN);
	OK(tcsetpgrp(p->s, pid)); /* fg */
	OK(kill(-pid, SIGCONT));
	type(p->s, "F");
	expect_exit(pid, 0);
}

CASE(a_background_read_stops_the_job)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, background_read);

	local_flags(p.m, 0, ECHO);
	expect_text(p.m, "F");
	type(p.m, "x\n");
	expect_exit(pid, 0);
}

static void reads_ignoring(struct pty *p)
{
	char c;

	signal(SIGTTIN, SIG_IGN);
	EXPECT_ERRNO(read(p->s, &c, 1), EIO);
	signal(SIGTTIN, SIG_DFL);
	{
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGTTIN);
		sigprocmask(SIG_BLOCK, &set, NULL);
		EXPECT_ERRNO(read(p->s, &c, 1), EIO);
	}
}

static void background_read_ignored(struct pty *p)
{
	expect_exit(job(p, reads_ignoring), 0);
}

CASE(a_background_read_that_ignores_fails)
{
	struct pty p = open_pair();

	expect_exit(in_session(&p, background_read_ignored), 0);
}

static void writes(struct pty *p)
{
	type(p->s, "bg");
}

static void background_write(struct pty *p)
{
	pid_t pid;

	expect_exit(job(p, writes), 0); /* without TOSTOP it may */
	local_flags(p->s, TOSTOP, 0);
	pid = job(p, writes);
	wait_stopped(pid, SIGTTOU);
	OK(tcsetpgrp(p->s, pid));
	OK(kill(-pid, SIGCONT));
	expect_exit(pid, 0);
}

CASE(a_background_write_stops_the_job_with_tostop)
{
	struct pty p = open_pair();
	pid_t pid = in_session(&p, background_write);

	expect_text(p.m, "bgbg");
	expect_exit(pid, 0);
}

static void changes(struct pty *p)
{
	local_flags(p->s, 0, ECHO);
}

static void flushes(struct pty *p)
{
	OK(tcflush(p->s, TCIFLUSH));
}

static void takes_the_terminal(struct pty *p)
{
	OK(tcsetpgrp(p->s, getpgrp()));
}

static void background_changes(struct pty *p)
{
	void (*const what[])(struct pty *) = {changes, flushes, takes_the_terminal};

	for (int i = 0; i < 3; i++) {
		pid_t pid = job(p, what[i]);
		wait_stopped(pid, SIGTTOU);
		OK(kill(pid, SIGKILL));
		expect_signal(pid, SIGKILL);
	}
}

CASE(a_background_change_stops_the_job)
{
	struct pty p = open_pair();

	expect_exit(in_session(&p, background_changes), 0);
}

static void takes_blocked(struct pty *p)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTTOU);
	sigprocmask(SIG_BLOCK, &set, NULL);
	OK(tcsetpgrp(p->s, getpgrp()));
	EXPECT_EQ(tcgetpgrp(p->s), getpgrp());
}

static void shell_like(struct pty *p)
{
	expect_exit(job(p, takes_blocked), 0);
	EXPECT(tcgetpgrp(p->s) != getpgrp());
	signal(SIGTTOU, SIG_IGN);
	OK(tcsetpgrp(p->s, getpgrp())); /* its own terminal back */
}

CASE(a_job_that_blocks_ttou_takes_the_terminal)
{
	struct pty p = open_pair();

	expect_exit(in_session(&p, shell_like), 0);
}

static void foreground_errors(struct pty *p)
{
	pid_t other = fork();

	if (!other) {
		setsid();
		pause();
	}
	sleep_ms(100);
	EXPECT_ERRNO(tcsetpgrp(p->s, other), EPERM); /* a group of another session */
	EXPECT_ERRNO(tcsetpgrp(p->s, 4000000), ESRCH);
	EXPECT_ERRNO(tcsetpgrp(p->s, -1), EINVAL);
	EXPECT_ERRNO(ioctl(p->s, TIOCSPGRP, 1), EFAULT);
	kill(other, SIGKILL);
	expect_signal(other, SIGKILL);
}

CASE(tcsetpgrp_refuses)
{
	struct pty p = open_pair(), q = open_pair();
	pid_t pid = in_session(&p, foreground_errors);

	expect_exit(pid, 0);
	EXPECT_ERRNO(tcsetpgrp(q.s, getpgrp()), ENOTTY); /* not our terminal */
}

CASE(an_orphaned_group_cannot_be_stopped_by_its_terminal)
{
	struct pty p = open_pair();
	pid_t leader = fork();

	if (!leader) {
		pid_t child;
		OK(setsid());
		OK(p.s = open(p.name, O_RDWR));
		child = fork();
		if (!child) { /* the middle one makes a group and dies: the group is orphaned */
			setpgid(0, 0);
			if (!fork()) {
				char c;
				int st = open("report", O_WRONLY | O_CREAT, 0644);
				while (getppid() != 1 && getppid() == child)
					;
				sleep_ms(200);
				EXPECT_ERRNO(read(p.s, &c, 1), EIO);
				EXPECT_ERRNO(tcsetpgrp(p.s, getpgrp()), ENOTTY);
				EXPECT_ERRNO(tcflush(p.s, TCIFLUSH), EIO);
				OK(raise(SIGTSTP)); /* does nothing either */
				type(st, "ok");
				_exit(0);
			}
			_exit(0);
		}
		expect_exit(child, 0);
		for (int i = 0; i < 500; i++) {
			struct stat st;
			if (!stat("report", &st) && st.st_size == 2)
				_exit(0);
			sleep_ms(10);
		}
		_exit(1);
	}
	expect_exit(leader, 0);
}

static void orphaned_stopped(struct pty *p)
{
	pid_t stopped;
	int st;

	setpgid(0, 0);
	stopped = fork();
	if (!stopped) {
		int report = open("report", O_WRONLY | O_CREAT, 0644);
		catch (SIGHUP);
		raise(SIGSTOP);
		for (int i = 0; i < 500 && !got[SIGHUP]; i++)
			sleep_ms(10);
		type(report, got[SIGHUP] ? "hup" : "no");
		_exit(0);
	}
	EXPECT_EQ(waitpid(stopped, &st, WUNTRACED), stopped);
	EXPECT(WIFSTOPPED(st));
	/* and leaves it: the group is orphaned with a stopped member */
}

static void orphans(struct pty *p)
{
	expect_exit(job(p, orphaned_stopped), 0);
	for (int i = 0; i < 500; i++) {
		struct stat st;
		if (!stat("report", &st) && st.st_size)
			break;
		sleep_ms(10);
	}
	expect_text(open("report", O_RDONLY), "hup");
}

CASE(a_group_orphaned_while_stopped_is_continued)
{
	struct pty p = open_pair();

	expect_exit(in_session(&p, orphans), 0);
}

/* ---- what is refused, packet mode ---- */

static void sti_unprivileged(struct pty *p)
{
	char c = 'x';

	OK(setresuid(65534, 65534, 65534));
	EXPECT_ERRNO(ioctl(p->s, TIOCSTI, &c), EIO);
	expect_nothing(p->s);
}

CASE(typing_for_others_is_refused)
{
	struct pty p = open_pair();
	int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY);
	char c = '0';

	if (fd >= 0)
		EXPECT_EQ(read(fd, &c, 1), 1);
	if (c != '0')
		case_skip("dev.tty.legacy_tiocsti is on");
	expect_exit(in_session(&p, sti_unprivileged), 0);
}

static void expect_packet(int fd, int status)
{
	unsigned char buf[64];

	EXPECT(readable(fd, 5000));
	EXPECT_EQ(read(fd, buf, sizeof(buf)), 1);
	EXPECT_EQ(buf[0], status);
}

CASE(packet_mode_data)
{
	struct pty p = open_pair();
	int on = 1, v = -1;
	char buf[64];

	OK(ioctl(p.m, TIOCGPKT, &v));
	EXPECT_EQ(v, 0);
	OK(ioctl(p.m, TIOCPKT, &on));
	OK(ioctl(p.m, TIOCGPKT, &v));
	EXPECT_EQ(v, 1);
	type(p.s, "abc");
	EXPECT(readable(p.m, 5000));
	EXPECT_EQ(read(p.m, buf, sizeof(buf)), 4);
	EXPECT(!memcmp(buf, "\0abc", 4));
	on = 0;
	OK(ioctl(p.m, TIOCPKT, &on));
	type(p.s, "abc");
	expect_text(p.m, "abc");
	EXPECT_ERRNO(ioctl(p.s, TIOCPKT, &on), ENOTTY);
}

CASE(packet_mode_status)
{
	struct pty p = open_pair();
	struct pollfd pf = {p.m, POLLIN | POLLPRI, 0};
	struct termios t;
	int on = 1;

	OK(ioctl(p.m, TIOCPKT, &on));
	EXPECT_EQ(poll(&pf, 1, 50), 0);
	OK(tcflush(p.s, TCIFLUSH));
	EXPECT_EQ(poll(&pf, 1, 5000), 1);
	EXPECT(pf.revents & POLLPRI);
	EXPECT(pf.revents & POLLIN);
	expect_packet(p.m, TIOCPKT_FLUSHREAD);
	EXPECT_EQ(poll(&pf, 1, 50), 0);
	OK(tcflow(p.s, TCOOFF));
	expect_packet(p.m, TIOCPKT_STOP);
	OK(tcflow(p.s, TCOON));
	expect_packet(p.m, TIOCPKT_START);
	OK(tcgetattr(p.s, &t));
	t.c_iflag &= ~(tcflag_t)IXON;
	OK(tcsetattr(p.s, TCSANOW, &t));
	expect_packet(p.m, TIOCPKT_NOSTOP);
	t.c_iflag |= IXON;
	OK(tcsetattr(p.s, TCSANOW, &t));
	expect_packet(p.m, TIOCPKT_DOSTOP);
	t.c_lflag |= EXTPROC;
	OK(tcsetattr(p.s, TCSANOW, &t));
	expect_packet(p.m, TIOCPKT_IOCTL);
}
