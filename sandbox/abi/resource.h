/*
 * resource.h - struct rusage (getrusage(2)) as the guest sees it.
 */
#ifndef WARREN_ABI_RESOURCE_H
#define WARREN_ABI_RESOURCE_H

#include "sandbox/base/types.h"

#define LINUX_RUSAGE_SELF     0
#define LINUX_RUSAGE_CHILDREN (-1)
#define LINUX_RUSAGE_THREAD   1

struct linux_rusage {
	s64 utime[2], stime[2], maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd,
	    msgrcv, nsignals, nvcsw, nivcsw;
};
static_assert(sizeof(struct linux_rusage) == 144, "struct rusage");

#endif
