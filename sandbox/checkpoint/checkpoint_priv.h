/*
 * checkpoint_priv.h - what the files of checkpoint/ share.
 */
#ifndef WARREN_CHECKPOINT_PRIV_H
#define WARREN_CHECKPOINT_PRIV_H

#include "sandbox/checkpoint/checkpoint.h"
#include "sandbox/checkpoint/image.h"
#include "sandbox/kernel/kernel.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/platform/platform.h"

#define REASON_SIZE 256

struct aspace_pages { /* of an address space that is saved */
	struct list_head node;
	struct aspace *as;
	struct host_fd *pagemap;
};

struct checkpoint {
	struct coro *coro; /* sleeps in checkpoint_save */
	int pages_fd, manifest_fd;
	struct list_head spaces; /* struct aspace_pages.node */
	bool done;
	int outcome; /* CHECKPOINT_RESTORED in the image */
	char why[REASON_SIZE];
	/* in a restored sandbox */
	bool restoring;
	struct image image;
};

/* memory.c */
/* Makes ready what saving an address space needs: its page map; and unreadable ranges are made readable.
 * [sleeps] */
int memory_prepare(struct checkpoint *c) must_check;
/* Undoes it. `thaw`: the address spaces go on. [sleeps] */
void memory_release(struct checkpoint *c, bool thaw);
/* At rest: does not sleep. */
int memory_save(struct checkpoint *c, struct image_writer *w) must_check;
/* Rebuilds every address space in a new stub. [sleeps] */
int memory_load(struct checkpoint *c) must_check;

/* resources.c */
/* Is there anything that cannot be made anew? `why` gets a sentence. */
int resources_survey(char *why, size_t size) must_check;
/* At rest. */
int resources_save(struct image_writer *w) must_check;
int resources_load(struct image *im) must_check;
/* Every descriptor is another process's: none is open here. */
void resources_detach(void);
/* Is one that matters still missing? */
int resources_complete(char *why, size_t size) must_check;

#endif
