/* remote.c: `warren create|ps|exec|rm`: thin clients of warrend's HTTP API.
 *
 * Requests are HTTP/1.0, so that an answer ends with its connection: no chunks to decode, and the lines of a
 * streamed answer are used as they come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients/cli/cli.h"
#include "server/publish.h"

struct remote {
	char host[256], port[16], token[300];
};

static bool parse_url(struct remote *remote, const char *url)
{
	const char *rest = strncmp(url, "http://", 7) == 0 ? url + 7 : NULL, *colon;
	size_t len = rest ? strcspn(rest, "/") : 0;

	colon = rest ? memrchr(rest, ':', len) : NULL;
	if (!len || len >= sizeof(remote->host)) {
		cli_complain("the address of warrend is http://HOST:PORT, not '%s'", url);
		return false;
	}
	snprintf(remote->host, sizeof(remote->host), "%.*s", (int)(colon ? colon - rest : (long)len), rest);
	snprintf(remote->port, sizeof(remote->port), "%.*s", colon ? (int)(rest + len - colon - 1) : 2,
		 colon ? colon + 1 : "80");
	return true;
}

static bool read_token(struct remote *remote, const char *file)
{
	const char *given = getenv("WARREN_TOKEN");
	FILE *stream;
	bool ok;

	if (!file && given) {
		snprintf(remote->token, sizeof(remote->token), "%s", given);
		return true;
	}
	if (!file) {
		cli_complain("a token is needed: --token-file STATE_DIR/token, or $WARREN_TOKEN");
		return false;
	}
	stream = fopen(file, "re");
	ok = stream && fgets(remote->token, sizeof(remote->token), stream);
	if (!ok)
		cli_complain("cannot read the token file %s: %s", file, strerror(errno));
	if (stream)
		fclose(stream);
	remote->token[strcspn(remote->token, "\r\n")] = 0;
	return ok;
}

static int dial(const struct remote *remote)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	int r = getaddrinfo(remote->host, remote->port, &hints, &found), fd = -1;

	if (r) {
		cli_complain("cannot find %s: %s", remote->host, gai_strerror(r));
		return -1;
	}
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			r = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	if (fd < 0)
		cli_complain("cannot connect to warrend at %s:%s: %s", remote->host, remote->port,
			     strerror(r));
	return fd;
}

/* Sends a request (body stolen); returns the answer's stream behind its head, and the status. */
static FILE *request(const struct remote *remote, const char *method, const char *path, json_t *body,
		     int *status)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL, line[4096];
	FILE *stream = NULL;
	int fd;

	if (body && !text) {
		cli_complain("an argument is not UTF-8");
		json_decref(body);
		return NULL;
	}
	json_decref(body);
	fd = dial(remote);
	if (fd >= 0) {
		dprintf(fd,
			"%s %s HTTP/1.0\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\nContent-Type: "
			"application/json\r\n"
			"Content-Length: %zu\r\n\r\n%s",
			method, path, remote->host, remote->port, remote->token, text ? strlen(text) : 0,
			text ? text : "");
		stream = fdopen(fd, "r");
	}
	free(text);
	if (!stream)
		return NULL;
	if (!fgets(line, sizeof(line), stream) || sscanf(line, "HTTP/%*s %d", status) != 1) {
		cli_complain("warrend did not answer as a HTTP server");
		fclose(stream);
		return NULL;
	}
	while (fgets(line, sizeof(line), stream) && strcmp(line, "\r\n") != 0)
		;
	return stream;
}

/* The whole answer. NULL when there is none, or when it is a problem (which has been told). */
static json_t *call(const struct remote *remote, const char *method, const char *path, json_t *body)
{
	int status = 0;
	FILE *stream = request(remote, method, path, body, &status);
	json_t *answer;

	if (!stream)
		return NULL;
	answer = status == 204 ? json_object() : json_loadf(stream, 0, NULL);
	fclose(stream);
	if (status >= 200 && status < 300 && answer)
		return answer;
	cli_complain("%s", json_is_object(answer) ? json_string_value(json_object_get(answer, "detail"))
						  : "warrend's answer was cut off");
	json_decref(answer);
	return NULL;
}

static int ps(const struct remote *remote)
{
	char path[128] = "/v1/sandboxes?limit=1000";
	const json_t *item;
	const char *cursor;
	json_t *page;
	size_t index;

	printf("%-20s %-9s %-24s %s\n", "ID", "STATE", "CREATED", "ROOTFS");
	do {
		page = call(remote, "GET", path, NULL);
		if (!page)
			return CLI_EXIT_FAILED;
		json_array_foreach(json_object_get(page, "items"), index, item)
		{
			const char *reason = json_string_value(json_object_get(item, "reason"));

			printf("%-20s %-9s %-24s %s%s%s\n", json_string_value(json_object_get(item, "id")),
			       json_string_value(json_object_get(item, "state")),
			       json_string_value(json_object_get(item, "created_at")),
			       json_string_value(json_object_get(item, "rootfs")), reason ? "  # " : "",
			       reason ? reason : "");
		}
		cursor = json_string_value(json_object_get(page, "next_cursor"));
		if (cursor)
			snprintf(path, sizeof(path), "/v1/sandboxes?limit=1000&cursor=%.64s", cursor);
		json_decref(page);
	} while (cursor);
	return 0;
}

static void write_base64(FILE *to, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned int group = 0, bits = 0;

	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);

		if (!digit)
			return;
		group = group << 6 | (unsigned int)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			fputc((int)(group >> bits & 255), to);
		}
	}
}

/* One line of a streamed exec. Returns the exit status once it is told, else -1. */
static int stream_line(const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "stream"));
	const json_t *data = json_object_get(line, "data"), *how = json_object_get(line, "exit");
	const char *base64 = json_string_value(json_object_get(line, "data_base64"));
	const char *error = json_string_value(json_object_get(line, "error"));
	FILE *to = name && strcmp(name, "stderr") == 0 ? stderr : stdout;

	if (data)
		fwrite(json_string_value(data), 1, json_string_length(data), to);
	if (base64)
		write_base64(to, base64);
	if (error) {
		cli_complain("%s", error);
		return CLI_EXIT_FAILED;
	}
	fflush(to);
	return how ? (int)json_integer_value(json_object_get(how, "code")) & 255 : -1;
}

static int run_command(const struct remote *remote, const char *id, char **argv)
{
	json_t *list = json_array(), *line;
	char path[256];
	int status = 0, result = -1;
	FILE *stream;

	for (; *argv; argv++)
		json_array_append_new(list, json_stringn_nocheck(*argv, strlen(*argv)));
	snprintf(path, sizeof(path), "/v1/sandboxes/%.128s/exec?stream=1", id);
	stream = request(remote, "POST", path, json_pack("{s:o}", "argv", list), &status);
	while (stream && (line = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL))) {
		if (status == 200) {
			result = stream_line(line);
		} else {
			const char *code = json_string_value(json_object_get(line, "code"));

			cli_complain("%s", json_string_value(json_object_get(line, "detail")));
			result = code && strcmp(code, "not_found_in_sandbox") == 0 ? CLI_EXIT_NOT_FOUND
										   : CLI_EXIT_FAILED;
		}
		json_decref(line);
		if (result >= 0)
			break;
	}
	if (stream && result < 0)
		cli_complain("warrend's answer was cut off");
	if (stream)
		fclose(stream);
	return result < 0 ? CLI_EXIT_FAILED : result;
}

static int create(const struct remote *remote, json_t *spec)
{
	json_t *answer = call(remote, "POST", "/v1/sandboxes", json_incref(spec));

	if (!answer)
		return CLI_EXIT_FAILED;
	printf("%s\n", json_string_value(json_object_get(answer, "id")));
	json_decref(answer);
	return 0;
}

static int rm(const struct remote *remote, char **ids)
{
	int status = 0;

	for (; *ids; ids++) {
		char path[256];
		json_t *answer;

		snprintf(path, sizeof(path), "/v1/sandboxes/%.128s", *ids);
		answer = call(remote, "DELETE", path, NULL);
		if (!answer)
			status = CLI_EXIT_FAILED;
		json_decref(answer);
	}
	return status;
}

/* The address as the user wrote it, without brackets. */
static bool add_port(json_t *spec, const char *value)
{
	struct publish_port port;
	char host[INET6_ADDRSTRLEN] = "";
	json_t *ports = json_object_get(spec, "ports");

	if (!publish_parse(value, &port)) {
		cli_complain("--publish is [HOSTIP:]HOSTPORT:GUESTPORT[/tcp|/udp], not '%s'", value);
		return false;
	}
	if (!ports) {
		ports = json_array();
		json_object_set_new(spec, "ports", ports);
	}
	if (!port.any && IN6_IS_ADDR_V4MAPPED(&port.host))
		inet_ntop(AF_INET, port.host.s6_addr + 12, host, sizeof(host));
	else if (!port.any)
		inet_ntop(AF_INET6, &port.host, host, sizeof(host));
	return json_array_append_new(ports,
				     json_pack("{s:s*,s:i,s:i,s:s}", "host_ip", port.any ? NULL : host,
					       "host_port", port.host_port, "guest_port", port.guest_port,
					       "protocol", port.udp ? "udp" : "tcp")) == 0;
}

static bool set_spec(json_t *spec, int option, const char *value)
{
	json_t *resources = json_object_get(spec, "resources");
	const char *equals;
	char name[256];
	uint64_t number;

	switch (option) {
	case 'r':
		return json_object_set_new(spec, "rootfs", json_string(value)) == 0;
	case 'n':
		return json_object_set_new(spec, "network", json_string(value)) == 0;
	case 'P':
		return add_port(spec, value);
	case 'h':
		return json_object_set_new(spec, "hostname", json_string(value)) == 0;
	case 'm':
		return cli_parse_size(value, &number) &&
		       json_object_set_new(resources, "memory_bytes", json_integer((json_int_t)number)) == 0;
	case 'p':
		return cli_parse_number(value, &number) &&
		       json_object_set_new(resources, "pids", json_integer((json_int_t)number)) == 0;
	case 'e':
		equals = strchr(value, '=');
		if (!equals || equals == value || (size_t)(equals - value) >= sizeof(name))
			return false;
		snprintf(name, sizeof(name), "%.*s", (int)(equals - value), value);
		return json_object_set_new(json_object_get(spec, "env"), name, json_string(equals + 1)) == 0;
	default:
		return false;
	}
}

static int checkpoint(const struct remote *remote, const char *id, const char *image)
{
	char path[256];
	json_t *answer;

	snprintf(path, sizeof(path), "/v1/sandboxes/%.128s/checkpoint", id);
	answer = call(remote, "POST", path, json_pack("{s:s}", "image", image));
	json_decref(answer);
	return answer ? 0 : CLI_EXIT_FAILED;
}

int cli_remote_checkpoint(const char *url, const char *token_file, const char *id, const char *image)
{
	struct remote remote;

	if (!url)
		url = getenv("WARREN_URL");
	if (!parse_url(&remote, url ? url : "http://127.0.0.1:7070") || !read_token(&remote, token_file))
		return CLI_EXIT_FAILED;
	return checkpoint(&remote, id, image);
}

int cli_remote(const char *verb, int argc, char **argv)
{
	static const struct option options[] = {
	    {"url", required_argument, NULL, 'U'},     {"token-file", required_argument, NULL, 'T'},
	    {"rootfs", required_argument, NULL, 'r'},  {"hostname", required_argument, NULL, 'h'},
	    {"memory", required_argument, NULL, 'm'},  {"pids", required_argument, NULL, 'p'},
	    {"env", required_argument, NULL, 'e'},     {"network", required_argument, NULL, 'n'},
	    {"publish", required_argument, NULL, 'P'}, {0}};
	const char *url = getenv("WARREN_URL"), *token_file = NULL;
	json_t *spec = json_pack("{s:{},s:{}}", "env", "resources");
	struct remote remote;
	int option, status = CLI_EXIT_FAILED;
	bool making = strcmp(verb, "create") == 0;
	char **rest;

	while ((option = getopt_long(argc, argv, "+e:", options, NULL)) >= 0) {
		if (option == 'U') {
			url = optarg;
		} else if (option == 'T') {
			token_file = optarg;
		} else if (!making || !set_spec(spec, option, optarg)) {
			if (option != '?')
				cli_complain("a bad or unfitting option for %s (see warren --help)", verb);
			goto out;
		}
	}
	rest = argv + optind;
	if (!parse_url(&remote, url ? url : "http://127.0.0.1:7070") || !read_token(&remote, token_file))
		goto out;
	if (making)
		status = create(&remote, spec);
	else if (strcmp(verb, "ps") == 0)
		status = ps(&remote);
	else if (strcmp(verb, "rm") == 0 && rest[0])
		status = rm(&remote, rest);
	else if (strcmp(verb, "exec") == 0 && rest[0] && rest[1])
		status = run_command(&remote, rest[0], rest + 1 + (strcmp(rest[1], "--") == 0));
	else
		cli_complain("%s needs more arguments (see warren --help)", verb);
out:
	json_decref(spec);
	return status;
}
