/*
 * One packet in, one packet out, with descriptors. Used by both ends; thin enough for the sentry (no
 * allocation, no state). Every call returns a negative errno.
 */
#ifndef WARREN_GOFER_IO_H
#define WARREN_GOFER_IO_H

#include <stddef.h>

/* A peer may send more descriptors than it should: these are received, and the caller has them all closed. */
#define GOFER_FDS_MAX 8

/* Sends one packet; `fd` rides along if it is not -1 (and stays the caller's). 0 or -errno (-EAGAIN if
 * MSG_DONTWAIT). */
int gofer_send(int sock, const void *msg, size_t size, int fd, int flags);

/*
 * Receives one packet into buf[cap]. Returns its size; 0 at the end of the connection; -EMSGSIZE if it was
 * larger than the buffer (it is lost then); another -errno. The descriptors that came with it are put in
 * fds[GOFER_FDS_MAX] (close-on-exec) and their number in *fd_count; more than fit makes the packet -EPROTO,
 * with none left open. GOFER_FD_LOST: one came, but this process may have no more descriptors.
 */
#define GOFER_FD_LOST (-1)
int gofer_recv(int sock, void *buf, size_t cap, int *fds, int *fd_count, int flags);

/* A socket's buffers made large enough for a few messages of the greatest size. Failure is not fatal: the
 * default does. */
void gofer_tune(int sock);

#endif
