/*
 * test_unix_rights.c - descriptors and credentials that travel over unix sockets: unix(7), cmsg(3).
 */
#include "case.h"

#include <grp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 4
#endif
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

/* ---- helpers ---- */

static int fds[2];

static void pair(int type)
{
	OK(socketpair(AF_UNIX, type, 0, fds));
}

static socklen_t name_it(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	strcpy(a->sun_path, path);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static int bound(int type, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name_it(&a, path);
	int s = socket(AF_UNIX, type, 0);

	EXPECT(s >= 0);
	OK(bind(s, (struct sockaddr *)&a, len));
	return s;
}

static int connected(int type, const char *path)
{
	struct sockaddr_un a;
	socklen_t len = name_it(&a, path);
	int s = socket(AF_UNIX, type, 0);

	EXPECT(s >= 0);
	OK(connect(s, (struct sockaddr *)&a, len));
	return s;
}

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(256 * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

static ssize_t send_data(int s, int type, const void *data, size_t size, int flags)
{
	union control c;
	char x = 'x';
	struct iovec v = {&x, 1};
	struct msghdr h = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = CMSG_SPACE(size)};
	struct cmsghdr *m = CMSG_FIRSTHDR(&h);

	memset(&c, 0, sizeof(c));
	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = type;
	m->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(m), data, size);
	return sendmsg(s, &h, flags);
}

static ssize_t send_fd(int s, int fd)
{
	return send_data(s, SCM_RIGHTS, &fd, sizeof(fd), MSG_NOSIGNAL);
}

static ssize_t send_cred(int s, pid_t pid, uid_t uid, gid_t gid)
{
	struct ucred u = {pid, uid, gid};

	return send_data(s, SCM_CREDENTIALS, &u, sizeof(u), 0);
}

struct received {
	ssize_t n;
	int flags;
	int fd[256], fd_count;
	struct ucred cred;
	bool has_cred;
	int pidfd;
};

static struct received receive(int s, int flags, size_t room)
{
	struct received r = {.pidfd = -1};
	union control c;
	char data[64];
	struct iovec v = {data, sizeof(data)};
	struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = room};

	r.n = recvmsg(s, &h, flags);
	r.flags = h.msg_flags;
	if (r.n < 0)
		return r;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&h); m; m = CMSG_NXTHDR(&h, m)) {
		EXPECT_EQ(m->cmsg_level, SOL_SOCKET);
		if (m->cmsg_type == SCM_RIGHTS) {
			r.fd_count = (int)((m->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(r.fd, CMSG_DATA(m), (size_t)r.fd_count * sizeof(int));
		} else if (m->cmsg_type == SCM_CREDENTIALS) {
			r.has_cred = true;
			memcpy(&r.cred, CMSG_DATA(m), sizeof(r.cred));
		} else if (m->cmsg_type == SCM_PIDFD) {
			memcpy(&r.pidfd, CMSG_DATA(m), sizeof(int));
		}
	}
	return r;
}
#define ROOM sizeof(((union control *)0)->buf)

static void set_opt(int s, int name, int v)
{
	OK(setsockopt(s, SOL_SOCKET, name, &v, sizeof(v)));
}

static struct ucred peer_of(int s)
{
	struct ucred u = {-2, 77, 77};
	socklen_t len = sizeof(u);

	OK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &u, &len));
	EXPECT_EQ(len, sizeof(u));
	return u;
}

static void become_nobody(void)
{
	OK(setgroups(0, NULL));
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

/* The other end of a pipe of which somebody may still hold the write end. */
static bool is_closed(int read_end)
{
	struct pollfd p = {read_end, POLLIN, 0};

	for (int i = 0; i < 50; i++) {
		if (poll(&p, 1, 20) == 1 && (p.revents & POLLHUP))
			return true;
		close(socket(AF_UNIX, SOCK_DGRAM,
			     0)); /* collection may be lazy: life of unix sockets drives it */
	}
	return false;
}

/* ---- descriptors ---- */

CASE(a_descriptor_is_the_same_open_file)
{
	int f = make_file("f", "abcdef"), fd;
	struct received r;

	pair(SOCK_STREAM);
	EXPECT_EQ(lseek(f, 2, SEEK_SET), 2);
	EXPECT_EQ(send_fd(fds[0], f), 1);
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(r.fd_count, 1);
	fd = r.fd[0];
	EXPECT(fd != f);
	EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 2); /* one offset */
	EXPECT_EQ(lseek(fd, 4, SEEK_SET), 4);
	EXPECT_EQ(lseek(f, 0, SEEK_CUR), 4);
	EXPECT_EQ(fcntl(fd, F_GETFD), 0);
	EXPECT_EQ(send_fd(fds[0], f), 1);
	r = receive(fds[1], MSG_CMSG_CLOEXEC, ROOM);
	EXPECT_EQ(fcntl(r.fd[0], F_GETFD), FD_CLOEXEC);
}

CASE(descriptors_that_cannot_be_sent)
{
	int many[254];
	union control c = {0};
	char x = 'x';
	struct iovec v = {&x, 1};
	struct msghdr h = {
	    .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.buf, .msg_controllen = sizeof(c.align)};

	pair(SOCK_STREAM);
	EXPECT_ERRNO(send_fd(fds[0], 99), EBADF);
	EXPECT_ERRNO(send_fd(fds[0], -1), EBADF);
	for (int i = 0; i < 254; i++)
		many[i] = fds[0];
	EXPECT_ERRNO(send_data(fds[0], SCM_RIGHTS, many, sizeof(many), 0), EINVAL);
	EXPECT_EQ(send_data(fds[0], SCM_RIGHTS, many, 253 * sizeof(int), 0), 1);
	EXPECT_ERRNO(send_data(fds[0], 99, many, 4, 0), EINVAL); /* no such kind */
	c.align.cmsg_len = 3;
	EXPECT_ERRNO(sendmsg(fds[0], &h, 0), EINVAL); /* shorter than its head */
	c.align.cmsg_len = 5000;
	EXPECT_ERRNO(sendmsg(fds[0], &h, 0), EINVAL); /* longer than all of it */
	h.msg_control = (void *)1;
	EXPECT_ERRNO(sendmsg(fds[0], &h, 0), EFAULT);
	EXPECT_EQ(receive(fds[1], MSG_DONTWAIT, ROOM).fd_count, 253); /* nothing of the failures arrived */
	EXPECT_EQ(receive(fds[1], MSG_DONTWAIT, ROOM).n, -1);
}

CASE(descriptors_without_room)
{
	int two[2], p[2];
	struct received r;

	pair(SOCK_DGRAM);
	OK(pipe(p));
	two[0] = two[1] = p[1];
	EXPECT_EQ(send_data(fds[0], SCM_RIGHTS, two, sizeof(two), 0), 1);
	close(p[1]);
	r = receive(fds[1], 0, CMSG_LEN(sizeof(int))); /* room for one */
	EXPECT_EQ(r.fd_count, 1);
	EXPECT(r.flags & MSG_CTRUNC);
	close(r.fd[0]);
	EXPECT(is_closed(p[0])); /* the other was not kept */
}

CASE(descriptors_nobody_asked_for)
{
	int p[2];
	char c;

	pair(SOCK_STREAM);
	OK(pipe(p));
	EXPECT_EQ(send_fd(fds[0], p[1]), 1);
	close(p[1]);
	EXPECT_EQ(read(fds[1], &c, 1), 1); /* an ordinary read drops them */
	EXPECT(is_closed(p[0]));
}

CASE(descriptors_are_closed_with_the_queue)
{
	int p[2];

	pair(SOCK_STREAM);
	OK(pipe(p));
	EXPECT_EQ(send_fd(fds[0], p[1]), 1);
	close(p[1]);
	EXPECT_EQ(poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 50), 0);
	close(fds[1]);
	EXPECT(is_closed(p[0]));
}

CASE(too_many_open_files)
{
	struct rlimit rl = {20, 20};
	struct received r;
	int two[2];

	pair(SOCK_STREAM);
	two[0] = two[1] = fds[0];
	EXPECT_EQ(send_data(fds[0], SCM_RIGHTS, two, sizeof(two), 0), 1);
	OK(setrlimit(RLIMIT_NOFILE, &rl));
	while (dup(0) >= 0)
		;
	EXPECT_EQ(errno, EMFILE);
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(r.n, 1); /* the data comes, the descriptors do not */
	EXPECT_EQ(r.fd_count, 0);
	EXPECT(r.flags & MSG_CTRUNC);
}

CASE(peeking_duplicates)
{
	struct received r;
	int p[2];

	pair(SOCK_DGRAM);
	OK(pipe(p));
	EXPECT_EQ(send_fd(fds[0], p[1]), 1);
	close(p[1]);
	r = receive(fds[1], MSG_PEEK, ROOM);
	EXPECT_EQ(r.fd_count, 1);
	close(r.fd[0]);
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(r.fd_count, 1);
	close(r.fd[0]);
	EXPECT(is_closed(p[0]));
}

CASE(a_socket_travels_itself)
{
	struct received r;
	int inner[2];
	char c = 0;

	pair(SOCK_STREAM);
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, inner));
	EXPECT_EQ(write(inner[1], "q", 1), 1);
	EXPECT_EQ(send_fd(fds[0], inner[0]), 1);
	close(inner[0]);
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(read(r.fd[0], &c, 1), 1);
	EXPECT_EQ(c, 'q');
	close(r.fd[0]);
	EXPECT_EQ(read(inner[1], &c, 1), 0);
}

CASE(path_descriptors_travel)
{
	int o = open(".", O_PATH);
	struct received r;

	pair(SOCK_STREAM);
	EXPECT_EQ(send_fd(fds[0], o), 1);
	r = receive(fds[1], 0, ROOM);
	OK(openat(r.fd[0], ".", O_RDONLY));
}

/* ---- cycles ---- */

CASE(a_socket_in_its_own_queue_is_collected)
{
	int p[2];

	pair(SOCK_STREAM);
	OK(pipe(p));
	EXPECT_EQ(send_fd(fds[0], p[1]), 1);
	EXPECT_EQ(send_fd(fds[0], fds[1]), 1); /* into fds[1]'s own queue */
	close(p[1]);
	close(fds[0]);
	close(fds[1]);
	EXPECT(is_closed(p[0]));
}

CASE(two_sockets_in_each_others_queues_are_collected)
{
	int p[2];

	pair(SOCK_DGRAM);
	OK(pipe(p));
	EXPECT_EQ(send_fd(fds[0], fds[0]), 1);
	EXPECT_EQ(send_fd(fds[1], fds[1]), 1);
	EXPECT_EQ(send_fd(fds[1], p[1]), 1);
	close(p[1]);
	close(fds[0]);
	close(fds[1]);
	EXPECT(is_closed(p[0]));
}

CASE(a_long_cycle_is_collected)
{
	enum { N = 20 };
	int s[N][2], p[2];

	OK(pipe(p));
	for (int i = 0; i < N; i++)
		OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s[i]));
	for (int i = 0; i < N; i++) /* the receiving end of each lies in the queue of the next */
		EXPECT_EQ(send_fd(s[(i + 1) % N][0], s[i][1]), 1);
	EXPECT_EQ(send_fd(s[7][0], p[1]), 1);
	close(p[1]);
	for (int i = 0; i < N; i++) {
		close(s[i][0]);
		close(s[i][1]);
	}
	EXPECT(is_closed(p[0]));
}

CASE(a_cycle_through_a_backlog_is_collected)
{
	int l = bound(SOCK_STREAM, "s"), c, p[2];

	OK(pipe(p));
	OK(listen(l, 4));
	c = connected(SOCK_STREAM, "s");
	EXPECT_EQ(send_fd(c, l),
		  1); /* the listener, in the queue of a connection that waits in its backlog */
	EXPECT_EQ(send_fd(c, p[1]), 1);
	close(p[1]);
	close(c);
	close(l);
	EXPECT(is_closed(p[0]));
}

/* Each in the queue of the next: closing the last closes all of them. */
CASE(a_long_chain_falls)
{
	enum { N = 2000 };
	struct rlimit rl = {8192, 8192};
	int p[2], prev[2];

	OK(setrlimit(RLIMIT_NOFILE, &rl));
	OK(pipe(p));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, prev));
	EXPECT_EQ(send_fd(prev[0], p[1]), 1);
	close(p[1]);
	close(prev[0]);
	for (int i = 0; i < N; i++) {
		int next[2];
		OK(socketpair(AF_UNIX, SOCK_STREAM, 0, next));
		EXPECT_EQ(send_fd(next[0], prev[1]), 1);
		close(prev[1]);
		close(next[0]);
		prev[1] = next[1];
	}
	close(prev[1]);
	EXPECT(is_closed(p[0]));
}

CASE(what_is_still_reachable_is_not_collected)
{
	struct received r;
	int a[2], b[2], p[2];

	OK(pipe(p));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
	/* a[1] lies in b[1]'s queue and b[1] in a[1]'s; a[1] is held by us through another queue */
	pair(SOCK_STREAM);
	EXPECT_EQ(send_fd(b[0], a[1]), 1);
	EXPECT_EQ(send_fd(a[0], b[1]), 1);
	EXPECT_EQ(send_fd(a[0], p[1]), 1);
	EXPECT_EQ(send_fd(fds[0], a[1]), 1);
	close(p[1]);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
	EXPECT(!is_closed(p[0]));
	r = receive(fds[1], 0, ROOM); /* a[1] */
	EXPECT_EQ(r.fd_count, 1);
	EXPECT_EQ(receive(r.fd[0], 0, ROOM).fd_count, 1); /* b[1] was in it */
	r = receive(r.fd[0], 0, ROOM);
	EXPECT_EQ(r.fd_count, 1);
	EXPECT_EQ(write(r.fd[0], "alive", 5), 5);
	close(r.fd[0]);
	EXPECT(is_closed(p[0]));
}

CASE(too_many_in_flight)
{
	struct rlimit rl = {64, 64};
	int sent = 0, many[10];

	pair(SOCK_DGRAM);
	for (int i = 0; i < 10; i++)
		many[i] = fds[0];
	OK(setrlimit(RLIMIT_NOFILE, &rl));
	become_nobody();
	while (sent < 1000 && send_data(fds[0], SCM_RIGHTS, many, sizeof(many), MSG_DONTWAIT) == 1)
		sent += 10;
	EXPECT_EQ(errno, ETOOMANYREFS);
	EXPECT(sent >= 60 && sent <= 80);
	for (int i = 0; i < 4; i++) {
		struct received r = receive(fds[1], MSG_DONTWAIT, ROOM);
		EXPECT_EQ(r.fd_count, 10);
		for (int j = 0; j < 10; j++)
			close(r.fd[j]);
	}
	EXPECT_EQ(send_fd(fds[0], 0), 1); /* there is room again */
}

/* ---- credentials ---- */

CASE(credentials_of_the_sender)
{
	struct received r;

	pair(SOCK_DGRAM);
	EXPECT_EQ(send(fds[0], "x", 1, 0), 1);
	set_opt(fds[1], SO_PASSCRED, 1);
	r = receive(fds[1], 0, ROOM); /* it was sent when nobody asked */
	EXPECT(r.has_cred);
	EXPECT_EQ(r.cred.pid, 0);
	EXPECT_EQ(r.cred.uid, 65534);
	EXPECT_EQ(r.cred.gid, 65534);
	EXPECT_EQ(send(fds[0], "x", 1, 0), 1);
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(r.cred.pid, getpid());
	EXPECT_EQ(r.cred.uid, getuid());
	EXPECT_EQ(r.cred.gid, getgid());
	set_opt(fds[1], SO_PASSCRED, 0);
	EXPECT_EQ(send_cred(fds[0], getpid(), getuid(), getgid()), 1);
	EXPECT(!receive(fds[1], 0, ROOM).has_cred);
}

CASE(a_child_sends_its_own)
{
	struct received r;
	pid_t pid;

	pair(SOCK_STREAM);
	set_opt(fds[1], SO_PASSCRED, 1);
	pid = fork();
	if (!pid) {
		become_nobody();
		EXPECT_EQ(write(fds[0], "x", 1), 1);
		_exit(0);
	}
	r = receive(fds[1], 0, ROOM);
	EXPECT_EQ(r.cred.pid, pid);
	EXPECT_EQ(r.cred.uid, 65534);
	EXPECT_EQ(r.cred.gid, 65534);
	expect_exit(pid, 0);
}

CASE(credentials_are_checked)
{
	pair(SOCK_DGRAM);
	set_opt(fds[1], SO_PASSCRED, 1);
	EXPECT_ERRNO(send_data(fds[0], SCM_CREDENTIALS, "short", 5, 0), EINVAL);
	EXPECT_ERRNO(send_cred(fds[0], 4000000, 0, 0), ESRCH);
	EXPECT_EQ(send_cred(fds[0], getppid(), 12345, 23456), 1); /* root may claim anything that exists */
	EXPECT_EQ(receive(fds[1], 0, ROOM).cred.uid, 12345);
	if (!fork()) {
		become_nobody();
		EXPECT_ERRNO(send_cred(fds[0], getpid(), 0, 65534), EPERM);
		EXPECT_ERRNO(send_cred(fds[0], getpid(), 65534, 0), EPERM);
		EXPECT_ERRNO(send_cred(fds[0], getppid(), 65534, 65534), EPERM);
		EXPECT_EQ(send_cred(fds[0], getpid(), 65534, 65534), 1);
		_exit(0);
	}
	EXPECT_EQ(receive(fds[1], 0, ROOM).cred.uid, 65534);
	{
		int st;
		EXPECT(wait(&st) > 0);
		EXPECT_EQ(st, 0);
	}
}

CASE(a_read_does_not_mix_senders)
{
	char buf[16];
	pid_t pid;

	pair(SOCK_STREAM);
	set_opt(fds[1], SO_PASSCRED, 1);
	EXPECT_EQ(write(fds[0], "ab", 2), 2);
	EXPECT_EQ(write(fds[0], "cd", 2), 2);
	pid = fork();
	if (!pid) {
		EXPECT_EQ(write(fds[0], "ef", 2), 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	EXPECT_EQ(recv(fds[1], buf, 16, 0), 4); /* up to the other sender's */
	EXPECT_EQ(recv(fds[1], buf, 16, 0), 2);
}

CASE(passcred_names_a_sender)
{
	int server = bound(SOCK_DGRAM, "s"), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un a;
	socklen_t len = sizeof(a);

	set_opt(client, SO_PASSCRED, 1);
	len = name_it(&a, "s");
	OK(connect(client, (struct sockaddr *)&a, len));
	EXPECT_EQ(send(client, "x", 1, 0), 1);
	len = sizeof(a);
	OK(getsockname(client, (struct sockaddr *)&a, &len));
	EXPECT_EQ(len, offsetof(struct sockaddr_un, sun_path) + 6); /* bound to a name of its own */
	EXPECT_EQ(a.sun_path[0], 0);
	close(server);
}

/* ---- who is at the other end ---- */

CASE(peers_of_a_pair)
{
	struct ucred u;

	pair(SOCK_STREAM);
	u = peer_of(fds[0]);
	EXPECT_EQ(u.pid, getpid());
	EXPECT_EQ(u.uid, getuid());
	EXPECT_EQ(u.gid, getgid());
	close(fds[1]);
	u = peer_of(fds[0]); /* it is remembered */
	EXPECT_EQ(u.pid, getpid());
	pair(SOCK_DGRAM);
	EXPECT_EQ(peer_of(fds[0]).pid, getpid());
}

CASE(peers_of_a_connection)
{
	int l = bound(SOCK_STREAM, "s"), c, conn;
	pid_t pid;
	struct ucred u;

	OK(chmod("s", 0777));
	OK(listen(l, 4));
	EXPECT_EQ(peer_of(l).pid, getpid()); /* a listener shows itself */
	pid = fork();
	if (!pid) {
		become_nobody();
		c = connected(SOCK_STREAM, "s");
		u = peer_of(c);
		EXPECT_EQ(u.pid, getppid());
		EXPECT_EQ(u.uid, 0);
		_exit(0);
	}
	OK(conn = accept(l, NULL, NULL));
	expect_exit(pid, 0);
	u = peer_of(conn); /* as it was when it connected */
	EXPECT_EQ(u.uid, 65534);
	EXPECT_EQ(u.gid, 65534);
}

CASE(sockets_without_a_peer)
{
	struct ucred u = peer_of(socket(AF_UNIX, SOCK_STREAM, 0));
	int server = bound(SOCK_DGRAM, "s");

	EXPECT_EQ(u.pid, 0);
	EXPECT_EQ(u.uid, (uid_t)-1);
	EXPECT_EQ(u.gid, (gid_t)-1);
	u = peer_of(connected(SOCK_DGRAM, "s")); /* datagrams have no connection to remember */
	EXPECT_EQ(u.pid, 0);
	close(server);
}

CASE(groups_of_the_peer)
{
	gid_t groups[3] = {1001, 1002, 1003}, got[8] = {0};
	socklen_t len = sizeof(got);

	OK(setgroups(3, groups));
	pair(SOCK_STREAM);
	OK(setgroups(0, NULL)); /* those of then */
	OK(getsockopt(fds[0], SOL_SOCKET, SO_PEERGROUPS, got, &len));
	EXPECT_EQ(len, sizeof(groups));
	EXPECT(!memcmp(got, groups, sizeof(groups)));
	len = 4;
	EXPECT_ERRNO(getsockopt(fds[0], SOL_SOCKET, SO_PEERGROUPS, got, &len), ERANGE);
	EXPECT_EQ(len, sizeof(groups)); /* what it takes */
	len = sizeof(got);
	EXPECT_ERRNO(getsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_PEERGROUPS, got, &len),
		     ENODATA);
}

static int pidfd_pid(int fd)
{
	char path[64], text[1024], *at;
	ssize_t n;
	int f, pid = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	OK(f = open(path, O_RDONLY));
	n = read(f, text, sizeof(text) - 1);
	EXPECT(n > 0);
	text[n] = 0;
	close(f);
	at = strstr(text, "Pid:");
	EXPECT(at);
	EXPECT_EQ(sscanf(at, "Pid: %d", &pid), 1);
	return pid;
}

CASE(pidfd_of_the_peer)
{
	int fd = -1;
	socklen_t len = sizeof(fd);

	pair(SOCK_STREAM);
	if (getsockopt(fds[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len) && errno == ENOPROTOOPT)
		case_skip("no SO_PEERPIDFD before Linux 6.5");
	EXPECT(fd >= 0);
	EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_EQ(pidfd_pid(fd), getpid());
	EXPECT_ERRNO(getsockopt(socket(AF_UNIX, SOCK_STREAM, 0), SOL_SOCKET, SO_PEERPIDFD, &fd, &len),
		     ENODATA);
}

CASE(pidfds_of_senders)
{
	struct received r;
	pid_t pid;
	int on = 1;

	pair(SOCK_DGRAM);
	if (setsockopt(fds[1], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof(on)) && errno == ENOPROTOOPT)
		case_skip("no SO_PASSPIDFD before Linux 6.5");
	pid = fork();
	if (!pid) {
		EXPECT_EQ(send(fds[0], "x", 1, 0), 1);
		pause();
	}
	r = receive(fds[1], 0, ROOM);
	EXPECT(r.pidfd >= 0);
	EXPECT(!r.has_cred);
	EXPECT_EQ(pidfd_pid(r.pidfd), pid);
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}
