/*
 * control.h - the sentry's side of the control protocol: containers and processes on a supervisor's word.
 */
#ifndef WARREN_CONTROL_CONTROL_H
#define WARREN_CONTROL_CONTROL_H

#include "sandbox/base/types.h"

/* In a restored arena: the old clients are gone, new ones connect here. 0 or -errno. */
int control_restore(int listen_fd) must_check;
/* Serves connections to the listening socket (taken over) in coroutines of its own. 0 or -errno. */
int control_start(int listen_fd) must_check;

#endif
