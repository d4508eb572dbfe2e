/*
 * A gofer on a fresh temporary directory, and a client of it over a blocking transport. START_JAILED runs the
 * real program (needs root for its namespaces; without root it serves unconfined), START_DIRECT the server in
 * a forked child.
 */
#ifndef WARREN_TESTS_GOFER_FIXTURE_H
#define WARREN_TESTS_GOFER_FIXTURE_H

#include <check.h>
#include <stdint.h>
#include <sys/types.h>
#include "gofer/client/client.h"

struct fixture {
	char dir[96];
	char outside[64]; /* beside the tree: must never be reached */
	pid_t pid;
	int sock;
	struct gofer_client client;
	struct gofer_blocking blocking;
	struct gofer_call call;
	unsigned char rx[GOFER_MSG_MAX];
	unsigned char buf[GOFER_MSG_MAX];
	uint64_t root;
	struct gofer_attr root_attr;
};

void fixture_start(struct fixture *f, bool ro);
void fixture_attach(struct fixture *f);
void fixture_stop(struct fixture *f);

/* Path below the tree, in a static buffer. */
const char *host(struct fixture *f, const char *name);
void host_write(struct fixture *f, const char *name, const char *text);

struct gofer_str str(const char *text);
/* Walks one name: handle or 0, with *stop. */
uint64_t walk1(struct fixture *f, uint64_t dir, const char *name, int *stop, struct gofer_attr *attr);
int create(struct fixture *f, uint64_t dir, const char *name, uint32_t mode, const char *target,
	   uint64_t *handle, struct gofer_attr *attr);

Suite *suite_proto(void);
Suite *suite_ops(void);
Suite *suite_hostile(void);

#endif
