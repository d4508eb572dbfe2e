/*
 * shm.h - segments of System V shared memory, in an IPC namespace of the case's own.
 */
#ifndef WARREN_TESTS_SHM_H
#define WARREN_TESTS_SHM_H

#define _GNU_SOURCE
#include <grp.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "case.h"

#define PAGE 4096UL
#define AWAY ((void *)-1)

static inline int segment(size_t size)
{
	int id;

	OK(unshare(CLONE_NEWIPC));
	id = shmget(IPC_PRIVATE, size, 0600);
	OK(id);
	return id;
}

static inline char *attach(int id, int flags)
{
	void *p = shmat(id, NULL, flags);

	if (p == AWAY)
		case_fail(__FILE__, __LINE__, "shmat failed with %s", errno_name(errno));
	return p;
}

static inline long attached(int id)
{
	struct shmid_ds d;

	OK(shmctl(id, IPC_STAT, &d));
	return (long)d.shm_nattch;
}

static inline void become_nobody(void)
{
	OK(setresgid(65534, 65534, 65534));
	OK(setresuid(65534, 65534, 65534));
}

static inline void set_number(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	OK(fd);
	EXPECT_EQ(write(fd, text, strlen(text)), (long)strlen(text));
	close(fd);
}

static inline void find_line(const char *file, const char *what, char *line, size_t size)
{
	FILE *f = fopen(file, "r");

	EXPECT(f);
	while (fgets(line, (int)size, f))
		if (strstr(line, what)) {
			fclose(f);
			return;
		}
	case_fail(__FILE__, __LINE__, "%s does not name %s", file, what);
}

#endif
