/* supervisor.h: all sandboxes of a warrend: made, found again after a restart, listed, removed; recorded in
 * the store.
 *
 * A sandbox that ended stays listed, with the reason, until it is removed (or until SUPERVISOR_MAX_ENDED
 * newer ones have ended too; the log says so when one is dropped).
 */
#ifndef WARREN_SERVER_SUPERVISOR_H
#define WARREN_SERVER_SUPERVISOR_H

#include <jansson.h>
#include <uv.h>

#include "server/sandbox.h"
#include "server/store.h"

#define SUPERVISOR_MAX_ENDED 1000

struct supervisor;
struct entry; /* one sandbox's record; valid until removed */

/* Makes the state directory, locks it against a second warrend, opens the store, finds the sandboxes again.
 */
int supervisor_open(struct supervisor **supervisor, uv_loop_t *loop, const char *state_dir,
		    unsigned int max_running, struct error *error);
/* Leaves the sandboxes running. */
void supervisor_close(struct supervisor *supervisor);
struct store *supervisor_store(struct supervisor *supervisor);

/* `error` NULL: `entry` runs. Called exactly once; the entry of a failed start is gone after the call. */
typedef void supervisor_created_fn(void *opaque, const struct error *error, struct entry *entry);
/* `spec` (borrowed) has been validated: {"rootfs", "read_only"?, "volumes"?, "env"?, "hostname"?,
 * "resources"?, ...}. -EAGAIN: as many run as may. */
int supervisor_create(struct supervisor *supervisor, json_t *spec, supervisor_created_fn *created,
		      void *opaque, struct error *error);

typedef void supervisor_removed_fn(void *opaque);
/* Ends the sandbox when it runs, and forgets it. `removed` (may be NULL) is called later, when nothing is
 * left. */
int supervisor_remove(struct supervisor *supervisor, struct entry *entry, supervisor_removed_fn *removed,
		      void *opaque, struct error *error);
/* Whoever waits with this `opaque` waits no more. */
void supervisor_cancel(struct supervisor *supervisor, void *opaque);

struct entry *supervisor_find(struct supervisor *supervisor, const char *id);
/* Oldest first; NULL starts, NULL ends. */
struct entry *supervisor_next(struct supervisor *supervisor, struct entry *entry);
unsigned int supervisor_running_count(const struct supervisor *supervisor);

const char *entry_id(const struct entry *entry);
/* NULL when it does not run. */
struct sandbox *entry_sandbox(struct entry *entry);
const json_t *entry_spec(const struct entry *entry);
/* What it was started with; the strings are the entry's. */
void entry_config(const struct entry *entry, struct sandbox_config *config);
const char *entry_reason(const struct entry *entry);
/* What the API shows. New reference. */
json_t *entry_json(const struct entry *entry);

#endif
