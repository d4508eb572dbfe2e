/*
 * load.c - the way out of an image.
 *
 * At boot, while rights are still there, the arena is filled and the platform gets its new control memfd,
 * doorbell and zygote; from then on the loop runs, with all guests frozen as they were. A supervisor connects
 * and hands over gofers and streams; only then are the address spaces rebuilt and the guests let go.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sandbox/base/log.h"
#include "sandbox/checkpoint/checkpoint_priv.h"
#include "sandbox/fs/gofer/gofer.h"

/* The sentry's own pages that lie in [low, low + extent). */
static int load_sentry_pages(struct image *im, u64 low, u64 extent)
{
	u64 offset = 0;

	for (u32 i = 0; i < im->header->run_count; i++) {
		const struct image_run *r = &im->runs[i];
		u64 size = r->page_count * PAGE_SIZE;

		if (r->kind == IMAGE_SENTRY && r->address >= low && r->address - low < extent) {
			int err;
			if ((r->address & ~PAGE_MASK) || size > extent - (r->address - low))
				return -EBADMSG;
			err = image_read(im, offset, (void *)(uintptr_t)r->address, size);
			if (err)
				return err;
		}
		if (image_run_has_pages(r))
			offset += size;
	}
	return 0;
}

static int failed(char *why, size_t size, int err, const char *what)
{
	if (err == -EBADMSG)
		snprintf(why, size, "the image's pages are damaged");
	else
		snprintf(why, size, "%s: %s", what, strerrorname_np(-err));
	return err;
}

static int load_arena(struct image *im, char *why, size_t size)
{
	int err = arena_attach(im->header->arena);

	if (err)
		return failed(why, size, err, "the arena's addresses are taken");
	err = load_sentry_pages(im, arena_address(), arena_extent());
	if (!err &&
	    (!arena_valid() || !kernel()->checkpoint || kernel()->checkpoint->outcome != CHECKPOINT_RESTORED))
		err = -EBADMSG;
	return err ? failed(why, size, err, "the arena cannot be read") : 0;
}

int checkpoint_load(const struct checkpoint_boot *boot, char *why, size_t size)
{
	struct image im;
	struct checkpoint *c;
	int err = image_open(&im, boot->manifest_fd, boot->pages_fd, why, size);

	if (err)
		return err;
	err = load_arena(&im, why, size);
	if (err)
		return err;
	log_set_fd(boot->log_fd);
	resources_detach();
	sched_restore(im.header->cycles);
	err = platform_restore(boot->maps_fd, boot->account_fd);
	if (!err)
		err = load_sentry_pages(&im, im.header->windows, im.header->arena - im.header->windows);
	if (err)
		return failed(why, size, err, "the platform cannot be made again");
	c = kernel()->checkpoint;
	c->image = im;
	c->restoring = true;
	c->pages_fd = c->manifest_fd = -1;
	coro_wake(c->coro);
	return 0;
}

bool checkpoint_restoring(void)
{
	return kernel()->checkpoint && kernel()->checkpoint->restoring;
}

int checkpoint_resume(char *why, size_t size)
{
	struct checkpoint *c = kernel()->checkpoint;
	int err = resources_complete(why, size);

	if (err)
		return err;
	memory_release(c, false);
	err = resources_load(&c->image);
	if (!err)
		err = memory_load(c);
	if (err)
		return failed(why, size, err, "the memory of the sandbox cannot be made again");
	image_close(&c->image);
	kernel()->checkpoint = NULL;
	kfree(c);
	sched_release();
	platform_thaw();
	return 0;
}
