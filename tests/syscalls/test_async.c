/* Signals for ready files: fcntl(2) O_ASYNC, F_SETOWN, F_SETOWN_EX, F_SETSIG; and pipes of packets, pipe2(2).
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "case.h"

static sigset_t waited;

static void block(int sig)
{
	sigemptyset(&waited);
	sigaddset(&waited, sig);
	OK(sigprocmask(SIG_BLOCK, &waited, NULL));
}

/* The signal's number if it comes; 0 if none is there. */
static int got(siginfo_t *si, int ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};
	int sig = sigtimedwait(&waited, si, &ts);

	return sig < 0 ? 0 : sig;
}

static void arm(int fd)
{
	OK(fcntl(fd, F_SETOWN, getpid()));
	OK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
	EXPECT(fcntl(fd, F_GETFL) & O_ASYNC);
}

CASE(input_in_a_pipe_is_told)
{
	siginfo_t si;
	int p[2];

	block(SIGIO);
	OK(pipe(p));
	arm(p[0]);
	EXPECT_EQ(got(&si, 0), 0);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(got(&si, 2000), SIGIO);
	EXPECT_EQ(write(p[1], "y", 1), 1);
	EXPECT_EQ(got(&si, 2000), SIGIO);
	OK(fcntl(p[0], F_SETFL, 0));
	EXPECT_EQ(write(p[1], "z", 1), 1);
	EXPECT_EQ(got(&si, 20), 0);
}

CASE(a_chosen_signal_says_which_file)
{
	int p[2], rt = SIGRTMIN + 3;
	siginfo_t si;

	block(rt);
	OK(pipe(p));
	OK(fcntl(p[0], F_SETSIG, rt));
	EXPECT_EQ(fcntl(p[0], F_GETSIG), rt);
	arm(p[0]);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(got(&si, 2000), rt);
	EXPECT_EQ(si.si_code, POLL_IN);
	EXPECT_EQ(si.si_fd, p[0]);
	EXPECT_EQ(si.si_band, POLLIN | POLLRDNORM);
}

CASE(without_an_owner_nobody_is_told)
{
	siginfo_t si;
	int p[2];

	block(SIGIO);
	OK(pipe(p));
	EXPECT_EQ(fcntl(p[0], F_GETOWN), 0);
	OK(fcntl(p[0], F_SETFL, O_ASYNC));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(got(&si, 20), 0);
}

CASE(the_other_end_closes)
{
	siginfo_t si;
	int p[2];

	block(SIGIO);
	OK(pipe(p));
	arm(p[0]);
	close(p[1]);
	EXPECT_EQ(got(&si, 2000), SIGIO);
}

CASE(sockets_tell_too)
{
	siginfo_t si;
	int s[2];

	block(SIGIO);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	arm(s[0]);
	EXPECT_EQ(write(s[1], "x", 1), 1);
	EXPECT_EQ(got(&si, 2000), SIGIO);
}

CASE(terminals_tell_too)
{
	int master, slave;
	siginfo_t si;

	block(SIGIO);
	OK(openpty(&master, &slave, NULL, NULL, NULL));
	arm(slave);
	EXPECT_EQ(write(master, "x\n", 2), 2);
	EXPECT_EQ(got(&si, 2000), SIGIO);
}

CASE(by_ioctl)
{
	int p[2], on = 1, off = 0;
	siginfo_t si;

	block(SIGIO);
	OK(pipe(p));
	OK(fcntl(p[0], F_SETOWN, getpid()));
	OK(ioctl(p[0], FIOASYNC, &on));
	EXPECT(fcntl(p[0], F_GETFL) & O_ASYNC);
	EXPECT_EQ(write(p[1], "x", 1), 1);
	EXPECT_EQ(got(&si, 2000), SIGIO);
	OK(ioctl(p[0], FIOASYNC, &off));
	EXPECT(!(fcntl(p[0], F_GETFL) & O_ASYNC));
	EXPECT_ERRNO(ioctl(p[0], FIOASYNC, (void *)8), EFAULT);
}

CASE(another_process_can_be_the_owner)
{
	siginfo_t si;
	int p[2], ready[2];
	char c;
	pid_t pid;

	block(SIGIO);
	OK(pipe(p));
	OK(pipe(ready));
	pid = fork();
	if (!pid)
		_exit(write(ready[1], "r", 1) == 1 && got(&si, 5000) == SIGIO ? 0 : 1);
	EXPECT_EQ(read(ready[0], &c, 1), 1);
	OK(fcntl(p[0], F_SETOWN, pid));
	OK(fcntl(p[0], F_SETFL, O_ASYNC));
	EXPECT_EQ(write(p[1], "x", 1), 1);
	expect_exit(pid, 0);
	EXPECT_EQ(got(&si, 0), 0);
}

CASE(regular_files_never_tell)
{
	int fd = make_file("f", "");

	OK(fcntl(fd, F_SETFL, O_ASYNC | O_APPEND));
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ASYNC | O_APPEND), O_APPEND);
}

CASE(owners)
{
	struct f_owner_ex ex = {F_OWNER_PID, 0};
	int p[2];

	OK(pipe(p));
	OK(setpgid(0, 0));
	OK(fcntl(p[0], F_SETOWN, -getpid()));
	OK(fcntl(p[0], F_GETOWN_EX, &ex));
	EXPECT_EQ(ex.type, F_OWNER_PGRP);
	EXPECT_EQ(ex.pid, getpid());
	ex = (struct f_owner_ex){F_OWNER_TID, gettid()};
	OK(fcntl(p[0], F_SETOWN_EX, &ex));
	EXPECT_EQ(fcntl(p[0], F_GETOWN), gettid());
	OK(fcntl(p[0], F_GETOWN_EX, &ex));
	EXPECT_EQ(ex.type, F_OWNER_TID);
	ex.type = 3;
	EXPECT_ERRNO(fcntl(p[0], F_SETOWN_EX, &ex), EINVAL);
	ex = (struct f_owner_ex){F_OWNER_PID, 99999999};
	EXPECT_ERRNO(fcntl(p[0], F_SETOWN_EX, &ex), ESRCH);
	EXPECT_ERRNO(fcntl(p[0], F_SETOWN_EX, (void *)8), EFAULT);
	EXPECT_ERRNO(fcntl(p[0], F_SETOWN, 99999999), ESRCH);
	EXPECT_ERRNO(fcntl(p[0], F_SETSIG, 65), EINVAL);
	OK(fcntl(p[0], F_SETOWN, 0));
	EXPECT_EQ(fcntl(p[0], F_GETOWN), 0);
}

/* ---- packets ---- */

CASE(a_read_takes_one_packet)
{
	char buf[100] = "";
	int p[2];

	OK(pipe2(p, O_DIRECT));
	EXPECT(fcntl(p[1], F_GETFL) & O_DIRECT);
	EXPECT_EQ(write(p[1], "first", 5), 5);
	EXPECT_EQ(write(p[1], "second", 6), 6);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 5);
	EXPECT(!memcmp(buf, "first", 5));
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 6);
	EXPECT(!memcmp(buf, "second", 6));
}

CASE(what_has_no_room_is_dropped)
{
	char buf[100];
	int p[2];

	OK(pipe2(p, O_DIRECT));
	EXPECT_EQ(write(p[1], "0123456789", 10), 10);
	EXPECT_EQ(write(p[1], "abc", 3), 3);
	EXPECT_EQ(read(p[0], buf, 4), 4);
	EXPECT_EQ(read(p[0], buf, 100), 3);
	EXPECT(!memcmp(buf, "abc", 3));
}

CASE(a_long_write_is_several_packets)
{
	static char buf[10000];
	int p[2];

	OK(pipe2(p, O_DIRECT));
	EXPECT_EQ(write(p[1], buf, 9000), 9000);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 4096);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 4096);
	EXPECT_EQ(read(p[0], buf, sizeof(buf)), 808);
}

CASE(packets_can_be_switched_on_later)
{
	char buf[100];
	int p[2];

	OK(pipe(p));
	OK(fcntl(p[1], F_SETFL, O_DIRECT));
	EXPECT_EQ(write(p[1], "one", 3), 3);
	EXPECT_EQ(write(p[1], "two", 3), 3);
	EXPECT_EQ(read(p[0], buf, 100), 3);
	OK(fcntl(p[1], F_SETFL, 0));
	EXPECT_EQ(write(p[1], "str", 3), 3);
	EXPECT_EQ(write(p[1], "eam", 3), 3);
	EXPECT_EQ(read(p[0], buf, 100), 3);
	EXPECT_EQ(read(p[0], buf, 100), 6);
	EXPECT(!memcmp(buf, "stream", 6));
}

CASE(packets_survive_another_size)
{
	char buf[100];
	int p[2];

	OK(pipe2(p, O_DIRECT));
	EXPECT_EQ(write(p[1], "zero", 4), 4);
	EXPECT_EQ(read(p[0], buf, 100), 4);
	EXPECT_EQ(write(p[1], "one", 3), 3);
	EXPECT_EQ(write(p[1], "three", 5), 5);
	OK(fcntl(p[1], F_SETPIPE_SZ, 1 << 17));
	EXPECT_EQ(read(p[0], buf, 2), 2);
	EXPECT_EQ(read(p[0], buf, 100), 5);
	EXPECT(!memcmp(buf, "three", 5));
	EXPECT_ERRNO(pipe2(p, O_DIRECT | O_APPEND), EINVAL);
}
