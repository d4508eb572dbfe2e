/* endpoint.c: see endpoint.h. A socket's address holds 107 characters of path, so the folder is named through
 * its descriptor: /proc/self/fd/N/NAME. */
#include "server/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_folder(const char *folder, const char *name, struct sockaddr_un *address, struct error *error)
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(error, errno, "cannot open the folder %s", folder);
	address->sun_family = AF_UNIX;
	if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", fd, name) >=
	    sizeof(address->sun_path)) {
		close(fd);
		return error_set(error, ENAMETOOLONG, "the socket name %s is too long", name);
	}
	return fd;
}

int endpoint_listen(const char *folder, const char *name, struct error *error)
{
	struct sockaddr_un address = {0};
	int folder_fd = open_folder(folder, name, &address, error), fd, r = 0;

	if (folder_fd < 0)
		return folder_fd;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0)
		unlinkat(folder_fd, name, 0);
	if (fd < 0 || fchmod(fd, 0600) != 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, 64) != 0)
		r = error_errno(error, errno, "cannot make the control socket %s/%s", folder, name);
	close(folder_fd);
	if (r && fd >= 0)
		close(fd);
	return r ? r : fd;
}

int endpoint_connect(const char *folder, const char *name, struct error *error)
{
	struct sockaddr_un address = {0};
	int folder_fd = open_folder(folder, name, &address, error), fd, r = 0;

	if (folder_fd < 0)
		return folder_fd;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		r = error_errno(error, errno, "cannot connect to the control socket %s/%s", folder, name);
	close(folder_fd);
	if (r && fd >= 0)
		close(fd);
	return r ? r : fd;
}
