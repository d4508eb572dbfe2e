/*
 * gofer.h - the file system "gofer": a host directory tree behind a gofer process.
 */
#ifndef WARREN_FS_GOFER_H
#define WARREN_FS_GOFER_H

#include "sandbox/fs/gofer/conn.h"
#include "sandbox/vfs/vfs.h"

/* mount_options: extra = a struct gofer_conn, which the mount takes over (also on failure); data:
 * "cache=shared" when others change the tree too (names and attributes are then asked for anew after a
 * second), "ro". */
extern const struct fs_type gofer_fs_type;

/* ---- across a checkpoint (renew.c) ---- */
/* Is no call to any gofer under way? */
bool gofers_idle(void);
/* Can everything that is in use be opened again by name? `why` gets a sentence if not. */
int gofers_survey(char *why, size_t size) must_check;
/* After all it goes on: what the survey has noted is not so. */
void gofers_unsurvey(void);
/* The sockets of all trees; their recipe_id names them. NULL after the last. */
struct host_fd *gofer_next_socket(const struct host_fd *previous);
/* Tree `recipe` has a new gofer behind fd, which is taken over. [sleeps] */
int gofer_renew(u32 recipe, int fd, char *why, size_t size) must_check;

#endif
