/* log.h: structured logs of the daemon: one JSON object a line on standard error. Tokens never go in. */
#ifndef WARREN_SERVER_LOG_H
#define WARREN_SERVER_LOG_H

#include <jansson.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level level);
/* `event` is a stable dotted name; `fields` (an object or NULL) is stolen. */
void log_event(enum log_level level, const char *event, json_t *fields);

#endif
