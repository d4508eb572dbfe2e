/*
 * checkpoint.h - a sandbox in files, and out of them again. docs/checkpoint.md says what survives.
 *
 * A checkpoint needs no serialiser: all kernel objects, coroutine stacks included, lie in the arena, and the
 * image is the arena's pages, the slots of the guest threads, the private pages of each address space and the
 * contents of shared memory. What is the host's is made anew from recipes (struct host_fd).
 *
 * The coroutine that asks for it sleeps while the loop writes the image at a moment when nothing moves, and
 * wakes up twice: in the old sentry, which then ends, and in every new one that is made from the image.
 */
#ifndef WARREN_CHECKPOINT_CHECKPOINT_H
#define WARREN_CHECKPOINT_CHECKPOINT_H

#include "sandbox/base/host_fd.h"
#include "sandbox/base/types.h"

#define CHECKPOINT_SAVED    0
#define CHECKPOINT_RESTORED 1

/* Stops the sandbox and writes its image to the two files. CHECKPOINT_SAVED: it is written, nothing moves any
 * more; CHECKPOINT_RESTORED: this is the new sandbox, whose host resources are not there yet; -errno: it goes
 * on as before, `why` has a sentence. `base`: the program's own load address, 0: it has none. [sleeps] */
int checkpoint_save(int pages_fd, int manifest_fd, char *why, size_t size) must_check;
/* After CHECKPOINT_SAVED: let it go on after all. [sleeps] */
void checkpoint_cancel(void);

/* In a new process: its arena becomes that of the image. Called at boot, instead of kernel_init() and
 * platform_init(). */
struct checkpoint_boot {
	int manifest_fd, pages_fd, maps_fd, account_fd, log_fd;
};
int checkpoint_load(const struct checkpoint_boot *boot, char *why, size_t size) must_check;
/* What a restored sandbox waits for. NULL: nothing, it is not being restored. */
bool checkpoint_restoring(void);
/* Gives a standard stream or terminal (HOST_FD_STREAM) its new descriptor, which is taken over. */
int checkpoint_give_stream(u32 recipe, int fd, char *why, size_t size) must_check;
/* All resources are there: makes the address spaces and lets the guests go on. -errno: it cannot be, the
 * sandbox is to end. [sleeps] */
int checkpoint_resume(char *why, size_t size) must_check;
/* The streams that a sandbox has, one after the other; NULL after the last. */
struct host_fd *checkpoint_next_stream(const struct host_fd *previous);

#endif
