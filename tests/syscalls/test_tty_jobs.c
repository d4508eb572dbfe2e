/* test_tty_jobs.c - window size, the controlling terminal, keyboard signals, job control, packet mode. See
 * tty_ioctl(4), credentials(7). */
#include "tty.h"

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
