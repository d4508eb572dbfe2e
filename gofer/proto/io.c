/* Packets over a SOCK_SEQPACKET socket; see io.h. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "gofer/proto/io.h"
#include "gofer/proto/proto.h"

int gofer_send(int sock, const void *msg, size_t size, int fd, int flags)
{
	struct iovec iov = {.iov_base = (void *)msg, .iov_len = size};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		memset(&control, 0, sizeof(control));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		hdr.msg_control = &control;
		hdr.msg_controllen = sizeof(control.bytes);
	}
	do
		n = sendmsg(sock, &hdr, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == size ? 0 : -EIO;
}

/* Collects the descriptors of a received packet. */
static int take_fds(struct msghdr *hdr, int *fds)
{
	int count = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (count < GOFER_FDS_MAX)
				fds[count++] = fd;
			else
				close(fd);
		}
	}
	return count;
}

int gofer_recv(int sock, void *buf, size_t cap, int *fds, int *fd_count, int flags)
{
	struct iovec iov = {.iov_base = buf, .iov_len = cap};
	union {
		char bytes[CMSG_SPACE(sizeof(int) * GOFER_FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct msghdr hdr = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control.bytes)};
	ssize_t n;

	*fd_count = 0;
	do
		n = recvmsg(sock, &hdr, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*fd_count = take_fds(&hdr, fds);
	if (hdr.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) {
		bool none = *fd_count == 0;

		while (*fd_count > 0)
			close(fds[--*fd_count]);
		if (hdr.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		if (!none)
			return -EPROTO;
		*fd_count = GOFER_FD_LOST;
	}
	return (int)n;
}

void gofer_tune(int sock)
{
	int size = 4 * (int)GOFER_MSG_MAX;

	if (setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		(void)!setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}
