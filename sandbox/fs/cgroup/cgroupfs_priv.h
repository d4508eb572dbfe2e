/*
 * cgroupfs_priv.h - what the files of fs/cgroup share: each control file is one line of a table.
 */
#ifndef WARREN_FS_CGROUP_CGROUPFS_PRIV_H
#define WARREN_FS_CGROUP_CGROUPFS_PRIV_H

#include "sandbox/fs/cgroup/cgroupfs.h"
#include "sandbox/kernel/task.h"

enum {
	CGF_NOT_ON_ROOT = 1,
	CGF_DELEGATED = 2 /* may be written in the root of one's own cgroup namespace */
};

struct cgroup_file {
	const char *name;
	u32 mode;
	u32 controller; /* CGROUP_*; 0: every group has it */
	u32 flags;
	/* NULL: -EINVAL. [sleeps] */
	int (*show)(struct cgroup *c, struct text_buf *b);
	/* `text` without space around it. 0 or -errno. */
	int (*store)(struct cgroup *c, char *text, const struct cred *opener);
	size_t event; /* offset of its struct cgroup_event, or 0 */
};
extern const struct cgroup_file cgroup_core_files[], cgroup_cpu_files[], cgroup_memory_files[],
    cgroup_pids_files[];
extern const u32 cgroup_core_file_count, cgroup_cpu_file_count, cgroup_memory_file_count,
    cgroup_pids_file_count;

/* "max" or a decimal number: -EINVAL; -ERANGE beyond `most`. */
int cgroup_parse(const char *text, u64 most, u64 *out) must_check;
void cgroup_print(struct text_buf *b, u64 value); /* "max\n" for CGROUP_NO_LIMIT */
/* A decimal number with a sign. -EINVAL, -ERANGE. */
int cgroup_parse_int(const char *text, s64 least, s64 most, s64 *out) must_check;

/* The owner and mode that file `name` of c has now. */
struct cgroup_attr cgroup_attr_of(struct cgroup *c, const char *name);

#endif
