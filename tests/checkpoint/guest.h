/*
 * guest.h - the program that the tests of checkpoints run inside: one situation per name.
 *
 * Each situation brings itself about, says "ready", is checkpointed and restored at some time after, hears
 * "go" on its standard input, and says "ok", or what is not as it should be.
 */
#ifndef WARREN_TESTS_CHECKPOINT_GUEST_H
#define WARREN_TESTS_CHECKPOINT_GUEST_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <unistd.h>

void die(const char *what, int line) __attribute__((noreturn));
#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition))                                                                            \
			die(#condition, __LINE__);                                                           \
	} while (0)

void say(const char *text);
/* Says "ready" and waits for "go". */
void pause_here(void);
void await_go(void);
int64_t now_ms(int clock);

struct situation {
	const char *name;
	void (*run)(void);
};
extern const struct situation cpu_situations[], wait_situations[], time_situations[], memory_situations[],
    file_situations[], process_situations[], net_situations[];

#endif
