/*
 * guest_files.h - half-right use of what random arguments hardly reach: mounts and their options, control
 * groups, netlink, descriptors in messages, epoll, pipes, terminals, a FUSE server that answers nonsense, and
 * every file of /proc or /sys. A part of guest_calls.c; see guest_kernel.h.
 */
#include <linux/fuse.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <termios.h>

/* ---- mounts ---- */

static const char *option_value(void)
{
	return PICK_STR("", "0", "1", "-1", "0755", "99999999999999999999", "50%", "101%", "1k", "1g", "d",
			"d/d", ".", "..", "d:d/d", ":", "\\,", "/proc/self/fd/3", "always", "on", "off", "7",
			"hidepid", "ptraceable", "ns", "fd=3,rootmode=40000,user_id=0,group_id=0", "%n%s");
}
static const char *option_name(void)
{
	return PICK_STR("size", "nr_inodes", "nr_blocks", "mode", "uid", "gid", "mpol", "huge", "source",
			"ro", "rw", "lowerdir", "upperdir", "workdir", "lowerdir+", "datadir+", "xino",
			"index", "redirect_dir", "metacopy", "volatile", "userxattr", "hidepid", "subset",
			"nsdelegate", "memory_recursiveprot", "ptmxmode", "newinstance", "max", "fd",
			"rootmode", "user_id", "group_id", "allow_other", "max_read", "x", "");
}

static void gen_mount(void)
{
	int fd, m, tree;
	uint64_t attr[4];
	char options[200];

	if (!below(4)) { /* the old call */
		snprintf(options, sizeof(options), "%s=%s,%s=%s", option_name(), option_value(),
			 option_name(), option_value());
		mount(PICK_STR("x", "d", "none"), PICK_STR("d", "d/d", "a", "x"),
		      PICK_STR("tmpfs", "proc", "sysfs", "overlay", "devpts", "mqueue", "cgroup2", "fuse",
			       "ramfs"),
		      below(3) ? 0 : 1UL << below(26), options);
	}
	fd = (int)syscall(
	    SYS_fsopen,
	    PICK_STR("tmpfs", "proc", "sysfs", "overlay", "devpts", "mqueue", "cgroup2", "fuse", "ext4"),
	    below(2));
	if (!below(6)) {
		close(fd);
		fd = (int)syscall(SYS_fspick, AT_FDCWD, PICK_STR("d", ".", "a"), below(16));
	}
	for (int k = FEW; k; k--)
		syscall(SYS_fsconfig, fd, below(4) ? below(2) : below(9),
			below(30) ? option_name() : (char *)pointer(), below(3) ? option_value() : NULL,
			below(6) ? 0 : descriptor());
	syscall(SYS_fsconfig, fd, 6 /* create */, NULL, NULL, 0);
	m = (int)syscall(SYS_fsmount, fd, below(2), below(4) ? below(16) : number());
	tree = (int)syscall(SYS_open_tree, below(2) ? AT_FDCWD : m, below(2) ? "d" : "",
			    below(4) ? 1 | PICK(0, 0x8000, 0x1000, 0x9000) : number());
	attr[0] = below(3) ? below(16) : number();
	attr[1] = below(3) ? below(16) : number();
	attr[2] = below(2) ? 0 : 1UL << PICK(17, 18, 19, 20);
	attr[3] = below(4) ? 0 : descriptor();
	syscall(SYS_mount_setattr, below(2) ? m : tree, "", PICK(0x1000, 0x9000, 0x8000), attr,
		below(6) ? 32 : size());
	syscall(SYS_move_mount, below(2) ? m : tree, "", AT_FDCWD, PICK_STR("d", "d/d", "a", "x"),
		4 | (below(6) ? 0 : below(0x400)));
	if (below(2))
		syscall(457 /* statmount */, (uint64_t[]){24, number(), below(512)}, area, 4096, 0);
	if (below(2))
		umount2(PICK_STR("d", "d/d", "a"), (int)PICK(0, MNT_DETACH, MNT_EXPIRE, 8));
	close(fd);
	close(m);
	close(tree);
}

/* ---- what files of /proc, /sys and control groups take ---- */

static size_t some_value(char *buf, size_t cap)
{
	static const char *const texts[] = {"0",
					    "1",
					    "-1",
					    "max",
					    "max 100000",
					    "50000 100000",
					    "1 1",
					    "+cpu +memory",
					    "-pids",
					    "+x",
					    "threaded",
					    "root",
					    "domain",
					    "0 0 1",
					    "0 100000 65536",
					    "0 0 1\n1 1 1\n",
					    "deny",
					    "allow",
					    "99999999999999999999",
					    "0x7fffffff",
					    "a b c",
					    "",
					    "\n",
					    "1\n2\n",
					    "some 150000 1000000",
					    "full 1 500000",
					    "0-1",
					    "8:0 rbps=max",
					    "wb",
					    "%s%n",
					    "1073741824",
					    "1g",
					    "/bin/sh",
					    "|/bin/sh"};
	const char *t = texts[below(sizeof(texts) / sizeof(texts[0]))];

	if (!below(10)) {
		memset(buf, (int)below(256), cap);
		return size() % cap;
	}
	if (!below(6))
		return (size_t)snprintf(buf, cap, "%d%s", children[below(8)] ? children[below(8)] : getpid(),
					below(2) ? "\n" : "");
	if (!below(6))
		return (size_t)snprintf(buf, cap, "%lld\n", (long long)number());
	return (size_t)snprintf(buf, cap, "%s", t) + !below(8);
}

/* Never the driver's own ones: it gave us a group, below which we do what we like. */
static void gen_cgroup(void)
{
	static const char *const files[] = {"cgroup.procs",
					    "cgroup.threads",
					    "cgroup.subtree_control",
					    "cgroup.type",
					    "cgroup.freeze",
					    "cgroup.kill",
					    "cgroup.max.depth",
					    "cgroup.max.descendants",
					    "cpu.max",
					    "cpu.weight",
					    "cpu.idle",
					    "memory.max",
					    "memory.high",
					    "memory.low",
					    "memory.reclaim",
					    "memory.oom.group",
					    "memory.swap.max",
					    "pids.max",
					    "cpu.pressure",
					    "memory.events",
					    "cgroup.events",
					    "cgroup.stat",
					    "memory.stat",
					    "pids.peak",
					    "cpu.stat"};
	char path[200], value[4096];
	const char *file = files[below(sizeof(files) / sizeof(files[0]))];
	size_t n = some_value(value, sizeof(value));
	int fd;

	if (!*group)
		return;
	snprintf(path, sizeof(path), "%s%s", group, PICK_STR("", "/x", "/x/y", "/z"));
	if (!below(4))
		mkdir(path, 0755);
	if (!below(8))
		rmdir(path);
	strcat(path, "/");
	strcat(path, file);
	if (!strcmp(file, "cgroup.procs") || !strcmp(file, "cgroup.threads")) /* not init, nor the driver */
		n = (size_t)snprintf(value, sizeof(value), "%d",
				     below(2)             ? 0
				     : children[below(8)] ? children[below(8)]
							  : getpid());
	fd = open(path, below(3) ? O_RDWR : O_RDONLY);
	if (fd < 0)
		return;
	if (below(2))
		(void)!read(fd, area, 4096);
	(void)!write(fd, value, n);
	lseek(fd, 0, SEEK_SET);
	(void)!read(fd, value, below(64));
	poll(&(struct pollfd){fd, POLLPRI, 0}, 1, 0);
	close(fd);
}

/* ---- netlink ---- */

static void gen_netlink(void)
{
	int proto = (int)(below(6) ? PICK(NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT,
					  NETLINK_GENERIC, 12, 9)
				   : below(32));
	int fd = socket(AF_NETLINK, (int)(PICK(SOCK_RAW, SOCK_DGRAM) | SOCK_NONBLOCK), proto);
	struct sockaddr_nl to = {.nl_family = AF_NETLINK, .nl_groups = below(6) ? 0 : (uint32_t)rnd()};
	char msg[1024] = "", back[8192];
	size_t at = 0;

	if (fd < 0)
		return;
	if (below(2))
		bind(fd, (struct sockaddr *)&to, sizeof(to));
	for (int k = below(4) ? 1 : FEW; k && at < 500; k--) {
		struct nlmsghdr *h = (void *)(msg + at);
		uint32_t *body = (uint32_t *)(h + 1);
		size_t used = PICK(0, 4, 8, 12, 16, 56);
		h->nlmsg_type = (uint16_t)(below(8) ? 16 + below(72) : number());
		h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (below(2) ? NLM_F_DUMP : 0) |
					    (below(3) ? NLM_F_ACK : 0) | (below(2) ? 0 : (1 << below(16))));
		for (size_t i = 0; i < used / 4; i++)
			body[i] = below(3) ? (uint32_t)PICK(0, 1, 2, 10, 24, 32, 8) : (uint32_t)number();
		if (below(2))
			((uint8_t *)body)[0] =
			    (uint8_t)PICK(AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET, 0);
		for (int n = (int)below(7); n && used < 200; n--) {
			struct rtattr *a = (void *)((char *)body + used);
			size_t len = below(4) ? PICK(0, 1, 4, 6, 8, 16) : below(40);
			a->rta_type = (uint16_t)(below(50) | (below(8) ? 0 : 0x8000));
			a->rta_len = (uint16_t)(below(15) ? 4 + len : number());
			for (size_t i = 0; i < len; i++)
				((char *)(a + 1))[i] = (char)(below(2) ? PICK(127, 0, 1, 'l', 'o') : rnd());
			used += RTA_ALIGN(4 + len);
		}
		h->nlmsg_len = (uint32_t)(below(15) ? 16 + used : number());
		at += NLMSG_ALIGN(16 + used);
	}
	if (below(3))
		setsockopt(fd, 270, (int)below(14), area, (socklen_t)(below(3) ? 4 : size()));
	sendto(fd, msg, below(15) ? at : below(at + 1), 0, (struct sockaddr *)&to, below(3) ? sizeof(to) : 0);
	for (int i = 0; i < 4; i++)
		if (recv(fd, back, below(5) ? sizeof(back) : below(100),
			 (int)(MSG_DONTWAIT | PICK(0, MSG_PEEK, MSG_TRUNC))) <= 0)
			break;
	close(fd);
}

/* ---- descriptors: messages, epoll, pipes ---- */

static void gen_rights(void)
{
	union {
		struct cmsghdr h;
		char room[512];
	} c;
	char byte[64];
	struct iovec iov = {byte, below(64)};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c};
	int pair[2], n = (int)below(20), *list = (int *)CMSG_DATA(&c.h);

	if (socketpair(AF_UNIX, (int)PICK(SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET) | SOCK_NONBLOCK, 0, pair))
		return;
	for (int k = FEW; k; k--) {
		c.h.cmsg_level = below(15) ? SOL_SOCKET : (int)number();
		c.h.cmsg_type = below(6) ? SCM_RIGHTS : (int)below(8);
		c.h.cmsg_len = below(15) ? CMSG_LEN((size_t)n * 4) : size();
		m.msg_controllen = below(15) ? CMSG_SPACE((size_t)n * 4) : below(sizeof(c));
		for (int i = 0; i < n; i++)
			list[i] = below(3) ? (int)descriptor() : pair[below(2)]; /* themselves too: a cycle */
		sendmsg(pair[0], &m, MSG_DONTWAIT);
	}
	setsockopt(pair[1], SOL_SOCKET, (int)PICK(SO_PASSCRED, 76 /* PASSPIDFD */), &(int){1}, 4);
	for (int k = (int)below(3); k; k--) {
		iov.iov_len = sizeof(byte);
		m.msg_controllen = below(2) ? sizeof(c) : below(64);
		if (recvmsg(pair[1], &m, (int)(MSG_DONTWAIT | PICK(0, MSG_PEEK, MSG_CMSG_CLOEXEC))) < 0)
			break;
		for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
			for (size_t i = 0;
			     h->cmsg_type == SCM_RIGHTS && h->cmsg_len >= CMSG_LEN((i + 1) * 4) && i < 64;
			     i++)
				if (((int *)CMSG_DATA(h))[i] > 2)
					close(((int *)CMSG_DATA(h))[i]);
	}
	close(pair[0]);
	close(pair[1]);
}

static void gen_epoll(void)
{
	static int eps[4] = {-1, -1, -1, -1};
	struct epoll_event ev[8] = {{.events = (uint32_t)rnd() & 0xf000201f, .data.u64 = rnd()}};
	int *ep = &eps[below(4)], fd = below(3) ? (int)descriptor() : eps[below(4)];

	if (*ep < 0)
		*ep = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(*ep, (int)(below(2) ? EPOLL_CTL_ADD : 1 + below(3)), fd, ev);
	if (!below(3))
		epoll_wait(*ep, ev, (int)(below(6) ? 8 : number()), 0);
	if (!below(12)) {
		close(*ep);
		*ep = -1;
	}
}

static void gen_pipes(void)
{
	int a[2], b[2];
	loff_t at = (loff_t)(below(4) ? below(20000) : number());
	size_t n = below(4) ? below(70000) : size();
	struct iovec iov = {area + below(8192), below(6000)};

	if (pipe2(a, O_NONBLOCK | (below(4) ? 0 : O_DIRECT)))
		return;
	if (!pipe2(b, O_NONBLOCK)) {
		fcntl(a[0], F_SETPIPE_SZ, PICK(4096, 65536, 1 << 20, 0));
		syscall(SYS_splice, descriptor(), below(2) ? &at : NULL, a[1], NULL, n, below(16));
		vmsplice(a[1], &iov, 1, (unsigned)below(16));
		tee(a[0], b[1], n, (unsigned)below(8));
		syscall(SYS_splice, a[0], NULL, below(2) ? b[1] : descriptor(), below(3) ? NULL : &at, n,
			below(16));
		sendfile((int)(below(2) ? a[1] : (int)descriptor()), (int)descriptor(), below(2) ? &at : NULL,
			 n);
		copy_file_range((int)descriptor(), below(2) ? &at : NULL, (int)descriptor(), NULL, n, 0);
		close(b[0]);
		close(b[1]);
	}
	close(a[0]);
	close(a[1]);
}

static void gen_watch(void)
{
	int fd = (int)(below(2) ? syscall(SYS_fanotify_init,
					  below(4) ? PICK(0, 0x200, 0x400, 0x800, 0xc00, 0xf00) | FAN_NONBLOCK
						   : number(),
					  0)
				: inotify_init1(IN_NONBLOCK));

	for (int k = FEW; k; k--)
		if (below(2))
			syscall(SYS_fanotify_mark, fd, below(4) ? 1 | PICK(0, 0x10, 0x100) : number(),
				below(3) ? 1UL << below(32) | 0x3b : rnd(), AT_FDCWD, path());
		else
			inotify_add_watch(fd, (char *)path(), (uint32_t)(below(4) ? 0xfff : number()));
	rename("a", "y");
	rename("y", "a");
	ioctl(fd, 0x541b, area);
	(void)!read(fd, area, below(4) ? 4096 : below(64));
	(void)!read(fd, area, 4096);
	close(fd);
}

/* ---- terminals ---- */

static void gen_tty(void)
{
	static int master = -1, slave = -1;
	struct termios t;
	char text[64];

	if (master < 0) {
		int zero = 0;
		char name[32];
		master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
		ioctl(master, TIOCSPTLCK, &zero);
		if (!ioctl(master, TIOCGPTN, &zero)) {
			snprintf(name, sizeof(name), "/dev/pts/%d", zero);
			slave = open(name, O_RDWR | O_NOCTTY * (int)below(2) | O_NONBLOCK);
		}
	}
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] =
		    (char)(below(3) ? 'a' + below(26)
				    : PICK(3, 4, 8, 10, 13, 17, 19, 21, 22, 23, 26, 28, 127, 0xff, 0xc3, 9));
	(void)!write(below(2) ? master : slave, text, below(sizeof(text)));
	if (!tcgetattr(slave, &t)) {
		t.c_iflag ^= 1U << below(16);
		t.c_lflag ^= 1U << below(16);
		t.c_oflag ^= 1U << below(8);
		t.c_cc[below(NCCS)] = (cc_t)rnd();
		ioctl(slave, PICK(TCSETS, TCSETSW, TCSETSF), &t);
	}
	ioctl(below(2) ? master : slave,
	      below(3) ? 0x5400 + below(0x60)
		       : PICK(TIOCPKT, TIOCSTI, TIOCSCTTY, TIOCNOTTY, TIOCSPGRP, TIOCSETD),
	      below(2) ? (uint64_t)area : below(4));
	(void)!read(below(2) ? master : slave, text, below(sizeof(text)));
	if (!below(20)) {
		close(master);
		close(slave);
		master = slave = -1;
	}
}

/* ---- a FUSE server that answers nonsense ---- */

static void nonsense(int fd)
{
	static char in[140000], out[8192];
	struct fuse_in_header *q = (void *)in;
	struct fuse_out_header *p = (void *)out;
	uint32_t *w = (uint32_t *)(p + 1);
	ssize_t n = read(fd, in, sizeof(in));

	if (n < (ssize_t)sizeof(*q))
		return;
	for (int i = 0; i < 200; i++)
		w[i] = below(3) ? 0 : below(2) ? (uint32_t)below(8) : (uint32_t)number();
	p->unique = below(30) ? q->unique : rnd();
	p->error = below(5) ? 0 : -(int)below(600);
	p->len =
	    (uint32_t)(sizeof(*p) +
		       (p->error ? 0 : PICK(0, 8, 16, 24, 40, 64, 80, 96, 104, 128, 136, 144, 160, 200)));
	if (q->opcode == FUSE_INIT) {
		w[0] = 7;
		w[1] = (uint32_t)(below(4) ? 31 : below(50));
		p->len = sizeof(*p) + (uint32_t)PICK(64, 24, 8);
		p->error = 0;
	} else if (q->opcode == FUSE_LOOKUP || q->opcode == FUSE_GETATTR || q->opcode == FUSE_CREATE ||
		   q->opcode == FUSE_MKDIR) {
		struct fuse_entry_out *e = (void *)w;
		struct fuse_attr_out *a = (void *)w;
		if (q->opcode == FUSE_GETATTR)
			a->attr.mode =
			    (uint32_t)(q->nodeid == 1 ? 0040755 : PICK(0100644, 0040755, 0120777, 0010644));
		else
			e->attr.mode = (uint32_t)PICK(0100644, 0040755, 0120777, 0, 0060600),
			e->nodeid = below(6);
		if (!p->error && below(5))
			p->len = (uint32_t)(sizeof(*p) + (q->opcode == FUSE_GETATTR  ? sizeof(*a)
							  : q->opcode == FUSE_CREATE ? sizeof(*e) + 16
										     : sizeof(*e)));
	} else if (q->opcode == FUSE_READDIR || q->opcode == FUSE_READDIRPLUS) {
		struct fuse_dirent *d = (void *)w;
		d->ino = 2;
		d->namelen = (uint32_t)(below(3) ? 1 + below(4) : number());
		strcpy(d->name, PICK_STR("a", "..", "x/y", "", "abcd"));
	} else if (q->opcode == FUSE_FORGET || q->opcode == FUSE_BATCH_FORGET) {
		return;
	}
	(void)!write(fd, out, below(30) ? p->len : below(200));
	if (!below(12)) { /* a message that nobody asked for */
		p->unique = 0;
		p->error = (int)(1 + below(7));
		p->len = (uint32_t)(sizeof(*p) + PICK(8, 16, 24, 32, 40));
		(void)!write(fd, out, p->len);
	}
}

static void fuse_child(void)
{
	char options[100];
	int fd = open("/dev/fuse", O_RDWR | O_NONBLOCK);
	pid_t user;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0%s", fd,
		 PICK_STR("", ",allow_other", ",default_permissions", ",max_read=4096"));
	if (fd < 0 || mount("x", "d", "fuse", 0, options))
		return;
	user = fork();
	if (!user) {
		char buf[512];
		alarm(1);
		main_thread = 0;
		signal(SIGALRM, SIG_DFL);
		for (int i = 0; i < 20; i++) {
			struct stat st;
			const char *name = PICK_STR("d/a", "d/b", "d/x/y", "d", "d/.");
			int f = open(name, (int)PICK(O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_PATH, O_DIRECTORY),
				     0644);
			stat(name, &st);
			(void)!read(f, buf, below(512));
			(void)!pwrite(f, buf, below(512), (off_t)below(10000));
			syscall(SYS_getdents64, f, buf, sizeof(buf));
			readlink(name, buf, sizeof(buf));
			syscall(PICK(SYS_rename, SYS_link, SYS_unlink, SYS_mkdir, SYS_rmdir, SYS_truncate,
				     SYS_listxattr),
				name, PICK_STR("d/q", "d/a"), below(100));
			mmap(NULL, 4096, PROT_READ, MAP_SHARED, f, 0);
			close(f);
		}
		_exit(0);
	}
	for (int i = 0; i < 100 && !waitpid(user, NULL, WNOHANG); i++) {
		poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5);
		nonsense(fd);
	}
	if (below(2))
		umount2("d", MNT_DETACH);
	close(fd);
	kill_one(user, SIGKILL);
}
static void gen_fuse(void)
{
	in_child(fuse_child);
}

/* ---- GUEST_CALLS_TREE: every file of /proc or /sys ---- */

static char **tree;
static size_t tree_count;

static void tree_add(const char *dir, int depth)
{
	enum { MAX = 6000 };
	struct dirent *e;
	char path[512];
	DIR *d = tree_count < MAX ? opendir(dir) : NULL;
	long number;
	char *end;

	while (d && (e = readdir(d))) {
		number = strtol(e->d_name, &end, 10);
		/* not init, the shells around us, or who drives us: their memory and their end are not the
		 * game */
		if (e->d_name[0] == '.' || tree_count >= MAX ||
		    (!*end && depth == 0 && (number < 3 || number == getppid())))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		tree[tree_count++] = strdup(path);
		if ((e->d_type == DT_DIR || (e->d_type == DT_LNK && depth < 1)) && depth < 7)
			tree_add(path, depth + 1);
	}
	if (d)
		closedir(d);
}

static void make_tree(void)
{
	const char *top = getenv("GUEST_CALLS_TREE");

	if (!top)
		return;
	tree = calloc(6001, sizeof(*tree));
	tree_count = 0;
	tree_add(top, 0);
}

static void gen_tree(void)
{
	const char *name;
	char buf[8192];
	int fd, p[2];
	void *m;

	if (!tree_count)
		return;
	name = tree[below(tree_count)];
	fd = open(name, (int)(PICK(O_RDONLY, O_RDONLY, O_RDWR, O_WRONLY, O_PATH, O_RDONLY | O_DIRECTORY,
				   O_RDWR | O_TRUNC) |
			      O_NONBLOCK | O_NOCTTY));
	if (fd < 0 && errno != EACCES && errno != ENOENT && !below(4))
		fd = open(name, O_RDONLY | O_NONBLOCK);
	for (int k = 1 + (int)below(8); k; k--)
		switch (below(18)) {
		case 0:
		case 1:
			(void)!read(fd, buf, below(3) ? sizeof(buf) : below(100));
			break;
		case 2:
			(void)!pread(fd, buf, below(sizeof(buf)), (off_t)(below(2) ? below(5000) : number()));
			break;
		case 3:
		case 4:
			if (!strstr(name, "/cgroup/"))
				(void)!write(fd, buf, some_value(buf, sizeof(buf)));
			break;
		case 5:
			ioctl(fd,
			      below(2) ? number()
				       : PICK(FIONREAD, 0xb701, 0xb702, 0xb703, 0xb704, 0x5421, 0x660b,
					      TCGETS, 0xc0686611),
			      area);
			break;
		case 6:
			m = mmap(NULL, 8192, (int)below(8), (int)PICK(MAP_PRIVATE, MAP_SHARED), fd,
				 (off_t)(below(2) * 4096));
			if (m != MAP_FAILED) {
				(void)*(volatile char *)m;
				munmap(m, 8192);
			}
			break;
		case 7:
			if (!pipe2(p, O_NONBLOCK)) {
				splice(fd, NULL, p[1], NULL, below(8192), 0);
				if (!strstr(name, "/cgroup/"))
					splice(p[0], NULL, fd, NULL, below(8192), 0);
				close(p[0]);
				close(p[1]);
			}
			break;
		case 8:
			sendfile(fds[0], fd, NULL, below(10000));
			break;
		case 9:
			lseek(fd, (off_t)(below(2) ? below(4000) : number()), (int)below(6));
			break;
		case 10:
			syscall(SYS_getdents64, fd, buf, below(3) ? sizeof(buf) : below(100));
			break;
		case 11:
			readlink(name, buf, below(300));
			break;
		case 12:
			poll(&(struct pollfd){fd, POLLIN | POLLPRI, 0}, 1, 0);
			break;
		case 13:
			syscall(
			    PICK(SYS_fchmod, SYS_ftruncate, SYS_fallocate, SYS_flock, SYS_fsync, SYS_fstatfs),
			    fd, below(10), 0, below(5000));
			break;
		case 14:
			syscall(PICK(SYS_listxattr, SYS_getxattr, SYS_setxattr, SYS_removexattr, SYS_truncate,
				     SYS_chmod, SYS_access),
				name, "user.x", buf, below(100));
			break;
		case 15:
			syscall(SYS_openat2, fd, PICK_STR(".", "..", "exe", "cwd", "fd/3", "ns/net", "stat"),
				(uint64_t[]){O_RDONLY | O_NONBLOCK, 0, below(64)}, 24);
			break;
		case 16:
			inotify_add_watch(fds[21], name, (uint32_t)rnd());
			break;
		default:
			setns(fd, 0);
		}
	close(fd);
}
