/* run.c: `warren run`: one sandbox, in this process, for one command.
 *
 *   options → start sandbox → create answered → exec → wait answered → output drained → sandbox ended → exit
 * status
 *
 * The library's loop runs in the main thread; the standard streams are moved by pump threads (pump.c says
 * why). The sandbox dies with this process: in order on every ordinary way out, by the lifeline child on the
 * others.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "clients/cli/cli.h"
#include "clients/cli/rendezvous.h"
#include "sandbox/control/proto.h"
#include "server/checkpoint.h"
#include "server/sandbox.h"

#define EXEC_TIMEOUT_MS 30000
/* After so many interrupts the user means it, whatever the command makes of them. */
#define INTERRUPTS_TO_KILL 3

struct run {
	struct sandbox_config config;
	json_t *env, *user;
	const char *workdir;
	bool tty;
	const char *stats; /* file for what the kernel counted, or NULL */
	char **argv;

	/* --restore */
	const char *image_path;
	struct image_files image;
	struct sandbox_restore restore;
	int stream_fds[PROTO_MAX_FDS];

	uv_loop_t loop;
	struct sandbox *sandbox;
	struct lifeline *lifeline;
	struct rendezvous *rendezvous;
	struct pump *in, *out, *err;
	int ours[3];
	char process[64]; /* "": not running */
	unsigned int interrupts;
	uv_signal_t signals[8];
	unsigned int signal_count;
	int status;
};

static void fail(struct run *run, const struct error *error)
{
	int status = error->code == ENOENT ? CLI_EXIT_NOT_FOUND : CLI_EXIT_CANNOT_RUN;

	terminal_restore();
	cli_complain("%s", error->message);
	run->status = status;
	sandbox_stop(run->sandbox, "the command could not be run");
}

static void stats_came(void *opaque, const struct error *error, const json_t *answer)
{
	struct run *run = opaque;

	if (error || json_dump_file(answer, run->stats, JSON_COMPACT) != 0)
		cli_complain("cannot write %s: %s", run->stats, error ? error->message : strerror(errno));
	sandbox_stop(run->sandbox, "its command ended");
}

static void process_ended(void *opaque, const struct error *error, const json_t *answer)
{
	struct run *run = opaque;
	const json_t *how = json_object_get(answer, "exit"), *code = json_object_get(how, "code"),
		     *signal = json_object_get(how, "signal");

	run->process[0] = 0;
	for (unsigned int i = 0; i < run->signal_count; i++)
		uv_signal_stop(&run->signals[i]); /* from now on they do to us what they do to anyone */
	if (json_is_integer(code)) {
		run->status = (int)json_integer_value(code) & 255;
	} else if (json_is_integer(signal)) {
		run->status = 128 + ((int)json_integer_value(signal) & 127);
	} else if (sandbox_get_state(run->sandbox) == SANDBOX_RUNNING) {
		run->status = CLI_EXIT_FAILED;
		terminal_restore();
		cli_complain("%s", error ? error->message
					 : "the sandbox's kernel did not say how the command ended");
	}
	if (run->stats && sandbox_request(run->sandbox, "stats", json_object(), NULL, 0, EXEC_TIMEOUT_MS,
					  stats_came, run, NULL) == 0)
		return;
	sandbox_stop(run->sandbox, "its command ended");
}

static void resize(struct run *run)
{
	unsigned int columns, rows;

	terminal_size(&columns, &rows);
	sandbox_request(
	    run->sandbox, "resize",
	    json_pack("{s:s,s:i,s:i}", "process", run->process, "cols", (int)columns, "rows", (int)rows),
	    NULL, 0, 0, NULL, NULL, NULL);
}

static void got_signal(uv_signal_t *handle, int number)
{
	struct run *run = handle->data;

	if (number == SIGCONT && terminal_is_raw())
		terminal_raw(0); /* whoever stopped us may have changed it */
	if (number == SIGWINCH || number == SIGCONT) {
		if (run->tty && run->process[0])
			resize(run);
		return;
	}
	if (number == SIGINT && ++run->interrupts >= INTERRUPTS_TO_KILL) {
		run->status = 128 + SIGINT;
		sandbox_kill(run->sandbox, "interrupted");
		return;
	}
	if (!run->process[0]) {
		run->status = 128 + number;
		sandbox_stop(run->sandbox, "interrupted");
		return;
	}
	/* What a terminal sends goes to its whole foreground group; a kill goes to the one process. */
	sandbox_request(run->sandbox, "signal",
			json_pack("{s:s,s:i,s:b}", "process", run->process, "signal", number, "group",
				  number == SIGINT || number == SIGQUIT || number == SIGHUP),
			NULL, 0, 0, NULL, NULL, NULL);
}

static void watch_signals(struct run *run)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		uv_signal_t *handle = &run->signals[run->signal_count];

		if (uv_signal_init(&run->loop, handle) != 0)
			continue;
		run->signal_count++;
		handle->data = run;
		uv_signal_start(handle, got_signal, numbers[i]);
		uv_unref((uv_handle_t *)handle);
	}
}

/* The command runs: from now on we move its bytes and wait for its end. */
static void attach(struct run *run, const char *process)
{
	struct error why;

	strcpy(run->process, process);
	if (sandbox_request(run->sandbox, "wait", json_pack("{s:s,s:b}", "process", process, "release", 1),
			    NULL, 0, 0, process_ended, run, &why) != 0) {
		fail(run, &why);
		return;
	}
	if (run->tty) {
		/* Without a terminal of ours, the end of the input is told as a user would: by ^D. */
		run->in =
		    pump_start(0, run->ours[0], false, false, isatty(0) ? NULL : "\x04", "standard input");
		run->out = pump_start(run->ours[0], 1, true, false, NULL, "the sandbox's terminal");
	} else {
		run->in = pump_start(0, run->ours[0], false, true, NULL, "standard input");
		run->out = pump_start(run->ours[1], 1, true, false, NULL, "standard output");
		run->err = pump_start(run->ours[2], 2, true, false, NULL, "standard error");
	}
	if (!run->in || !run->out || (!run->tty && !run->err)) {
		error_set(&why, ENOMEM, "cannot start a thread");
		fail(run, &why);
	}
}

static void process_started(void *opaque, const struct error *error, const json_t *answer)
{
	struct run *run = opaque;
	const char *process = json_string_value(json_object_get(answer, "process"));
	struct error why;

	if (error && sandbox_get_state(run->sandbox) != SANDBOX_RUNNING)
		return; /* the end of the sandbox says more */
	if (error) {
		error_set(&why, error->code, "cannot run %s: %s", run->argv[0], error->message);
		fail(run, &why);
		return;
	}
	if (!process || strlen(process) >= sizeof(run->process)) {
		error_set(&why, EPROTO, "the sandbox's kernel sent an answer of the wrong shape");
		fail(run, &why);
		return;
	}
	attach(run, process);
}

/* Makes the streams: `theirs` to give away, run->ours to keep. Returns how many, or a negative errno. */
static int make_streams(struct run *run, int theirs[3], struct error *error)
{
	int pair[2];

	if (run->tty) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
			return error_errno(error, errno, "cannot make a socket");
		run->ours[0] = pair[0];
		theirs[0] = pair[1];
		return 1;
	}
	for (int i = 0; i < 3; i++) {
		if (pipe2(pair, O_CLOEXEC) != 0)
			return error_errno(error, errno, "cannot make a pipe");
		run->ours[i] = pair[i == 0];
		theirs[i] = pair[i != 0];
	}
	return 3;
}

/* ---- images ---- */

static void checkpointed(void *opaque, const struct error *error)
{
	struct run *run = opaque;

	if (!error)
		run->status = 0;
	rendezvous_answer(run->rendezvous, error);
	if (!error)
		sandbox_stop(run->sandbox, "it was written to an image");
}

/* `warren checkpoint` asks. */
static void checkpoint_asked(void *opaque, const char *path)
{
	struct run *run = opaque;
	struct error why;

	if (!run->process[0] || sandbox_get_state(run->sandbox) != SANDBOX_RUNNING) {
		error_set(&why, EBUSY, "the sandbox is starting or ending");
		rendezvous_answer(run->rendezvous, &why);
	} else if (sandbox_checkpoint(run->sandbox, path,
				      json_pack("{s:o,s:{s:s,s:b}}", "config",
						sandbox_config_record(&run->config), "run", "process",
						run->process, "tty", run->tty),
				      checkpointed, run, &why) != 0) {
		rendezvous_answer(run->rendezvous, &why);
	}
}

/* The command of the image: the one of its `warren run`, else the first that still has streams open (a
 * sandbox of warrend's); NULL: there is none, and the sandbox runs until it ends or is interrupted. */
static const char *restored_process(const struct run *run)
{
	const json_t *streams = json_object_get(json_object_get(run->image.sandbox, "resources"), "streams");
	const char *process =
	    json_string_value(json_object_get(json_object_get(run->image.sandbox, "run"), "process"));

	return process ? process : json_string_value(json_object_get(json_array_get(streams, 0), "process"));
}

/* Is it on a terminal? */
static bool restored_tty(const struct run *run)
{
	const json_t *resources = json_object_get(run->image.sandbox, "resources"), *v;
	size_t i;

	json_array_foreach(json_object_get(resources, "streams"), i, v)
	{
		const char *process = json_string_value(json_object_get(v, "process"));

		if (process && strcmp(process, restored_process(run)) == 0 &&
		    json_integer_value(json_object_get(v, "stream")) == 3)
			return true;
	}
	return json_is_true(json_object_get(json_object_get(run->image.sandbox, "run"), "tty"));
}

static int open_image(struct run *run, struct error *error)
{
	int r = image_open(&run->image, run->image_path, error);

	if (r)
		return r;
	if (restored_process(run) && strlen(restored_process(run)) >= sizeof(run->process))
		return error_set(error, EINVAL, "the image names no process of ours");
	run->tty = restored_process(run) && restored_tty(run);
	return sandbox_config_read(json_object_get(run->image.sandbox, "config"), &run->config, error);
}

/* A stream that leads nowhere: a terminal then hangs up. */
static int idle_stream(bool terminal)
{
	int pair[2];

	if (!terminal)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	close(pair[1]);
	return pair[0];
}

/* The streams that the image's command still has open, in its order; our other ends are closed. Those of
 * other processes lead nowhere from now on. */
static int restore_streams(struct run *run, struct error *error)
{
	const json_t *resources = json_object_get(run->image.sandbox, "resources"), *v;
	int theirs[3] = {-1, -1, -1}, count = restored_process(run) ? make_streams(run, theirs, error) : 0;
	size_t i;

	if (count < 0)
		return count;
	run->restore = (struct sandbox_restore){.manifest = run->image.manifest,
						.pages = run->image.pages,
						.resources = resources,
						.stream_fds = run->stream_fds};
	json_array_foreach(json_object_get(resources, "streams"), i, v)
	{
		const char *process = json_string_value(json_object_get(v, "process"));
		json_int_t stream = json_integer_value(json_object_get(v, "stream"));
		bool ours = process && strcmp(process, restored_process(run)) == 0 && stream >= 0 &&
			    (run->tty ? stream == 3 : stream < 3);
		int *fd = &theirs[ours && !run->tty ? stream : 0];

		if (i == PROTO_MAX_FDS)
			return error_set(error, E2BIG, "the image has more than %d streams", PROTO_MAX_FDS);
		run->stream_fds[i] = ours && *fd >= 0 ? *fd : idle_stream(stream == 3);
		if (ours)
			*fd = -1;
		run->restore.stream_count++;
	}
	for (i = 0; i < 3; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	run->config.restore = &run->restore;
	return 0;
}

static void started(struct sandbox *sandbox, const struct error *error, void *opaque)
{
	struct run *run = opaque;
	struct error why;
	int theirs[3], count;
	unsigned int columns, rows;
	json_t *argv, *params;

	if (error) {
		run->status = run->interrupts ? run->status : CLI_EXIT_FAILED;
		terminal_restore();
		cli_complain("%s", error->message);
		return; /* `ended` follows */
	}
	lifeline_set_keeper(run->lifeline, sandbox_keeper_pid(sandbox));
	if (run->image_path) {
		if (restored_process(run))
			attach(run, restored_process(run));
		if (run->tty)
			resize(run);
		return;
	}
	count = make_streams(run, theirs, &why);
	if (count < 0) {
		fail(run, &why);
		return;
	}
	argv = json_array();
	for (char **arg = run->argv; *arg; arg++)
		json_array_append_new(argv, json_stringn_nocheck(*arg, strlen(*arg)));
	params =
	    json_pack("{s:s,s:o,s:O,s:s,s:O,s:b,s:b}", "container", SANDBOX_CONTAINER, "argv", argv, "env",
		      run->env, "cwd", run->workdir, "user", run->user, "tty", run->tty, "init", 1);
	if (run->tty) {
		terminal_size(&columns, &rows);
		json_object_set_new(params, "cols", json_integer(columns));
		json_object_set_new(params, "rows", json_integer(rows));
	}
	if (sandbox_request(sandbox, "exec", params, theirs, (unsigned int)count, EXEC_TIMEOUT_MS,
			    process_started, run, &why) != 0)
		fail(run, &why);
}

static void ended(struct sandbox *sandbox, void *opaque)
{
	struct run *run = opaque;

	if (run->process[0] && run->status < 0) { /* the command did not end; its kernel did */
		run->status = CLI_EXIT_FAILED;
		terminal_restore();
		cli_complain("%s", sandbox_reason(sandbox));
	} else if (run->status < 0) {
		run->status = CLI_EXIT_FAILED;
	}
	sandbox_free(sandbox);
	rendezvous_end(run->rendezvous);
	run->rendezvous = NULL;
	for (unsigned int i = 0; i < run->signal_count; i++)
		uv_close((uv_handle_t *)&run->signals[i], NULL);
	run->signal_count = 0;
}

static bool add_port(struct sandbox_config *config, const char *text)
{
	if (config->port_count == PUBLISH_MAX) {
		cli_complain("more than %d published ports", PUBLISH_MAX);
		return false;
	}
	if (!publish_parse(text, &config->ports[config->port_count])) {
		cli_complain("--publish is [HOSTIP:]HOSTPORT:GUESTPORT[/tcp|/udp], not '%s'", text);
		return false;
	}
	config->port_count++;
	return true;
}

static bool add_volume(struct sandbox_config *config, char *text)
{
	struct sandbox_volume *volume = &config->volumes[config->volume_count];
	char *guest = strchr(text, ':'), *mode;

	if (config->volume_count == SANDBOX_MAX_VOLUMES) {
		cli_complain("more than %d volumes", SANDBOX_MAX_VOLUMES);
		return false;
	}
	if (!guest || guest == text || guest[1] != '/') {
		cli_complain("--volume is HOST:GUEST[:ro] with an absolute GUEST, not '%s'", text);
		return false;
	}
	*guest++ = 0;
	mode = strchr(guest, ':');
	if (mode) {
		*mode++ = 0;
		if (strcmp(mode, "ro") != 0 && strcmp(mode, "rw") != 0) {
			cli_complain("a volume's mode is ro or rw, not '%s'", mode);
			return false;
		}
		volume->read_only = mode[1] == 'o';
	}
	volume->host = text;
	volume->guest = guest;
	config->volume_count++;
	return true;
}

static void set_variable(json_t *env, const char *name, size_t name_len, const char *value)
{
	char *text = NULL;

	for (size_t i = 0; i < json_array_size(env); i++) {
		const char *old = json_string_value(json_array_get(env, i));

		if (strncmp(old, name, name_len) == 0 && old[name_len] == '=') {
			json_array_remove(env, i);
			break;
		}
	}
	if (value && asprintf(&text, "%.*s=%s", (int)name_len, name, value) > 0)
		json_array_append_new(env, json_stringn_nocheck(text, strlen(text)));
	free(text);
}

static bool add_env(json_t *env, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == text || !*text) {
		cli_complain("--env needs NAME=VALUE or NAME, not '%s'", text);
		return false;
	}
	if (equals)
		set_variable(env, text, (size_t)(equals - text), equals + 1);
	else
		set_variable(env, text, strlen(text), getenv(text));
	return true;
}

/* Numbers are sent as numbers; anything with a name in it is the sentry's to look up in the guest's files. */
static json_t *parse_user(const char *text)
{
	const char *colon = strchr(text, ':');
	char name[64];
	uint64_t uid, gid;
	size_t len = colon ? (size_t)(colon - text) : strlen(text);

	if (len == 0 || len >= sizeof(name))
		return NULL;
	memcpy(name, text, len);
	name[len] = 0;
	if (cli_parse_number(name, &uid)) {
		gid = uid;
		if ((!colon || cli_parse_number(colon + 1, &gid)) && uid < UINT32_MAX && gid < UINT32_MAX)
			return json_pack("{s:I,s:I}", "uid", (json_int_t)uid, "gid", (json_int_t)gid);
	}
	return json_pack("{s:i,s:i,s:s}", "uid", 0, "gid", 0, "name", text);
}

enum { OPT_OVERLAY = 512, OPT_FILE_ACCESS, OPT_STATS, OPT_NETWORK, OPT_RESTORE };
enum { OPT_ROOTFS = 256, OPT_READ_ONLY, OPT_HOSTNAME, OPT_MEMORY, OPT_PIDS, OPT_STRACE };

static bool parse_option(struct run *run, int option, char *value)
{
	switch (option) {
	case OPT_ROOTFS:
		run->config.rootfs = value;
		return true;
	case OPT_RESTORE:
		run->image_path = value;
		return true;
	case OPT_READ_ONLY:
		return run->config.rootfs_read_only = true;
	case OPT_OVERLAY:
		run->config.overlay = value;
		if (strcmp(value, "memory") != 0 && *value != '/')
			cli_complain("--overlay is 'memory' or an absolute folder, not '%s'", value);
		return strcmp(value, "memory") == 0 || *value == '/';
	case OPT_FILE_ACCESS:
		run->config.files_shared = strcmp(value, "shared") == 0;
		if (!run->config.files_shared && strcmp(value, "exclusive") != 0) {
			cli_complain("--file-access is 'exclusive' or 'shared', not '%s'", value);
			return false;
		}
		return true;
	case 'v':
		return add_volume(&run->config, value);
	case 'e':
		return add_env(run->env, value);
	case 'w':
		run->workdir = value;
		if (*value != '/')
			cli_complain("--workdir must be absolute, not '%s'", value);
		return *value == '/';
	case 'u':
		json_decref(run->user);
		run->user = parse_user(value);
		if (!run->user)
			cli_complain("--user is USER[:GROUP], not '%s'", value);
		return run->user;
	case OPT_NETWORK:
		run->config.network = strcmp(value, "sandbox") == 0;
		if (!run->config.network && strcmp(value, "none") != 0) {
			cli_complain("--network is 'none' or 'sandbox', not '%s'", value);
			return false;
		}
		return true;
	case 'P':
		return add_port(&run->config, value);
	case OPT_HOSTNAME:
		run->config.hostname = value;
		return true;
	case OPT_MEMORY:
		if (cli_parse_size(value, &run->config.memory_bytes) && run->config.memory_bytes)
			return true;
		cli_complain("--memory is a size such as 512M, not '%s'", value);
		return false;
	case OPT_PIDS:
		if (cli_parse_number(value, &run->config.pids) && run->config.pids)
			return true;
		cli_complain("--pids is a positive number, not '%s'", value);
		return false;
	case 't':
		return run->tty = true;
	case OPT_STRACE:
		return run->config.strace = true;
	case OPT_STATS:
		run->stats = value;
		return true;
	default:
		return false; /* getopt has complained */
	}
}

static bool parse(struct run *run, int argc, char **argv)
{
	static const struct option options[] = {{"rootfs", required_argument, NULL, OPT_ROOTFS},
						{"restore", required_argument, NULL, OPT_RESTORE},
						{"read-only", no_argument, NULL, OPT_READ_ONLY},
						{"overlay", required_argument, NULL, OPT_OVERLAY},
						{"file-access", required_argument, NULL, OPT_FILE_ACCESS},
						{"volume", required_argument, NULL, 'v'},
						{"env", required_argument, NULL, 'e'},
						{"workdir", required_argument, NULL, 'w'},
						{"user", required_argument, NULL, 'u'},
						{"hostname", required_argument, NULL, OPT_HOSTNAME},
						{"network", required_argument, NULL, OPT_NETWORK},
						{"publish", required_argument, NULL, 'P'},
						{"memory", required_argument, NULL, OPT_MEMORY},
						{"pids", required_argument, NULL, OPT_PIDS},
						{"tty", no_argument, NULL, 't'},
						{"strace", no_argument, NULL, OPT_STRACE},
						{"stats", required_argument, NULL, OPT_STATS},
						{0}};
	int option;

	run->user = json_pack("{s:i,s:i}", "uid", 0, "gid", 0);
	run->env = json_array();
	run->workdir = "/";
	add_env(run->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	while ((option = getopt_long(argc, argv, "+v:e:w:u:t", options, NULL)) >= 0)
		if (!parse_option(run, option, optarg))
			return false;
	run->argv = argv + optind;
	for (int i = 1; i < argc; i++) {
		json_t *probe = json_string(argv[i]); /* checks */

		if (!probe) {
			cli_complain("argument %d is not UTF-8, which the control protocol cannot carry", i);
			return false;
		}
		json_decref(probe);
	}
	if (run->image_path && (run->config.rootfs || run->argv[0])) {
		cli_complain("an image says itself what runs in it, and on which files");
		return false;
	}
	if (run->image_path)
		return true;
	if (run->config.port_count && !run->config.network) {
		cli_complain("ports are published with --network sandbox only");
		return false;
	}
	if (!run->config.rootfs || !run->argv[0]) {
		cli_complain("%s (see warren --help)",
			     run->config.rootfs ? "there is no command to run" : "--rootfs is missing");
		return false;
	}
	return true;
}

static void default_env(struct run *run)
{
	const char *home =
	    json_integer_value(json_object_get(run->user, "uid")) == 0 && !json_object_get(run->user, "name")
		? "/root"
		: "/";
	bool has_home = false, has_term = false;

	for (size_t i = 0; i < json_array_size(run->env); i++) {
		const char *text = json_string_value(json_array_get(run->env, i));

		has_home |= strncmp(text, "HOME=", 5) == 0;
		has_term |= strncmp(text, "TERM=", 5) == 0;
	}
	if (!has_home)
		set_variable(run->env, "HOME", 4, home);
	if (run->tty && !has_term)
		set_variable(run->env, "TERM", 4, getenv("TERM") ? getenv("TERM") : "xterm");
}

static int start(struct run *run)
{
	char directory[] = "/tmp/warren-XXXXXX", id[32];
	struct sandbox_hooks hooks = {.started = started, .ended = ended, .opaque = run};
	struct error error;
	int second = -1, r;

	if (run->image_path && restore_streams(run, &error) != 0) {
		terminal_restore();
		cli_complain("%s", error.message);
		return -1;
	}
	if (!mkdtemp(directory)) {
		cli_complain("cannot make a folder in /tmp: %s", strerror(errno));
		return -1;
	}
	snprintf(id, sizeof(id), "run-%d", (int)getpid());
	run->config.id = id;
	run->config.directory = directory;
	run->config.private = true;
	run->config.log_fd = 2;
	run->config.second_connection = &second;
	if (!run->config.hostname)
		run->config.hostname = "warren";
	r = sandbox_start(&run->sandbox, &run->loop, &run->config, &hooks, &error);
	rmdir(directory); /* the socket's name is gone already */
	if (r) {
		terminal_restore();
		cli_complain("%s", error.message);
		if (second >= 0)
			close(second);
		return -1;
	}
	if (second >= 0)
		run->lifeline = lifeline_start(second);
	run->rendezvous = rendezvous_start(&run->loop, id, checkpoint_asked, run);
	return 0;
}

int cli_run(int argc, char **argv)
{
	struct run run = {
	    .status = -1, .ours = {-1, -1, -1}, .image = {.folder = -1, .pages = -1, .manifest = -1}};
	struct error error;
	bool ok;

	if (!parse(&run, argc, argv))
		return CLI_EXIT_FAILED;
	if (run.image_path && open_image(&run, &error) != 0) {
		cli_complain("%s", error.message);
		return CLI_EXIT_FAILED;
	}
	default_env(&run);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (uv_loop_init(&run.loop) != 0) {
		cli_complain("cannot make an event loop");
		return CLI_EXIT_FAILED;
	}
	watch_signals(&run);
	if (run.tty && isatty(0) && !terminal_raw(0))
		cli_complain("cannot set the terminal to raw mode: %s", strerror(errno));
	if (start(&run) != 0)
		return CLI_EXIT_FAILED;
	uv_run(&run.loop, UV_RUN_DEFAULT);
	/* What the command wrote lies in the pipes at most; the ends that wrote it are closed. */
	ok = pump_join(run.out);
	ok = pump_join(run.err) && ok;
	lifeline_end(run.lifeline);
	terminal_restore();
	return run.status == 0 && !ok ? 1 : run.status;
}
