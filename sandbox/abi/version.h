/*
 * abi/version.h - the Linux that guests see: uname(2), /proc/version, /proc/sys/kernel.
 */
#ifndef WARREN_ABI_VERSION_H
#define WARREN_ABI_VERSION_H

#define LINUX_RELEASE "6.12.0-warren"
#define LINUX_VERSION "#1 SMP PREEMPT_DYNAMIC Warren"

#endif
