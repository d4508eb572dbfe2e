/* fakes.h - see fakes.c. */
#ifndef WARREN_TESTS_UNIT_IPC_FAKES_H
#define WARREN_TESTS_UNIT_IPC_FAKES_H

#include "sandbox/vfs/vfs.h"

/* What the clock says, and the timer that was armed last. */
extern u64 fake_now;
extern struct timer *fake_timer;

struct file *fake_file(const struct file_ops *ops, u32 o_flags);
s64 fake_read(struct file *f, void *buf, size_t size);
s64 fake_write(struct file *f, const void *buf, size_t size);

#endif
