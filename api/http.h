/* http.h: libmicrohttpd inside the libuv loop. */
#ifndef WARREN_API_HTTP_H
#define WARREN_API_HTTP_H

#include "api/routes.h"

/* Serves on the listening socket (taken over). */
int http_start(struct api *api, int listen_socket, struct error *error);
/* Ends all connections; runs the loop a little to let them go. */
void http_stop(struct api *api);

#endif
