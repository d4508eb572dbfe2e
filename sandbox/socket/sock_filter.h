/*
 * sock_filter.h - SO_ATTACH_FILTER and its kin, for all families that have filters.
 */
#ifndef WARREN_SOCKET_SOCK_FILTER_H
#define WARREN_SOCKET_SOCK_FILTER_H

#include "netstack/transport/filter.h"
#include "sandbox/socket/socket.h"

/* Is it an option of filters, to be set by sock_filter_set()? */
bool sock_filter_option(int name);
/* Sets one; `filter` is the socket's own. -EPERM when it is locked. */
int sock_filter_set(struct socket *s, struct netstack *ns, struct net_filter **filter, int name,
		    const void *value, size_t size) must_check;

#endif
