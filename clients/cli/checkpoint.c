/* checkpoint.c: `warren checkpoint --image DIR SANDBOX`: a sandbox into a folder. One of `warren run` is
 * asked for through its rendezvous, any other through warrend. */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/cli.h"
#include "clients/cli/rendezvous.h"

/* The absolute path of a folder that does not exist yet. */
static bool absolute(const char *path, char *out, size_t size)
{
	char parent[PATH_MAX], name[PATH_MAX], real[PATH_MAX];

	if (strlen(path) >= PATH_MAX)
		return false;
	strcpy(parent, path);
	strcpy(name, path);
	return realpath(dirname(parent), real) &&
	       snprintf(out, size, "%s/%s", strcmp(real, "/") ? real : "", basename(name)) < (int)size;
}

int cli_checkpoint(int argc, char **argv)
{
	static const struct option options[] = {{"image", required_argument, NULL, 'i'},
						{"url", required_argument, NULL, 'U'},
						{"token-file", required_argument, NULL, 'T'},
						{0}};
	const char *image = NULL, *url = NULL, *token_file = NULL;
	char path[PATH_MAX];
	struct error error;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 'i')
			image = optarg;
		else if (option == 'U')
			url = optarg;
		else if (option == 'T')
			token_file = optarg;
		else
			return CLI_EXIT_FAILED; /* getopt has complained */
	}
	if (!image || optind != argc - 1) {
		cli_complain("%s (see warren --help)", image ? "name one sandbox" : "--image is missing");
		return CLI_EXIT_FAILED;
	}
	if (!absolute(image, path, sizeof(path))) {
		cli_complain("the image %s: %s", image, strerror(errno));
		return CLI_EXIT_FAILED;
	}
	if (strncmp(argv[optind], "run-", 4) != 0)
		return cli_remote_checkpoint(url, token_file, argv[optind], path);
	if (rendezvous_ask(argv[optind], path, &error) != 0) {
		cli_complain("%s", error.message);
		return CLI_EXIT_FAILED;
	}
	return 0;
}
