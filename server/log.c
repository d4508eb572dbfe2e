/* log.c: see log.h. A line is written with one write(), so that lines of several threads or processes do not
 * mix. */
#include "server/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level g_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	g_level = level;
}

void log_event(enum log_level level, const char *event, json_t *fields)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct timespec now;
	struct tm tm;
	char when[64], *text, *line = NULL;
	json_t *root;
	int size;

	if (level < g_level) {
		json_decref(fields);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size = (int)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when + size, sizeof(when) - (size_t)size, ".%03dZ", (int)(now.tv_nsec / 1000000));
	root = json_pack("{s:s,s:s,s:s}", "time", when, "level", names[level], "event", event);
	if (fields)
		json_object_update_missing(root, fields);
	text = json_dumps(root, JSON_COMPACT);
	if (text && (size = asprintf(&line, "%s\n", text)) > 0) {
		ssize_t written = write(2, line, (size_t)size);

		(void)written; /* a log that cannot be written must not stop the daemon */
	}
	free(line);
	free(text);
	json_decref(root);
	json_decref(fields);
}
