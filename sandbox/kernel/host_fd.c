/*
 * host_fd.c - the table of host resources: every descriptor that a kernel object stands on is listed in the
 * root.
 */
#include <unistd.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/vfs/hostview.h"

#define HOST_FD_SPARE 100 /* descriptors that no host_fd stands for, and those on their way */

/* a build for tests may have no control groups, and no views */
#pragma weak cgroup_charge_free
#pragma weak host_view_drop

static void host_fd_release(struct object *obj)
{
	struct host_fd *h = container_of(obj, struct host_fd, obj);

	list_del_init(&h->node);
	kernel()->host_fd_count--;
	if (h->view_size)
		host_view_drop(h);
	if (h->charge)
		cgroup_charge_free(h->charge);
	if (h->fd >= 0)
		close(h->fd);
	kfree(h);
}

bool host_fd_room(void)
{
	const struct kernel *k = kernel();

	return !k->host_fd_limit || k->host_fd_count + HOST_FD_SPARE < k->host_fd_limit;
}

struct host_fd *host_fd_new(int fd, enum host_fd_kind kind, bool writable)
{
	struct host_fd *h = knew(struct host_fd);

	if (!h) {
		close(fd);
		return NULL;
	}
	object_init(&h->obj, host_fd_release);
	h->fd = fd;
	h->kind = kind;
	h->writable = writable;
	list_add_tail(&h->node, &kernel()->host_fds);
	kernel()->host_fd_count++;
	return h;
}
