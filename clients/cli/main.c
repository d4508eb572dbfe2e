/* main.c: the `warren` command: `run` works by itself, the other verbs are thin clients of warrend's HTTP
 * API. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/cli.h"
#include "config.h"

static const char usage[] =
    "warren: programs in sandboxes\n"
    "\n"
    "  warren run --rootfs DIR [options] -- COMMAND ARG…   run a command in a new sandbox, without a daemon\n"
    "      --rootfs DIR              the root file system\n"
    "      --read-only               let nothing be written to it\n"
    "      --overlay memory|DIR      leave it as it is: changes go to memory, or to another folder\n"
    "      --file-access HOW         exclusive (default): nobody else changes the trees meanwhile; or "
    "shared\n"
    "      --volume HOST:GUEST[:ro]  show a host folder in the sandbox (may be repeated)\n"
    "      --env NAME=VALUE          set a variable; --env NAME passes ours on\n"
    "      --workdir DIR             where to start (/)\n"
    "      --user USER[:GROUP]       names from the sandbox's /etc/passwd, or numbers (root)\n"
    "      --hostname NAME\n"
    "      --network none|sandbox    loopback only (default), or a way out through this host, which needs "
    "its\n"
    "                                privileges\n"
    "      --publish [IP:]PORT:GUESTPORT[/udp]  let a port of this host lead into it (with --network "
    "sandbox)\n"
    "      --memory SIZE             limit, e.g. 512M\n"
    "      --pids N                  limit of processes\n"
    "      --tty                     with a terminal\n"
    "      --strace                  log each system call to standard error\n"
    "      --stats FILE              what the sandbox's kernel counted, as JSON: calls by success and "
    "failure…\n"
    "  warren run --restore DIR [--strace]           go on from an image, with our streams or terminal\n"
    "  exit status: the command's; 128+N when signal N ended it; 125 Warren failed, 126 cannot run, 127 not "
    "found\n"
    "\n"
    "  warren checkpoint --image DIR ID              stop a sandbox, write it to the new folder DIR; ID is\n"
    "                                                run-PID for a `warren run`, or as `warren ps` says\n"
    "\n"
    "  warren create --rootfs DIR [--hostname NAME] [--memory SIZE] [--pids N] [--env NAME=VALUE] [--network "
    "none|sandbox] [--publish …]   by "
    "warrend\n"
    "  warren ps                     list warrend's sandboxes\n"
    "  warren exec ID -- COMMAND ARG…\n"
    "  warren rm ID…\n"
    "      --url URL                 of warrend ($WARREN_URL, http://127.0.0.1:7070)\n"
    "      --token-file FILE         ($WARREN_TOKEN holds the token itself)\n"
    "  warren --version\n";

int main(int argc, char **argv)
{
	static const char *const remote_verbs[] = {"create", "ps", "exec", "rm"};
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
		verb = "--help"; /* of one command: the page is short enough to be one */
	if (strcmp(verb, "run") == 0)
		return cli_run(argc - 1, argv + 1);
	if (strcmp(verb, "checkpoint") == 0)
		return cli_checkpoint(argc - 1, argv + 1);
	if (strcmp(verb, "--version") == 0 || strcmp(verb, "version") == 0) {
		printf("warren %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (strcmp(verb, "--help") == 0 || strcmp(verb, "-h") == 0 || strcmp(verb, "help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0; i < sizeof(remote_verbs) / sizeof(*remote_verbs); i++)
		if (strcmp(verb, remote_verbs[i]) == 0)
			return cli_remote(verb, argc - 1, argv + 1);
	if (*verb)
		cli_complain("there is no command '%s'", verb);
	fputs(usage, stderr);
	return CLI_EXIT_FAILED;
}
