/*
 * save.c - the way into an image: stop the guests, wait for a moment when nothing is under way, write.
 *
 * The image is written by the loop, on its own stack, when no coroutine is left to run: each then sleeps in a
 * frame that lies in the arena, and no request to a stub or gofer is out. Until that is so, the sandbox is
 * frozen and its coroutines finish what they are at. Nothing is allocated while the arena is written.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/checkpoint/checkpoint_priv.h"
#include "sandbox/fs/gofer/gofer.h"
#include "sandbox/kernel/spare.h"
#include "sandbox/mm/mm.h"
#include "sandbox/vfs/hostview.h"

#define PATIENCE_NS (10 * NSEC_PER_SEC)
#define LOOK_NS     (NSEC_PER_SEC / 200)

static int put_range(void *start, u64 size, void *arg)
{
	struct image_writer *w = arg;
	const char *p = start;

	for (u64 i = 0; i < size; i += PAGE_SIZE)
		if (!page_is_zero(p + i))
			image_put(w, IMAGE_SENTRY, 0, (u64)(uintptr_t)p + i, p + i, 1);
	return w->error;
}

static u64 clock_now(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void describe(struct image_header *h)
{
	h->arena = arena_address();
	h->windows = platform_windows();
	h->monotonic_ns = clock_monotonic();
	h->boottime_ns = clock_now(CLOCK_BOOTTIME);
	h->realtime_ns = clock_realtime();
	h->cycles = cycles();
}

static int write_image(struct checkpoint *c)
{
	struct image_header h = {0};
	struct image_writer w;
	int err = image_writer_init(&w, c->pages_fd);

	host_views_drop_all();
	if (!err)
		err = image_describe_self(&h);
	if (!err)
		err = resources_save(&w);
	if (!err)
		err = memory_save(c, &w);
	platform_settle_clocks();
	describe(&h);
	if (!err)
		err = platform_shared_ranges(put_range, &w);
	if (!err)
		err = arena_ranges(put_range, &w);
	if (!err)
		err = image_writer_finish(&w, &h, c->manifest_fd);
	image_writer_free(&w);
	return err;
}

/* Called by the loop when nothing is left to run. */
static bool try_save(void *arg)
{
	struct checkpoint *c = arg;
	int err;

	spare_drop_all();
	if (!platform_at_rest() || !gofers_idle())
		return false;
	c->done = true;
	c->outcome = CHECKPOINT_RESTORED;
	err = write_image(c);
	c->outcome = err ? err : CHECKPOINT_SAVED;
	coro_wake(c->coro);
	return true;
}

static int fail(char *why, size_t size, int err, const char *text)
{
	snprintf(why, size, "%s (%s)", text, strerrorname_np(-err));
	return err;
}

static int save(struct checkpoint *c, char *why, size_t size)
{
	u64 deadline = clock_monotonic() + PATIENCE_NS;
	int err = platform_freeze(deadline);

	if (err)
		return fail(why, size, err, "the sandbox's threads do not stand still");
	err = resources_survey(why, size);
	if (err)
		return err;
	err = memory_prepare(c);
	if (err)
		return fail(why, size, err,
			    err == -ENOSYS
				? "the sandbox was started where no proc file system can be mounted, "
				  "so its memory cannot be told"
				: "an address space cannot be prepared");
	c->coro = coro_current();
	c->coro->service = true;
	sched_when_at_rest(try_save, c);
	while (!c->done && clock_monotonic() < deadline)
		if (sched_sleep(clock_monotonic() + LOOK_NS, SLEEP_UNINTERRUPTIBLE) == -ENOMEM)
			sched_yield_now();
	sched_when_at_rest(NULL, NULL);
	if (!c->done)
		return fail(why, size, -EBUSY, "the sandbox's kernel does not come to rest");
	if (c->outcome < 0)
		return fail(why, size, c->outcome, "the image cannot be written");
	return c->outcome;
}

int checkpoint_save(int pages_fd, int manifest_fd, char *why, size_t size)
{
	struct checkpoint *c;
	int err;

	if (!kernel()->base_address)
		return fail(why, size, -EOPNOTSUPP,
			    "this host does not let the sandbox's kernel choose its load address");
	if (kernel()->checkpoint)
		return fail(why, size, -EBUSY, "a checkpoint is under way or made already");
	c = knew(struct checkpoint);
	if (!c)
		return -ENOMEM;
	list_init(&c->spaces);
	c->pages_fd = pages_fd;
	c->manifest_fd = manifest_fd;
	kernel()->checkpoint = c;
	err = save(c, why, size);
	if (err < 0)
		checkpoint_cancel();
	return err;
}

void checkpoint_cancel(void)
{
	struct checkpoint *c = kernel()->checkpoint;

	memory_release(c, true);
	gofers_unsurvey();
	kernel()->checkpoint = NULL;
	kfree(c);
	platform_thaw();
}
