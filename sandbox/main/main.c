/*
 * main.c - warren-sentry's command line and the starter. See boot.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox/checkpoint/image.h"
#include "sandbox/main/boot.h"

#define REPORT_MAX     300
#define RESTORE_OPTION "--image-manifest"

/* One line of JSON for whoever started us. Quotes and control characters do not occur in our own messages,
 * and are replaced if they do. */
static void write_ready(int fd, pid_t keeper, const char *error)
{
	char safe[REPORT_MAX + 1], line[REPORT_MAX + 64];
	size_t n = 0;
	int size;

	for (; error && *error && n < REPORT_MAX; error++)
		safe[n++] = *error == '"' || *error == '\\' || (unsigned char)*error < ' ' ? ' ' : *error;
	safe[n] = 0;
	if (error)
		size = snprintf(line, sizeof(line), "{\"ready\":false,\"error\":\"%s\"}\n", safe);
	else
		size = snprintf(line, sizeof(line), "{\"ready\":true,\"keeper_pid\":%d}\n", (int)keeper);
	if (write(fd, line, (size_t)size) != size)
		_exit(1);
}

void boot_fail(const struct boot_options *o, const char *fmt, ...)
{
	char text[REPORT_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	if (o->report_fd >= 0) {
		if (write(o->report_fd, text, (size_t)n) != n)
			_exit(2);
	} else {
		write_ready(o->ready_fd, 0, text);
	}
	_exit(1);
}

static void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"warren-sentry: %s%s\n"
		"usage: warren-sentry --control-fd N --ready-fd N [--log-fd N] [--strace] [--id ID]\n"
		"                     [--memory BYTES] [--pids N] [--lease-fd N] [--image-manifest N "
		"--image-pages N]\n"
		"Started by warrend and warren run; not meant to be run by hand.\n",
		why, what);
	exit(2);
}

static u64 parse_number(const char *text, const char *what, u64 max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v > max)
		usage("not a number in range: --", what);
	return v;
}

static int parse_fd(const char *text, const char *what)
{
	int fd = (int)parse_number(text, what, INT32_MAX);

	if (fcntl(fd, F_GETFD) < 0)
		usage("not an open descriptor: --", what);
	return fd;
}

static void parse(int argc, char **argv, struct boot_options *o)
{
	static const struct option options[] = {{"control-fd", required_argument, NULL, 'c'},
						{"ready-fd", required_argument, NULL, 'r'},
						{"log-fd", required_argument, NULL, 'l'},
						{"strace", no_argument, NULL, 's'},
						{"id", required_argument, NULL, 'i'},
						{"memory", required_argument, NULL, 'm'},
						{"pids", required_argument, NULL, 'p'},
						{RESTORE_OPTION + 2, required_argument, NULL, 'R'},
						{"image-pages", required_argument, NULL, 'P'},
						{"lease-fd", required_argument, NULL, 'L'},
						{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->control_fd = parse_fd(optarg, "control-fd");
			break;
		case 'r':
			o->ready_fd = parse_fd(optarg, "ready-fd");
			break;
		case 'l':
			o->log_fd = parse_fd(optarg, "log-fd");
			break;
		case 's':
			o->strace = true;
			break;
		case 'i':
			o->id = optarg;
			break;
		case 'm':
			o->memory_bytes = parse_number(optarg, "memory", 1ULL << 46);
			break;
		case 'R':
			o->manifest_fd = parse_fd(optarg, "image-manifest");
			break;
		case 'P':
			o->pages_fd = parse_fd(optarg, "image-pages");
			break;
		case 'L':
			o->lease_fd = parse_fd(optarg, "lease-fd");
			break;
		case 'p':
			o->task_limit = parse_number(optarg, "pids", 1 << 22);
			break;
		default:
			usage("bad option", "");
		}
	}
	if (optind != argc)
		usage("unexpected argument ", argv[optind]);
	if ((o->manifest_fd < 0) != (o->pages_fd < 0))
		usage("an image is a manifest and pages", "");
	if (o->control_fd < 0 || o->ready_fd < 0)
		usage("--control-fd and --ready-fd are needed", "");
}

/* Waits for the sentry's word: 0 and an empty text if it stands. */
static int read_report(int fd, char *text, size_t size)
{
	size_t have = 0;
	ssize_t n;

	while (have < size - 1 && (n = read(fd, text + have, size - 1 - have)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			have += (size_t)n;
		if (have && text[0] == '+')
			return 0;
	}
	text[have] = 0;
	return -1;
}

/* The header of the image that the command line names: where we must lie, and what time it was. Its form is
 * checked by the sentry itself. */
static struct image_header peek_image(int argc, char **argv)
{
	struct image_header h = {0};

	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], RESTORE_OPTION) &&
		    pread(atoi(argv[i + 1]), &h, sizeof(h), 0) != sizeof(h))
			memset(&h, 0, sizeof(h));
	return h;
}

int main(int argc, char **argv)
{
	struct boot_options o = {.control_fd = -1,
				 .ready_fd = -1,
				 .log_fd = -1,
				 .id = "",
				 .report_fd = -1,
				 .proc_fd = -1,
				 .lease_fd = -1,
				 .manifest_fd = -1,
				 .pages_fd = -1};
	struct image_header image = peek_image(argc, argv);
	char why[REPORT_MAX + 1];
	int report[2], status;
	pid_t keeper;

	base_choose(argc, argv, image.base);
	o.monotonic_ns = image.monotonic_ns;
	o.boottime_ns = image.boottime_ns;
	parse(argc, argv, &o);
	if (pipe2(report, O_CLOEXEC))
		boot_fail(&o, "cannot make a pipe: errno %d", errno);
	confine_namespaces(&o);
	keeper = fork();
	if (keeper < 0)
		boot_fail(&o, "cannot fork: errno %d", errno);
	if (keeper == 0) {
		close(report[0]);
		close(o.ready_fd);
		o.report_fd = report[1];
		keeper_main(&o);
	}
	close(report[1]);
	if (read_report(report[0], why, sizeof(why)) == 0) {
		write_ready(o.ready_fd, keeper, NULL);
		return 0;
	}
	if (waitpid(keeper, &status, 0) == keeper && !why[0])
		snprintf(why, sizeof(why), "it ended while booting, with wait status 0x%x", (unsigned)status);
	write_ready(o.ready_fd, keeper, why);
	return 1;
}
