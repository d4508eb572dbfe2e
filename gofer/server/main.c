/*
 * warren-gofer --root DIR --fd N [--ro] [--submounts] [--log-fd N]
 *
 * Serves the directory tree DIR over the SOCK_SEQPACKET socket N until the other side closes it. See
 * docs/gofer.md.
 * --submounts: file systems mounted below DIR are part of the tree (otherwise their mount points are empty).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "gofer/proto/io.h"
#include "gofer/server/server.h"

static void __attribute__((noreturn)) usage(void)
{
	fputs("usage: warren-gofer --root DIR --fd N [--ro] [--submounts] [--log-fd N]\n", stderr);
	exit(2);
}

static int parse_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || fd > 1 << 20 || fcntl((int)fd, F_GETFD) < 0) {
		fprintf(stderr, "warren-gofer: %s is not an open descriptor\n", text);
		exit(2);
	}
	return (int)fd;
}

static void parse(int argc, char **argv, struct jail *jail, bool *confined)
{
	static const struct option options[] = {
	    {"root", required_argument, NULL, 'r'},
	    {"fd", required_argument, NULL, 'f'},
	    {"ro", no_argument, NULL, 'o'},
	    {"submounts", no_argument, NULL, 's'},
	    {"log-fd", required_argument, NULL, 'l'},
	    {"confined", no_argument, NULL, 'c'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			jail->root = optarg;
		else if (c == 'f')
			jail->sock = parse_fd(optarg);
		else if (c == 'o')
			jail->ro = true;
		else if (c == 's')
			jail->submounts = true;
		else if (c == 'l')
			jail->log_fd = parse_fd(optarg);
		else if (c == 'c')
			*confined = true;
		else
			usage();
	}
	if (optind != argc || !jail->root || jail->sock < 0)
		usage();
}

static void check_socket(const struct jail *jail)
{
	int type = 0;
	socklen_t size = sizeof(type);

	if (getsockopt(jail->sock, SOL_SOCKET, SO_TYPE, &type, &size) != 0)
		jail_fail(jail->log_fd, "--fd", errno);
	if (type != SOCK_SEQPACKET)
		jail_fail(jail->log_fd, "--fd must be a SOCK_SEQPACKET socket", EPROTOTYPE);
}

/* Nothing that the starter left open may stay: the socket and the log are all there is. */
static void close_others(const struct jail *jail)
{
	unsigned a = (unsigned)jail->sock, b = (unsigned)jail->log_fd;
	unsigned low = a < b ? a : b, high = a < b ? b : a;

	if (low > 0)
		close_range(0, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0u, 0);
}

/* The same command line with --confined, for the second stage. */
static char **confined_argv(int argc, char **argv)
{
	char **out = calloc((size_t)argc + 2, sizeof(*out));

	if (!out)
		return NULL;
	out[0] = argv[0];
	out[1] = (char *)"--confined";
	memcpy(out + 2, argv + 1, (size_t)argc * sizeof(*out));
	return out;
}

int main(int argc, char **argv)
{
	struct jail jail = {.sock = -1, .log_fd = 2};
	bool privileged = geteuid() == 0, confined = false;
	struct server server;
	int root_fd, proc_fd, err;
	uint32_t limit;

	parse(argc, argv, &jail, &confined);
	check_socket(&jail);
	umask(0);
	if (privileged && !confined) {
		char **again = confined_argv(argc, argv);

		if (!again)
			jail_fail(jail.log_fd, "start", ENOMEM);
		close_others(&jail);
		jail_enter(&jail, again);
	}
	limit = jail_limits();
	if (privileged) {
		jail_pivot(&jail, &root_fd, &proc_fd);
	} else {
		dprintf(jail.log_fd,
			"warren-gofer: not started as root: no namespaces, file ownership is not set\n");
		close_others(&jail);
		jail_unprivileged(&jail, &root_fd, &proc_fd);
	}
	err = server_init(&server, root_fd, proc_fd, jail.ro, privileged && !jail.ro, limit);
	if (err)
		jail_fail(jail.log_fd, "start", err);
	server.sock = jail.sock;
	server.log_fd = jail.log_fd;
	gofer_tune(jail.sock);
	signal(SIGCHLD, SIG_IGN); /* clones are not waited for one by one */
	jail_drop(&jail, privileged);
	err = server_run(&server);
	if (err)
		dprintf(jail.log_fd, "warren-gofer: connection ended: %s\n", strerror(-err));
	close(server.sock);
	/* As init of a PID namespace this process's end would kill the clones that it forked: stay until they
	 * are done. */
	while (wait4(-1, NULL, 0, NULL) >= 0 || errno == EINTR)
		;
	_exit(err ? 1 : 0);
}
