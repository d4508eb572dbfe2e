/* test_tty.c - pseudo terminals and the line discipline: opening, termios, input, output, flow control.
 * pty(7), termios(3). */
#include "tty.h"

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
