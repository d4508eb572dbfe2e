/*
 * guest_clean.h - between two rounds: what the processes of one have left behind, in files, mounts, IPC,
 * control groups and settings, goes, so that the next begins where this one began and the sentry's objects
 * can be counted. A part of guest_calls.c.
 */
static uint64_t ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A sign of life, so that who watches can tell a slow round from one that hangs. */
static void alive(void)
{
	static uint64_t last;

	if (ms() < last + 500)
		return;
	last = ms();
	putchar('.');
	fflush(stdout);
}

/* Flags of chattr(1) hinder the next round and the removal of this one. */
static int plain(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	int fd, zero = 0;

	alive();
	if (type == FTW_F || type == FTW_D || type == FTW_DNR) {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
		if (fd >= 0) {
			ioctl(fd, FS_IOC_SETFLAGS, &zero);
			close(fd);
		}
	}
	return 0;
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	alive();
	return remove(path) && 0;
}

/* Empties a directory, but for what later rounds find in an overlay's lower tree: r<seed>.<process>. */
static void empty(const char *base, uint64_t seed)
{
	DIR *d = opendir(base);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    (e->d_name[0] == 'r' && strtoull(e->d_name + 1, NULL, 10) > seed))
			continue;
		snprintf(path, sizeof(path), "%s/%s", base, e->d_name);
		nftw(path, plain, 16, FTW_PHYS);
		nftw(path, drop, 16, FTW_PHYS | FTW_DEPTH);
	}
	if (d)
		closedir(d);
}

/* What lives on without a process, by design. The highest index in use is asked for first: thousands of calls
 * for nothing take a minute on a busy machine. */
static void clean_ipc(void)
{
	struct shmid_ds shm;
	struct msqid_ds msg;
	struct semid_ds sem;
	struct seminfo info;
	char room[256];
	int id;

	for (int i = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)room); i >= 0; i--) {
		id = shmctl(i, SHM_STAT, &shm);
		alive();
		if (id >= 0)
			shmctl(id, IPC_RMID, NULL);
	}
	for (int i = msgctl(0, MSG_INFO, (struct msqid_ds *)(void *)room); i >= 0; i--) {
		id = msgctl(i, MSG_STAT, &msg);
		alive();
		if (id >= 0)
			msgctl(id, IPC_RMID, NULL);
	}
	for (int i = semctl(0, 0, SEM_INFO, &info); i >= 0; i--) {
		id = semctl(i, 0, SEM_STAT, &sem);
		alive();
		if (id >= 0)
			semctl(id, 0, IPC_RMID);
	}
	for (char name[] = "q0"; name[1] < '0' + QUEUES; name[1]++)
		syscall(SYS_mq_unlink, name);
}

/* The devices that calls name, as they were: one may have become a file, or a directory with files in it. */
static void restore_devices(void)
{
	static const struct {
		const char *path;
		unsigned minor, major;
	} devices[] = {{"/dev/null", 3, 1}, {"/dev/zero", 5, 1}, {"/dev/full", 7, 1}, {"/dev/tty", 0, 5}};

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		struct stat st;
		if (!lstat(devices[i].path, &st) && S_ISCHR(st.st_mode))
			continue;
		nftw(devices[i].path, plain, 16, FTW_PHYS);
		nftw(devices[i].path, drop, 16, FTW_PHYS | FTW_DEPTH);
		mknod(devices[i].path, S_IFCHR | 0666, makedev(devices[i].major, devices[i].minor));
	}
	if (lstat("/dev/ptmx", &(struct stat){0}) || readlink("/dev/ptmx", (char[8]){0}, 8) < 0) {
		nftw("/dev/ptmx", plain, 16, FTW_PHYS);
		nftw("/dev/ptmx", drop, 16, FTW_PHYS | FTW_DEPTH);
		(void)!symlink("pts/ptmx", "/dev/ptmx");
	}
}

/* proc as it was when we began: a round may cover it. */
static int own_proc = -1;

static FILE *mounts_now(void)
{
	int fd = openat(own_proc, "self/mounts", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

/* What was mounted over a place that is a mount itself. */
static void uncover(const char *place)
{
	char line[4096];
	int mounts = 0;
	FILE *f = mounts_now();

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ' '), *end = at ? strchr(at + 1, ' ') : NULL;
		if (!end)
			continue;
		*end = 0;
		mounts += !strcmp(at + 1, place);
	}
	if (f)
		fclose(f);
	while (mounts-- > 1)
		umount2(place, MNT_DETACH);
}

/* Removes what a round has left below its base: mounts, then files. */
static void clean(const char *base, uint64_t seed)
{
	char line[4096], *at, *end;
	FILE *f;

	for (int i = 0; i < 20; i++) {
		bool any = false;
		f = mounts_now();
		while (f && fgets(line, sizeof(line), f)) {
			at = strchr(line, ' ');
			end = at ? strchr(at + 1, ' ') : NULL;
			if (!end)
				continue;
			*end = 0;
			if (!strncmp(at + 1, base, strlen(base)) &&
			    (at[1 + strlen(base)] == '/' || (!at[1 + strlen(base)] && strcmp(base, "/tmp"))))
				any |= !umount2(at + 1, MNT_DETACH);
		}
		if (f)
			fclose(f);
		if (!any)
			break;
	}
	empty(base, seed);
	chmod(base, 01777);
	empty("/dev/shm", seed);
	restore_devices();
	clean_ipc();
}

/* prlimit(2) reaches us too, by a number that happens to be ours. */
static void keep_limits(void)
{
	static struct rlimit first[RLIM_NLIMITS];
	static bool known;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (known)
			setrlimit(i, &first[i]);
		else
			getrlimit(i, &first[i]);
	known = true;
}

/* ---- the control group of a round ---- */

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
	close(fd);
}

static void make_group(uint64_t seed)
{
	write_text("/sys/fs/cgroup/cgroup.procs", "0");
	snprintf(group, sizeof(group), "/sys/fs/cgroup/fuzz%llu", (unsigned long long)seed);
	if (mkdir(group, 0755))
		*group = 0;
}

static int drop_dir(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return type == FTW_DP && rmdir(path) && 0;
}

static void drop_group(void)
{
	char path[100];

	if (!*group)
		return;
	write_text("/sys/fs/cgroup/cgroup.procs", "0");
	snprintf(path, sizeof(path), "%s/cgroup.freeze", group);
	write_text(path, "0");
	for (int i = 0; i < 20 && !access(group, F_OK); i++) {
		alive();
		nftw(group, drop_dir, 16, FTW_PHYS | FTW_DEPTH);
		usleep(1000);
	}
	*group = 0;
}

/* ---- /proc/sys: what a round has written there goes back ---- */

static struct {
	char *path, *value;
} settings[600];
static unsigned setting_count;

static int note_setting(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	char value[512];
	int fd = type == FTW_F && (st->st_mode & 0200) && setting_count < 600 ? open(path, O_RDONLY) : -1;
	ssize_t n = fd < 0 ? -1 : read(fd, value, sizeof(value) - 1);

	close(fd);
	if (n <= 0)
		return 0;
	value[n] = 0;
	settings[setting_count].path = strdup(path);
	settings[setting_count++].value = strdup(value);
	return 0;
}

static void keep_settings(void)
{
	if (!getenv("GUEST_CALLS_TREE"))
		return;
	if (!setting_count)
		nftw("/proc/sys", note_setting, 16, FTW_PHYS);
	else
		for (unsigned i = 0; i < setting_count; i++)
			write_text(settings[i].path, settings[i].value);
}
