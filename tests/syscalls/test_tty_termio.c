/*
 * test_tty_termio.c - the settings of a terminal in System V's struct termio: TCGETA, TCSETA, TCSETAW,
 * TCSETAF (ioctl_tty(2)).
 */
#include "tty.h"

struct termio_ { /* <asm/termios.h> does not go with <termios.h> */
	unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
	unsigned char c_line, c_cc[8];
};

CASE(termio_has_the_low_halves)
{
	struct pty p = open_pair();
	struct termios t;
	struct termio_ old;

	OK(tcgetattr(p.s, &t));
	OK(ioctl(p.s, 0x5405, &old));
	EXPECT_EQ(old.c_iflag, t.c_iflag & 0xffff);
	EXPECT_EQ(old.c_oflag, t.c_oflag & 0xffff);
	EXPECT_EQ(old.c_cflag, t.c_cflag & 0xffff);
	EXPECT_EQ(old.c_lflag, t.c_lflag & 0xffff);
	EXPECT(!memcmp(old.c_cc, t.c_cc, sizeof(old.c_cc)));
}
CASE(termio_is_set)
{
	for (unsigned cmd = 0x5406; cmd <= 0x5408; cmd++) {
		struct pty p = open_pair();
		struct termios t;
		struct termio_ old;

		OK(ioctl(p.s, 0x5405, &old));
		old.c_lflag &= (unsigned short)~(ICANON | ECHO);
		old.c_cc[VINTR] = 7;
		OK(ioctl(p.s, cmd, &old));
		OK(tcgetattr(p.s, &t));
		EXPECT(!(t.c_lflag & (ICANON | ECHO)));
		EXPECT_EQ(t.c_cc[VINTR], 7);
		EXPECT(t.c_lflag & ISIG);
	}
}
CASE(tcsetaf_forgets_what_was_typed)
{
	struct pty p = open_pair();
	struct termio_ old;
	char c;

	OK(ioctl(p.s, 0x5405, &old));
	old.c_lflag &= (unsigned short)~(ICANON | ECHO);
	OK(ioctl(p.s, 0x5406, &old));
	EXPECT_EQ(write(p.m, "typed", 5), 5);
	for (int n = 0; n < 5; sleep_ms(1)) /* Linux brings it over in its own time */
		OK(ioctl(p.s, FIONREAD, &n));
	OK(ioctl(p.s, 0x5408, &old));
	OK(fcntl(p.s, F_SETFL, O_NONBLOCK));
	EXPECT_ERRNO(read(p.s, &c, 1), EAGAIN);
}
CASE(termio_bad_address)
{
	struct pty p = open_pair();

	EXPECT_ERRNO(ioctl(p.s, 0x5405, (void *)8), EFAULT);
	EXPECT_ERRNO(ioctl(p.s, 0x5406, (void *)8), EFAULT);
}
CASE(termio_of_no_terminal)
{
	struct termio_ old;

	EXPECT_ERRNO(ioctl(make_file("f", ""), 0x5405, &old), ENOTTY);
}

/* ---- settings that are locked (TIOCSLCKTRMIOS) ---- */

CASE(locked_settings_stay)
{
	struct pty p = open_pair();
	struct termios t;
	struct {
		unsigned iflag, oflag, cflag, lflag;
		unsigned char line, cc[19];
	} lock, back;

	OK(ioctl(p.s, 0x5456, &lock));
	EXPECT_EQ(lock.lflag, 0);
	lock.lflag = ECHO;
	lock.cc[VINTR] = 1;
	if (geteuid()) {
		EXPECT_ERRNO(ioctl(p.s, 0x5457, &lock), EPERM);
		return;
	}
	OK(ioctl(p.s, 0x5457, &lock));
	OK(ioctl(p.s, 0x5456, &back));
	EXPECT_EQ(back.lflag, ECHO);
	OK(tcgetattr(p.s, &t));
	EXPECT(t.c_lflag & ECHO);
	t.c_lflag &= ~(tcflag_t)(ECHO | ICANON);
	t.c_cc[VINTR] = 7;
	t.c_cc[VQUIT] = 8;
	OK(ioctl(p.s, 0x5402, &t));
	OK(tcgetattr(p.s, &t));
	EXPECT(t.c_lflag & ECHO);
	EXPECT(!(t.c_lflag & ICANON));
	EXPECT_EQ(t.c_cc[VINTR], 3);
	EXPECT_EQ(t.c_cc[VQUIT], 8);
	EXPECT_ERRNO(ioctl(p.s, 0x5457, (void *)8), EFAULT);
}
CASE(locking_needs_privilege)
{
	struct pty p = open_pair();
	char lock[64] = {0};

	if (!geteuid())
		OK(setresuid(65534, 65534, 65534));
	EXPECT_ERRNO(ioctl(p.s, 0x5457, lock), EPERM);
}
