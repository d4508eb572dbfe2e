/* endpoint.h: unix sockets by folder and name, whatever the length of the folder's path. */
#ifndef WARREN_SERVER_ENDPOINT_H
#define WARREN_SERVER_ENDPOINT_H

#include "server/error.h"

/* A listening SOCK_STREAM socket FOLDER/NAME of mode 0600, replacing what was there. Returns the descriptor.
 */
int endpoint_listen(const char *folder, const char *name, struct error *error);

/* Connects without waiting. Returns the descriptor. */
int endpoint_connect(const char *folder, const char *name, struct error *error);

#endif
