/*
 * test_msg.c - System V messages: msgget(2), msgsnd(2), msgrcv(2), msgctl(2), in an IPC namespace of the
 * case's own.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>

#include "case.h"

struct message {
	long type;
	char text[8192];
};

static int queue(void)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = msgget(IPC_PRIVATE, 0600);
	OK(id);
	return id;
}

static int put(int id, long type, const char *text)
{
	struct message m = {.type = type};

	strcpy(m.text, text);
	return msgsnd(id, &m, strlen(text) + 1, IPC_NOWAIT);
}

/* The message's text, in a static place; its type must be `type`. */
static const char *take(int id, long filter, int flags, long type)
{
	static struct message m;

	OK(msgrcv(id, &m, sizeof(m.text), filter, flags | IPC_NOWAIT));
	EXPECT_EQ(m.type, type);
	return m.text;
}

static void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

static void set_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static struct msqid_ds state(int id)
{
	struct msqid_ds d;

	OK(msgctl(id, IPC_STAT, &d));
	return d;
}

/* Waits until the process sleeps. */
static void await_sleep(pid_t pid)
{
	char path[40], line[300], *p;
	int fd, quiet = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	while (quiet < 5) {
		ssize_t n;
		fd = open(path, O_RDONLY);
		n = read(fd, line, sizeof(line) - 1);
		close(fd);
		EXPECT(n > 0);
		line[n] = 0;
		p = strrchr(line, ')');
		quiet = p && p[2] == 'S' ? quiet + 1 : 0;
		sleep_ms(10);
	}
}

/* ---- msgget ---- */

CASE(a_key_finds_the_queue)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	EXPECT_ERRNO(msgget(9, 0), ENOENT);
	id = msgget(9, IPC_CREAT | 0600);
	OK(id);
	EXPECT_EQ(msgget(9, 0), id);
	EXPECT_ERRNO(msgget(9, IPC_CREAT | IPC_EXCL), EEXIST);
	become_nobody();
	EXPECT_ERRNO(msgget(9, 0200), EACCES);
}

CASE(count_limit)
{
	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/kernel/msgmni", "2");
	OK(msgget(IPC_PRIVATE, 0600));
	OK(msgget(IPC_PRIVATE, 0600));
	EXPECT_ERRNO(msgget(IPC_PRIVATE, 0600), ENOSPC);
}

/* ---- sending and receiving ---- */

CASE(messages_come_in_order)
{
	int id = queue();

	OK(put(id, 1, "one"));
	OK(put(id, 2, "two"));
	OK(put(id, 1, "three"));
	EXPECT_STR(take(id, 0, 0, 1), "one");
	EXPECT_STR(take(id, 0, 0, 2), "two");
	EXPECT_STR(take(id, 0, 0, 1), "three");
	EXPECT_ERRNO(msgrcv(id, &(struct message){0}, 10, 0, IPC_NOWAIT), ENOMSG);
}

CASE(a_type_is_picked_out)
{
	int id = queue();

	OK(put(id, 1, "one"));
	OK(put(id, 5, "five"));
	EXPECT_STR(take(id, 5, 0, 5), "five");
	EXPECT_ERRNO(msgrcv(id, &(struct message){0}, 10, 5, IPC_NOWAIT), ENOMSG);
	EXPECT_STR(take(id, 1, 0, 1), "one");
}

CASE(a_negative_type_takes_the_lowest)
{
	int id = queue();

	OK(put(id, 7, "seven"));
	OK(put(id, 3, "three"));
	OK(put(id, 5, "five"));
	OK(put(id, 3, "three again"));
	EXPECT_STR(take(id, -6, 0, 3), "three");
	EXPECT_STR(take(id, -6, 0, 3), "three again");
	EXPECT_STR(take(id, -6, 0, 5), "five");
	EXPECT_ERRNO(msgrcv(id, &(struct message){0}, 10, -6, IPC_NOWAIT), ENOMSG);
	EXPECT_STR(take(id, LONG_MIN, 0, 7), "seven");
}

CASE(except_takes_another)
{
	int id = queue();

	OK(put(id, 1, "one"));
	OK(put(id, 2, "two"));
	EXPECT_STR(take(id, 1, MSG_EXCEPT, 2), "two");
	EXPECT_ERRNO(msgrcv(id, &(struct message){0}, 10, 1, IPC_NOWAIT | MSG_EXCEPT), ENOMSG);
}

CASE(too_long_for_the_buffer)
{
	int id = queue();
	struct message m;

	OK(put(id, 1, "0123456789"));
	EXPECT_ERRNO(msgrcv(id, &m, 4, 0, IPC_NOWAIT), E2BIG);
	memset(&m, 'x', sizeof(m));
	EXPECT_EQ(msgrcv(id, &m, 4, 0, IPC_NOWAIT | MSG_NOERROR), 4);
	EXPECT(!memcmp(m.text, "0123xxxx", 8));
	EXPECT_EQ(state(id).msg_qnum, 0);
}

CASE(an_empty_message)
{
	int id = queue();
	struct message m = {.type = 3};

	OK(msgsnd(id, &m, 0, 0));
	EXPECT_EQ(msgrcv(id, &m, 0, 0, 0), 0);
	EXPECT_EQ(m.type, 3);
}

CASE(the_largest_message)
{
	int id = queue();
	struct message m = {.type = 1}, r;

	memset(m.text, 'm', sizeof(m.text));
	OK(msgsnd(id, &m, 8192, 0));
	EXPECT_ERRNO(msgsnd(id, &m, 8193, 0), EINVAL);
	EXPECT_EQ(msgrcv(id, &r, 8192, 0, 0), 8192);
	EXPECT(!memcmp(m.text, r.text, 8192));
}

CASE(send_errors)
{
	int id = queue();
	struct message m = {.type = 1};

	EXPECT_ERRNO(put(id, 0, ""), EINVAL);
	EXPECT_ERRNO(put(id, -1, ""), EINVAL);
	EXPECT_ERRNO(msgsnd(-1, &m, 1, 0), EINVAL);
	EXPECT_ERRNO(msgsnd(id + 1, &m, 1, 0), EINVAL);
	EXPECT_ERRNO(msgsnd(id, &m, (size_t)-1, 0), EINVAL);
	EXPECT_ERRNO(msgsnd(id, (void *)8, 1, 0), EFAULT);
	become_nobody();
	EXPECT_ERRNO(msgsnd(id, &m, 1, 0), EACCES);
}

CASE(receive_errors)
{
	int id = queue();
	struct message m;

	EXPECT_ERRNO(msgrcv(-1, &m, 1, 0, IPC_NOWAIT), EINVAL);
	EXPECT_ERRNO(msgrcv(id + 1, &m, 1, 0, IPC_NOWAIT), EINVAL);
	EXPECT_ERRNO(msgrcv(id, &m, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
	OK(put(id, 1, "x"));
	EXPECT_ERRNO(msgrcv(id, (void *)8, 10, 0, IPC_NOWAIT), EFAULT);
	become_nobody();
	EXPECT_ERRNO(msgrcv(id, &m, 1, 0, IPC_NOWAIT), EACCES);
}

CASE(copy_leaves_the_message)
{
	int id = queue();
	struct message m;

	OK(put(id, 4, "first"));
	OK(put(id, 9, "second"));
	EXPECT_STR(take(id, 1, MSG_COPY, 9), "second");
	EXPECT_STR(take(id, 0, MSG_COPY, 4), "first");
	EXPECT_EQ(state(id).msg_qnum, 2);
	EXPECT_ERRNO(msgrcv(id, &m, 10, 2, MSG_COPY | IPC_NOWAIT), ENOMSG);
	EXPECT_ERRNO(msgrcv(id, &m, 10, 0, MSG_COPY), EINVAL);
	EXPECT_ERRNO(msgrcv(id, &m, 10, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	EXPECT_ERRNO(msgrcv(id, &m, 3, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
}

/* ---- blocking ---- */

CASE(a_receiver_waits)
{
	int id = queue();
	struct message m;
	pid_t pid = fork();

	if (!pid) {
		OK(msgrcv(id, &m, 100, 2, 0));
		_exit(strcmp(m.text, "for you") || m.type != 2);
	}
	await_sleep(pid);
	OK(put(id, 1, "not for you"));
	OK(put(id, 2, "for you"));
	expect_exit(pid, 0);
	EXPECT_EQ(state(id).msg_qnum, 1);
	EXPECT_EQ(state(id).msg_lrpid, pid);
}

CASE(receivers_are_served_in_order)
{
	int id = queue();
	struct message m;
	pid_t a, b;

	a = fork();
	if (!a)
		_exit(msgrcv(id, &m, 100, 0, 0) < 0 ? 99 : m.text[0]);
	await_sleep(a);
	b = fork();
	if (!b)
		_exit(msgrcv(id, &m, 100, 0, 0) < 0 ? 99 : m.text[0]);
	await_sleep(b);
	OK(put(id, 1, "\001"));
	OK(put(id, 1, "\002"));
	expect_exit(a, 1);
	expect_exit(b, 2);
}

CASE(a_waiting_receiver_with_little_room)
{
	int id = queue();
	struct message m;
	pid_t pid = fork();

	if (!pid)
		_exit(msgrcv(id, &m, 2, 0, 0) < 0 ? errno : 0);
	await_sleep(pid);
	OK(put(id, 1, "long"));
	expect_exit(pid, E2BIG);
	EXPECT_EQ(state(id).msg_qnum, 1);
}

CASE(a_sender_waits_for_room)
{
	int id = queue();
	struct message m = {.type = 1};
	pid_t pid;

	OK(msgsnd(id, &m, 8192, 0));
	OK(msgsnd(id, &m, 8192, 0));
	EXPECT_ERRNO(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
	pid = fork();
	if (!pid) {
		m.type = 77;
		_exit(msgsnd(id, &m, 1, 0) ? errno : 0);
	}
	await_sleep(pid);
	EXPECT_EQ(state(id).msg_qnum, 2);
	OK(msgrcv(id, &m, 8192, 0, 0));
	expect_exit(pid, 0);
	EXPECT_EQ(state(id).__msg_cbytes, 8193);
	EXPECT_EQ(msgrcv(id, &m, 8192, 77, 0), 1);
}

CASE(empty_messages_have_a_limit_too)
{
	struct message m = {.type = 1};
	struct msqid_ds d;
	int id = queue();

	d = state(id);
	d.msg_qbytes = 3;
	OK(msgctl(id, IPC_SET, &d));
	for (int i = 0; i < 3; i++)
		OK(msgsnd(id, &m, 0, IPC_NOWAIT));
	EXPECT_ERRNO(msgsnd(id, &m, 0, IPC_NOWAIT), EAGAIN);
}

CASE(removal_wakes_receiver_and_sender)
{
	struct message m = {.type = 1};
	int id = queue();
	pid_t sender, receiver;

	OK(msgsnd(id, &m, 8192, 0));
	OK(msgsnd(id, &m, 8192, 0));
	sender = fork();
	if (!sender)
		_exit(msgsnd(id, &m, 1, 0) ? errno : 0);
	receiver = fork();
	if (!receiver)
		_exit(msgrcv(id, &m, 1, 5, 0) < 0 ? errno : 0);
	await_sleep(sender);
	await_sleep(receiver);
	OK(msgctl(id, IPC_RMID, NULL));
	expect_exit(sender, EIDRM);
	expect_exit(receiver, EIDRM);
	EXPECT_ERRNO(msgctl(id, IPC_STAT, (struct msqid_ds *)&m), EINVAL);
}

static void nothing(int sig)
{
}

CASE(signals_interrupt_both)
{
	struct sigaction sa = {.sa_handler = nothing, .sa_flags = SA_RESTART};
	struct message m = {.type = 1};
	int id = queue();
	pid_t sender, receiver;

	sigaction(SIGUSR1, &sa, NULL);
	OK(msgsnd(id, &m, 8192, 0));
	OK(msgsnd(id, &m, 8192, 0));
	sender = fork();
	if (!sender)
		_exit(msgsnd(id, &m, 1, 0) ? errno : 0);
	receiver = fork();
	if (!receiver)
		_exit(msgrcv(id, &m, 1, 5, 0) < 0 ? errno : 0);
	await_sleep(sender);
	await_sleep(receiver);
	kill(sender, SIGUSR1);
	kill(receiver, SIGUSR1);
	expect_exit(sender, EINTR);
	expect_exit(receiver, EINTR);
	OK(put(id, 5, "") == -1 ? 0 : -1); /* still full: nothing was sent */
}

CASE(a_larger_limit_lets_a_sender_go)
{
	struct message m = {.type = 1};
	struct msqid_ds d;
	int id = queue();
	pid_t pid;

	OK(msgsnd(id, &m, 8192, 0));
	OK(msgsnd(id, &m, 8192, 0));
	pid = fork();
	if (!pid)
		_exit(msgsnd(id, &m, 1, 0) ? errno : 0);
	await_sleep(pid);
	set_number("/proc/sys/kernel/msgmnb", "20000");
	d = state(id);
	d.msg_qbytes = 20000;
	OK(msgctl(id, IPC_SET, &d));
	expect_exit(pid, 0);
}

/* ---- msgctl ---- */

CASE(stat_tells_all)
{
	time_t before = time(NULL) - 1;
	struct msqid_ds d;
	int id = queue();

	d = state(id);
	EXPECT_EQ(d.msg_qbytes, 16384);
	EXPECT_EQ(d.msg_stime, 0);
	EXPECT_EQ(d.msg_rtime, 0);
	EXPECT_EQ(d.msg_lspid, 0);
	EXPECT(d.msg_ctime >= before);
	OK(put(id, 1, "1234"));
	d = state(id);
	EXPECT_EQ(d.msg_qnum, 1);
	EXPECT_EQ(d.__msg_cbytes, 5);
	EXPECT_EQ(d.msg_lspid, getpid());
	EXPECT(d.msg_stime >= before);
	take(id, 0, 0, 1);
	d = state(id);
	EXPECT_EQ(d.msg_qnum, 0);
	EXPECT_EQ(d.msg_lrpid, getpid());
	EXPECT(d.msg_rtime >= before);
}

CASE(set_checks_the_limit)
{
	struct msqid_ds d;
	int id = queue();

	set_number("/proc/sys/kernel/msgmnb", "20000");
	d = state(id);
	d.msg_qbytes = 20000;
	d.msg_perm.mode = 0606;
	d.msg_perm.uid = 65534;
	OK(msgctl(id, IPC_SET, &d));
	EXPECT_EQ(state(id).msg_qbytes, 20000);
	become_nobody();
	d.msg_qbytes = 10000;
	OK(msgctl(id, IPC_SET, &d));
	d.msg_qbytes = 20001;
	EXPECT_ERRNO(msgctl(id, IPC_SET, &d), EPERM);
	EXPECT_EQ(state(id).msg_qbytes, 10000);
}

CASE(control_errors)
{
	struct msqid_ds d;
	int id = queue();

	EXPECT_ERRNO(msgctl(id, 55, &d), EINVAL);
	EXPECT_ERRNO(msgctl(-1, IPC_STAT, &d), EINVAL);
	EXPECT_ERRNO(msgctl(id, IPC_STAT, (void *)8), EFAULT);
	EXPECT_ERRNO(msgctl(id, IPC_SET, (void *)8), EFAULT);
	d = state(id);
	become_nobody();
	EXPECT_ERRNO(msgctl(id, IPC_STAT, &d), EACCES);
	EXPECT_ERRNO(msgctl(id, IPC_SET, &d), EPERM);
	EXPECT_ERRNO(msgctl(id, IPC_RMID, NULL), EPERM);
}

CASE(info)
{
	struct msginfo i;
	int id = queue();

	EXPECT_EQ(msgctl(0, IPC_INFO, (void *)&i), 0);
	EXPECT_EQ(i.msgpool, 512000);
	EXPECT_EQ(i.msgmap, 16384);
	EXPECT_EQ(i.msgmax, 8192);
	EXPECT_EQ(i.msgmnb, 16384);
	EXPECT_EQ(i.msgmni, 32000);
	EXPECT_EQ(i.msgssz, 16);
	EXPECT_EQ(i.msgtql, 16384);
	EXPECT_EQ(i.msgseg, 65535);
	OK(put(id, 1, "1234"));
	OK(put(id, 1, "12"));
	EXPECT_EQ(msgctl(0, MSG_INFO, (void *)&i), 0);
	EXPECT_EQ(i.msgpool, 1);
	EXPECT_EQ(i.msgmap, 2);
	EXPECT_EQ(i.msgtql, 8);
}

CASE(stat_by_index)
{
	struct msqid_ds d;
	int id = queue();

	EXPECT_EQ(msgctl(0, MSG_STAT, &d), id);
	EXPECT_EQ(d.msg_qbytes, 16384);
	EXPECT_ERRNO(msgctl(1, MSG_STAT, &d), EINVAL);
	become_nobody();
	EXPECT_ERRNO(msgctl(0, MSG_STAT, &d), EACCES);
	EXPECT_EQ(msgctl(0, MSG_STAT_ANY, &d), id);
}

CASE(proc_lists_queues)
{
	char head[300], line[300], want[200];
	FILE *f;
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = msgget(0x21, IPC_CREAT | 0660);
	OK(put(id, 1, "abc"));
	f = fopen("/proc/sysvipc/msg", "r");
	EXPECT(f && fgets(head, sizeof(head), f) && fgets(line, sizeof(line), f));
	EXPECT_STR(
	    head,
	    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      "
	    "stime      rtime      ctime\n");
	snprintf(want, sizeof(want),
		 "        33 %10d   660           4          1 %5d     0     0     0     0     0 ", id,
		 getpid());
	EXPECT(!strncmp(line, want, strlen(want)));
}

CASE(the_next_id_can_be_chosen)
{
	OK(unshare(CLONE_NEWIPC));
	set_number("/proc/sys/kernel/msg_next_id", "1081347");
	EXPECT_EQ(msgget(IPC_PRIVATE, 0600), 1081347);
	OK(msgctl(1081347, IPC_RMID, NULL));
}

CASE(many_messages_through_a_small_queue)
{
	int id = queue();
	pid_t pid = fork();
	struct message m = {.type = 1};

	if (!pid) {
		for (int i = 0; i < 2000; i++) {
			memcpy(m.text, &i, sizeof(i));
			OK(msgsnd(id, &m, 100, 0));
		}
		_exit(0);
	}
	for (int i = 0; i < 2000; i++) {
		int n;
		EXPECT_EQ(msgrcv(id, &m, sizeof(m.text), 0, 0), 100);
		memcpy(&n, m.text, sizeof(n));
		EXPECT_EQ(n, i);
	}
	expect_exit(pid, 0);
}
