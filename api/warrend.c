/* warrend.c: the daemon: configuration, loop, signals, and the parts put together. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/config.h"
#include "api/http.h"
#include <config.h>
#include "server/log.h"
#include "server/spawn.h"
#include "server/token.h"

static const char usage[] =
    "warrend " PACKAGE_VERSION ": sandboxes over HTTP\n"
    "  --state-dir DIR      where sandboxes and the token are recorded (made when it is not there)\n"
    "  --listen HOST:PORT   127.0.0.1:7070; [::1]:7070; port 0: any\n"
    "  --allow-rootfs DIR   root file systems may be this folder and those below it (may be repeated)\n"
    "  --allow-volume DIR   the same for volumes\n"
    "  --allow-images DIR   checkpoints of sandboxes may be written below this folder\n"
    "  --allow-origin URL   a web page from there may open terminals (its own origin may in any case)\n"
    "  --config FILE        the same as JSON: listen, state_dir, allow_rootfs, allow_volumes, "
    "allow_images, allow_origins,\n"
    "                       max_sandboxes, max_terminals\n";

/* Returns a listening socket; `shown` gets the address as the kernel has it. */
static int listen_on(const char *text, char *shown, size_t size, struct error *error)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found;
	struct sockaddr_storage address;
	socklen_t address_size = sizeof(address);
	char host[256], name[64], port[16];
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	int fd, one = 1, r;

	if (!colon || len == 0 || len >= sizeof(host))
		return error_set(error, EINVAL, "--listen is HOST:PORT, not '%s'", text);
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (host[0] == '[' && host[len - 1] == ']') {
		memmove(host, host + 1, len);
		host[len - 2] = 0;
	}
	r = getaddrinfo(host, colon + 1, &hints, &found);
	if (r)
		return error_set(error, EINVAL, "cannot listen on %s: %s", text, gai_strerror(r));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = 0;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 512) != 0)
		r = error_errno(error, errno, "cannot listen on %s", text);
	freeaddrinfo(found);
	if (!r && getsockname(fd, (struct sockaddr *)&address, &address_size) == 0 &&
	    getnameinfo((struct sockaddr *)&address, address_size, name, sizeof(name), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(shown, size, strchr(name, ':') ? "[%s]:%s" : "%s:%s", name, port);
	if (r && fd >= 0)
		close(fd);
	return r ? r : fd;
}

static void stop(uv_signal_t *handle, int number)
{
	uv_stop(handle->loop);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int die(struct config *config, const struct error *error)
{
	fprintf(stderr, "warrend: %s\n", error->message);
	config_free(config);
	return 1;
}

int main(int argc, char **argv)
{
	struct config config;
	struct error error;
	struct api api = {.config = &config};
	uv_signal_t signals[2], children;
	uv_loop_t loop;
	char shown[128] = "";
	int r = config_parse(&config, argc, argv, &error), fd;

	if (r == 1) {
		fputs(usage, stdout);
		config_free(&config);
		return 0;
	}
	if (r)
		return die(&config, &error);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	raise_descriptor_limit();
	if (getenv("WARREN_DEBUG"))
		log_set_level(LOG_DEBUG);
	uv_loop_init(&loop);
	process_reap_strangers(&loop, &children);
	api.loop = &loop;
	fd = listen_on(config.listen, shown, sizeof(shown), &error);
	if (fd < 0)
		return die(&config, &error);
	if (supervisor_open(&api.supervisor, &loop, config.state_dir, config.max_sandboxes, &error) != 0 ||
	    token_prepare(supervisor_store(api.supervisor), config.state_dir, &error) != 0 ||
	    http_start(&api, fd, &error) != 0)
		return die(&config, &error);
	for (int i = 0; i < 2; i++) {
		uv_signal_init(&loop, &signals[i]);
		uv_signal_start(&signals[i], stop, i ? SIGTERM : SIGINT);
	}
	log_event(LOG_INFO, "listening",
		  json_pack("{s:s,s:s,s:i}", "address", shown, "state_dir", config.state_dir, "pid",
			    (int)getpid()));
	uv_run(&loop, UV_RUN_DEFAULT);
	log_event(
	    LOG_INFO, "stopping",
	    json_pack("{s:i}", "sandboxes_left_running", (int)supervisor_running_count(api.supervisor)));
	terminals_close(&api);
	http_stop(&api);
	supervisor_close(api.supervisor);
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&signals[i], NULL);
	uv_close((uv_handle_t *)&children, NULL);
	for (int i = 0; i < 100 && uv_loop_close(&loop) == UV_EBUSY; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
	config_free(&config);
	return 0;
}
