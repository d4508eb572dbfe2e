/*
 * test_exec_errors.c - execve(2)'s failures, what a program inherits and what not, and limits that bite.
 */
#include "case.h"

#include <elf.h>
#include <limits.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

extern char **environ;

static int run(const char *path)
{
	char *argv[] = {(char *)path, NULL}, *env[] = {NULL};

	return execve(path, argv, env);
}

static void program(const char *path, const char *text, mode_t mode)
{
	int fd = make_file(path, text);

	OK(fchmod(fd, mode));
	close(fd);
}

/* A copy of this program with some bytes changed. */
static void damaged(const char *path, off_t at, const void *bytes, size_t n)
{
	static char buf[65536];
	int in = open("/proc/self/exe", O_RDONLY), out = open(path, O_RDWR | O_CREAT | O_TRUNC, 0755);
	ssize_t got;

	EXPECT(in >= 0 && out >= 0);
	while ((got = read(in, buf, sizeof(buf))) > 0)
		EXPECT_EQ(write(out, buf, (size_t)got), got);
	if (n)
		EXPECT_EQ(pwrite(out, bytes, n, at), n);
	close(in);
	close(out);
}

CASE(exec_of_what_is_no_program)
{
	OK(mkdir("d", 0755));
	program("plain", "text", 0644);
	program("text", "just text\n", 0755);
	program("empty", "", 0755);
	OK(symlink("loop", "loop"));
	OK(mkfifo("fifo", 0755));
	EXPECT_ERRNO(run("d"), EACCES);
	EXPECT_ERRNO(run("plain"), EACCES); /* root too wants an x */
	EXPECT_ERRNO(run("text"), ENOEXEC);
	EXPECT_ERRNO(run("empty"), ENOEXEC);
	EXPECT_ERRNO(run("loop"), ELOOP);
	EXPECT_ERRNO(run("fifo"), EACCES);
	EXPECT_ERRNO(run("none"), ENOENT);
	EXPECT_ERRNO(run("text/x"), ENOTDIR);
	EXPECT_ERRNO(run(""), ENOENT);
	EXPECT_ERRNO(run("/dev/null"), EACCES);
}

CASE(exec_of_scripts_with_bad_interpreters)
{
	char line[600];

	program("no-interpreter", "#!\n", 0755);
	program("only-spaces", "#!   \t \n", 0755);
	program("missing", "#!/none/such\n", 0755);
	program("not-executable", "#!./plain\n", 0755);
	program("plain", "x", 0644);
	program("directory", "#!/\n", 0755);
	EXPECT_ERRNO(run("no-interpreter"), ENOEXEC);
	EXPECT_ERRNO(run("only-spaces"), ENOEXEC);
	EXPECT_ERRNO(run("missing"), ENOENT);
	EXPECT_ERRNO(run("not-executable"), EACCES);
	EXPECT_ERRNO(run("directory"), EACCES);
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	line[sizeof(line) - 1] = 0; /* the name does not fit into what is looked at */
	program("endless", line, 0755);
	EXPECT_ERRNO(run("endless"), ENOEXEC);
}

CASE(exec_of_scripts_of_scripts)
{
	char name[16], text[32];

	program("s0", "#!/none\n", 0755);
	for (int i = 1; i < 8; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(text, sizeof(text), "#!./s%d\n", i - 1);
		program(name, text, 0755);
	}
	EXPECT_ERRNO(run("s2"), ENOENT); /* down to the interpreter that is not there */
	EXPECT_ERRNO(run("s7"), ELOOP);  /* too deep to look */
}

CASE(exec_of_damaged_programs)
{
	unsigned char other = 77;
	Elf64_Half machine = EM_AARCH64, type = ET_CORE, zero = 0, size = 1;

	damaged("good", 0, NULL, 0);
	damaged("magic", 0, &other, 1);
	damaged("machine", offsetof(Elf64_Ehdr, e_machine), &machine, 2);
	damaged("type", offsetof(Elf64_Ehdr, e_type), &type, 2);
	damaged("no-segments", offsetof(Elf64_Ehdr, e_phnum), &zero, 2);
	damaged("odd-segments", offsetof(Elf64_Ehdr, e_phentsize), &size, 2);
	EXPECT_ERRNO(run("magic"), ENOEXEC);
	EXPECT_ERRNO(run("machine"), ENOEXEC);
	EXPECT_ERRNO(run("type"), ENOEXEC);
	EXPECT_ERRNO(run("no-segments"), ENOEXEC);
	EXPECT_ERRNO(run("odd-segments"), ENOEXEC);
	OK(truncate("good", 100)); /* its table of segments is gone */
	EXPECT_ERRNO(run("good"), ENOEXEC);
}

CASE(exec_of_a_file_being_written)
{
	int fd;

	damaged("p", 0, NULL, 0);
	fd = open("p", O_WRONLY);
	EXPECT_ERRNO(run("p"), ETXTBSY);
	close(fd);
	fd = open("p", O_RDONLY);
	pid_t pid = fork();
	if (!pid) {
		char *argv[] = {"p", "--list", NULL};
		close(1);
		execv("./p", argv);
		_exit(99);
	}
	expect_exit(pid, 0);
}

CASE(writing_to_a_running_program)
{
	pid_t pid;

	damaged("p", 0, NULL, 0);
	pid = fork();
	if (!pid) {
		char *argv[] = {"p", "--case", "helper_stays", NULL};
		setenv("EXEC_HELPER", "1", 1);
		execv("./p", argv);
		_exit(99);
	}
	sleep_ms(300);
	EXPECT_ERRNO(open("p", O_WRONLY), ETXTBSY);
	EXPECT_ERRNO(open("p", O_RDWR | O_TRUNC), ETXTBSY);
	EXPECT_ERRNO(truncate("p", 0), ETXTBSY);
	OK(rename("p", "q")); /* names are free */
	OK(unlink("q"));
	kill(pid, SIGKILL);
	expect_signal(pid, SIGKILL);
}

CASE(helper_stays)
{
	if (getenv("EXEC_HELPER"))
		for (;;)
			pause();
}

CASE(exec_with_too_much)
{
	static char one[140000];
	char *argv[] = {"x", one, NULL}, *env[] = {NULL}, **many;

	damaged("p", 0, NULL, 0);
	memset(one, 'a', sizeof(one) - 1);
	EXPECT_ERRNO(execve("./p", argv, env), E2BIG); /* one string: 128 KiB at most */
	one[100000] = 0;
	many = calloc(101, sizeof(*many));
	for (int i = 0; i < 100; i++)
		many[i] = one;
	EXPECT_ERRNO(execve("./p", many, env), E2BIG); /* all together: a quarter of the stack's limit */
	EXPECT_ERRNO(execve("./p", argv, many), E2BIG);
	EXPECT_ERRNO(syscall(SYS_execve, "./p", 8, env), EFAULT);
	EXPECT_ERRNO(syscall(SYS_execve, 8, argv, env), EFAULT);
}

CASE(execveat_forms)
{
	int fd, dir = open(".", O_RDONLY | O_DIRECTORY);
	char *argv[] = {"x", "--list", NULL};
	pid_t pid;

	damaged("p", 0, NULL, 0);
	program("script", "#!./p --case\n", 0755);
	OK(symlink("p", "l"));
	fd = open("p", O_PATH);
	EXPECT_ERRNO(syscall(SYS_execveat, dir, "none", argv, environ, 0), ENOENT);
	EXPECT_ERRNO(syscall(SYS_execveat, dir, "p", argv, environ, 1), EINVAL);
	EXPECT_ERRNO(syscall(SYS_execveat, dir, "l", argv, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
	EXPECT_ERRNO(syscall(SYS_execveat, fd, "", argv, environ, 0), ENOENT);
	EXPECT_ERRNO(syscall(SYS_execveat, -1, "p", argv, environ, 0), EBADF);
	EXPECT_ERRNO(syscall(SYS_execveat, dir, "", argv, environ, AT_EMPTY_PATH), EACCES);
	/* a script by a descriptor that will be closed: its interpreter could not open it */
	EXPECT_ERRNO(
	    syscall(SYS_execveat, open("script", O_PATH | O_CLOEXEC), "", argv, environ, AT_EMPTY_PATH),
	    ENOENT);
	pid = fork();
	if (!pid) {
		close(1);
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(99);
	}
	expect_exit(pid, 0);
}

/* As the interpreter of a script it only says whether it was told of it by a descriptor. */
__attribute__((constructor)) static void interpreter(int argc, char **argv, char **env)
{
	if (argc == 3 && !strcmp(argv[1], "--script"))
		_exit(!strncmp(argv[2], "/dev/fd/", 8) ? 42 : 43);
}

CASE(script_by_descriptor_is_named_by_it)
{
	char *argv[] = {"x", NULL};
	pid_t pid;
	int fd;

	damaged("p", 0, NULL, 0);
	program("script", "#!./p --script\n", 0755);
	fd = open("script", O_RDONLY);
	pid = fork();
	if (!pid) {
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(99);
	}
	expect_exit(pid, 42);
	pid = fork();
	if (!pid) {
		execv("./script", argv);
		_exit(99);
	}
	expect_exit(pid, 43);
}

CASE(exec_needs_no_right_to_read)
{
	pid_t pid;

	damaged("p", 0, NULL, 0);
	OK(chmod("p", 0711));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		char *argv[] = {"p", "--list", NULL};
		close(1);
		execv("./p", argv); /* without a right to read it, it runs all the same */
		_exit(99);
	}
	expect_exit(pid, 0);
	OK(chmod("p", 0744));
	pid = fork();
	if (!pid) {
		OK(setuid(65534));
		EXPECT_ERRNO(run("./p"), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* ---- limits ---- */

static void limit(int what, rlim_t soft, rlim_t hard)
{
	struct rlimit l = {soft, hard};

	OK(setrlimit(what, &l));
}

CASE(limit_of_descriptors_everywhere)
{
	int fd = dup(0), p[2];

	OK(fd);
	limit(RLIMIT_NOFILE, (rlim_t)fd + 1, 100);
	EXPECT_ERRNO(dup(0), EMFILE);
	EXPECT_ERRNO(open(".", O_RDONLY), EMFILE);
	EXPECT_ERRNO(pipe(p), EMFILE);
	EXPECT_ERRNO(fcntl(0, F_DUPFD, 0), EMFILE);
	EXPECT_ERRNO(fcntl(0, F_DUPFD, fd + 1), EINVAL); /* beyond the limit at all */
	EXPECT_ERRNO(dup2(0, fd + 1), EBADF);
	EXPECT_ERRNO(memfd_create("m", 0), EMFILE);
	EXPECT_ERRNO(memfd_create("m", 0x100), EINVAL);
	EXPECT_EQ(dup2(0, fd), fd);
	limit(RLIMIT_NOFILE, 0, 100); /* what is open stays usable */
	EXPECT_EQ(write(1, "", 0), 0);
}

CASE(limit_of_processes)
{
	pid_t pid = fork();

	if (!pid) {
		OK(setuid(54321)); /* a user of nobody else's */
		limit(RLIMIT_NPROC, 1, 1);
		EXPECT_ERRNO(fork(), EAGAIN);
		_exit(0);
	}
	expect_exit(pid, 0);
	limit(RLIMIT_NPROC, 1, 1); /* root is not bound */
	pid = fork();
	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
}

CASE(limit_of_the_stack)
{
	pid_t pid = fork();

	if (!pid) {
		limit(RLIMIT_STACK, 256 * 1024, 256 * 1024);
		volatile char *deep = __builtin_alloca(1024 * 1024);
		for (int i = 1024 * 1024 - 1; i >= 0; i -= 4096)
			deep[i] = 1;
		_exit(0);
	}
	expect_signal(pid, SIGSEGV);
}

CASE(limit_of_data)
{
	void *brk = sbrk(0);

	limit(RLIMIT_DATA, 1 << 20, 1 << 20);
	EXPECT(syscall(SYS_brk, (char *)brk + (4 << 20)) == (long)brk); /* refused: where it was */
	EXPECT(mmap(NULL, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	EXPECT_EQ(errno, ENOMEM);
	EXPECT(mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

/* Limits refuse the new image behind the point of no return: no errno, but the signal Linux forces. */
CASE(an_image_beyond_the_limits_ends_by_sigsegv)
{
	static const int which[] = {RLIMIT_AS, RLIMIT_DATA};

	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (!pid) {
			limit(which[i], 4096, 4096);
			execl("/proc/self/exe", "x", "--list", NULL);
			_exit(1);
		}
		expect_signal(pid, SIGSEGV);
	}
}

CASE(limit_of_signals_in_the_queue)
{
	sigset_t set;
	int n = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	limit(RLIMIT_SIGPENDING, 10, 10);
	OK(setuid(54322));
	while (n < 100 && !sigqueue(getpid(), SIGRTMIN, (union sigval){0}))
		n++;
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(n, 10);
}

CASE(limits_may_only_fall)
{
	struct rlimit l;

	OK(setuid(65534));
	limit(RLIMIT_CORE, 0, 100);
	limit(RLIMIT_CORE, 100, 100);
	l = (struct rlimit){0, 101};
	EXPECT_ERRNO(setrlimit(RLIMIT_CORE, &l), EPERM);
	OK(getrlimit(RLIMIT_CORE, &l));
	EXPECT(l.rlim_cur == 100 && l.rlim_max == 100);
	/* of another user's process */
	EXPECT_ERRNO(prlimit(getppid(), RLIMIT_CORE, &l, NULL), EPERM);
	EXPECT_ERRNO(prlimit(0x3fffffff, RLIMIT_CORE, NULL, &l), ESRCH);
}

CASE(limits_are_inherited)
{
	struct rlimit l;
	pid_t pid;

	limit(RLIMIT_CORE, 11, 22);
	pid = fork();
	if (!pid) {
		OK(getrlimit(RLIMIT_CORE, &l));
		_exit(l.rlim_cur == 11 && l.rlim_max == 22 ? 0 : 1);
	}
	expect_exit(pid, 0);
}
