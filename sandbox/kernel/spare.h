/*
 * spare.h - stubs of processes that have ended, for the next program of the same rights. See spare.c.
 */
#ifndef WARREN_KERNEL_SPARE_H
#define WARREN_KERNEL_SPARE_H

#include "sandbox/kernel/cred.h"

struct aspace;

/* t, the last thread of its process, exits: keeps its stub if that can serve again. True: t->ut is gone, and
 * t->mm has no address space any more. */
bool spare_keep(struct task *t);
/* A stub for an image that will run with these credentials in t, or NULL. *used: it still has the old image
 * in it. Not for set-id programs. */
struct aspace *spare_take(const struct task *t, const struct cred *c, bool *used);
/* Lets all that wait go (before a checkpoint). */
void spare_drop_all(void);

#endif
