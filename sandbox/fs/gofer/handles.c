/*
 * handles.c - which inodes of a gofer's tree have a handle, and the buffers of the calls that use them.
 *
 * A handle is a descriptor in the gofer, and the gofer has only so many (its RLIMIT_NOFILE): a tree of more
 * files than that must do, too. So what is cached of an inode (names, attributes, listings) does not need a
 * handle, and beyond a bound the handles used longest ago are given back:
 *  - of a file that nobody has open, at once, if it has a name by which a new one can be asked for;
 *  - of a directory, only when its dentry goes: asking for it again would need its parent's first, and the
 *    guest chooses how deep that goes. So idle dentries are let go until there is room.
 *
 * Whoever sleeps in a call keeps the handles that the call names: gofer_op_on() and gofer_handle_hold().
 * A handle that was given back goes to the gofer in a batch, before the next call, and in the order of
 * sending: a call that is under way has come before.
 */
#include <errno.h>

#include "sandbox/fs/gofer/gofer_priv.h"
#include "sandbox/kernel/signal.h"

#define LOOK_AT      64U  /* inodes that are looked at to find a handle that can be given back */
#define SHRINK_BATCH 256U /* dentries that are let go if there is none */

void gofer_handles_init(struct gofer_fs *fs)
{
	u32 max = fs->conn->client.max_handles;
	u32 spare = max_t(u32, max / 8, 2 * GOFER_CLUNK_BATCH); /* given back, but not at the gofer yet */

	list_init(&fs->handles);
	fs->handle_count = 0;
	fs->handle_max = max > 2 * spare ? max - spare : max / 2;
	dentry_lru_init(&fs->lru, DCACHE_MAX_IDLE);
}

/* Handles that inodes have given up, in one message per batch. May sleep when the gofer's queue is full. */
static void send_clunks(struct gofer_fs *fs)
{
	u64 handles[GOFER_CLUNK_BATCH];
	unsigned char buf[32 + 8 * GOFER_CLUNK_BATCH];
	u32 n = min_t(u32, fs->clunk_count, GOFER_CLUNK_BATCH);
	int err;

	fs->clunk_count -= n;
	memcpy(handles, fs->clunk + fs->clunk_count, n * sizeof(*handles));
	err = gofer_clunk(&fs->conn->client, buf, sizeof(buf), handles, n);
	for (u32 i = 0; err == -ERESTARTSYS && i < n; i++) /* the next call's caller takes them along */
		gofer_handle_drop(fs, handles[i]);
	if (err && err != -ERESTARTSYS)
		klog(LOG_WARN, "handles could not be returned to the gofer");
}

void gofer_handle_drop(struct gofer_fs *fs, u64 handle)
{
	if (fs->clunk_count == fs->clunk_capacity) {
		u32 capacity = fs->clunk_capacity ? fs->clunk_capacity * 2 : 256;
		u64 *bigger = krealloc(fs->clunk, capacity * sizeof(*bigger));
		if (!bigger) {
			klog(LOG_WARN, "no memory to return a handle to the gofer");
			return;
		}
		fs->clunk = bigger;
		fs->clunk_capacity = capacity;
	}
	fs->clunk[fs->clunk_count++] = handle;
}

/* ---- who has one ---- */

void gofer_handle_lost(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);

	if (!g->handle)
		return;
	g->handle = 0;
	list_del_init(&g->handle_node);
	gofer_fs(inode->sb)->handle_count--;
}

void gofer_handle_unset(struct inode *inode)
{
	u64 handle = gi(inode)->handle;

	gofer_handle_lost(inode);
	if (handle)
		gofer_handle_drop(gofer_fs(inode->sb), handle);
}

/* Can it be asked for again? */
static bool can_spare(const struct gofer_inode *g)
{
	const struct dentry *d = g->alias;

	return !g->handle_users && !g->opens && !mode_is_dir(g->inode->attr.mode) && g->inode->attr.nlink &&
	       d && d->inode == g->inode && !d->unhashed;
}

/* Gives back the handles used longest ago, as many as there are too many. */
static void trim(struct gofer_fs *fs)
{
	u32 looked = 0;

	while (fs->handle_count > fs->handle_max && looked < LOOK_AT) {
		struct gofer_inode *g = list_first_entry(&fs->handles, struct gofer_inode, handle_node);
		if (can_spare(g)) {
			gofer_handle_unset(g->inode);
		} else {
			list_move_tail(&g->handle_node, &fs->handles);
			looked++;
		}
	}
	if (fs->handle_count > fs->handle_max)
		dentry_lru_shrink(&fs->lru, SHRINK_BATCH);
}

void gofer_handle_set(struct inode *inode, u64 handle)
{
	struct gofer_inode *g = gi(inode);
	struct gofer_fs *fs = gofer_fs(inode->sb);

	if (g->handle) {
		gofer_handle_drop(fs, handle);
		return;
	}
	g->handle = handle;
	list_add_tail(&g->handle_node, &fs->handles);
	fs->handle_count++;
	g->handle_users++; /* not this one */
	trim(fs);
	g->handle_users--;
}

void gofer_alias_set(struct dentry *d)
{
	struct gofer_inode *g = gi(d->inode);

	if (!g->alias && (mode_is_dir(d->inode->attr.mode) || d->inode->attr.nlink == 1))
		g->alias = d;
}

void gofer_alias_clear(struct dentry *d)
{
	if (gi(d->inode)->alias == d)
		gi(d->inode)->alias = NULL;
}

/* Asks for the handle by the inode's name. */
static int ask(struct inode *inode)
{
	struct dentry *d = gi(inode)->alias;
	struct inode *there = NULL;
	int err;

	if (!d || d->parent == d)
		return -ESTALE;
	dentry_get(d);
	err = gofer_walk_name(d->parent->inode, d->name, d->name_len, false, &there);
	dentry_put(d);
	if (err)
		return err;
	inode_put(there); /* if it is this one, it has the handle now */
	return gi(inode)->handle ? 0 : -ESTALE;
}

int gofer_handle(struct inode *inode)
{
	struct gofer_inode *g = gi(inode);

	if (!g->handle)
		return ask(inode);
	list_move_tail(&g->handle_node, &gofer_fs(inode->sb)->handles);
	return 0;
}

int gofer_handle_hold(struct inode *inode)
{
	int err = gofer_handle(inode);

	if (!err)
		gi(inode)->handle_users++;
	return err;
}

void gofer_handle_let_go(struct inode *inode)
{
	gi(inode)->handle_users--;
}

/* ---- calls ---- */

int gofer_op_begin(struct gofer_fs *fs, struct gofer_op_buf *op, u32 size)
{
	if (fs->handle_count > fs->handle_max)
		trim(fs); /* there was nothing to give back when the last one came */
	if (fs->clunk_count >= GOFER_CLUNK_BATCH)
		send_clunks(fs);
	op->inode = NULL;
	op->buf = kmalloc_typed(size, "gofer call");
	if (!op->buf)
		return -ENOMEM;
	gofer_call_init(&op->call, op->buf, size);
	return 0;
}

int gofer_op_on(struct inode *inode, struct gofer_op_buf *op, u32 size)
{
	int err = gofer_handle_hold(inode);

	if (err)
		return err;
	err = gofer_op_begin(gofer_fs(inode->sb), op, size);
	if (err)
		gofer_handle_let_go(inode);
	else
		op->inode = inode;
	return err;
}

void gofer_op_end(struct gofer_op_buf *op)
{
	if (op->inode)
		gofer_handle_let_go(op->inode);
	kfree(op->buf);
}
