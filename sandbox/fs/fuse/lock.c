/*
 * lock.c - locks that the file server keeps: if it has said so at its start, record locks and flocks are its
 * own, and the VFS has none. The server learns of the end of an owner's record locks by FUSE_FLUSH, of a
 * flock's by FUSE_RELEASE.
 *
 * Owners are named by numbers of our own, not by addresses: the server is a guest.
 */
#include <errno.h>

#include "sandbox/fs/fuse/fuse_priv.h"
#include "sandbox/vfs/locks.h"

static_assert(FLOCK_READ == 0 && FLOCK_WRITE == 1 && FLOCK_NONE == 2, "F_RDLCK, F_WRLCK, F_UNLCK");

u64 fuse_lock_owner(const struct fuse_file *ff, u64 owner)
{
	return owner ? owner << 1 : ff->id << 1 | 1;
}

/* What the server says is in the way. */
static int take_answer(const struct fuse_conn *c, const struct fuse_file_lock *l, struct lock_range *r)
{
	struct pid *p;

	if (l->type == FLOCK_NONE) {
		r->type = FLOCK_NONE;
		return 0;
	}
	if (l->type > FLOCK_NONE || l->start > l->end || l->end > FUSE_LK_OFFSET_MAX)
		return -EIO;
	p = pid_find(c->pid_ns, (s32)l->pid);
	*r = (struct lock_range){.type = (enum lock_type)l->type,
				 .start = l->start,
				 .end = l->end == FUSE_LK_OFFSET_MAX ? UINT64_MAX : l->end,
				 .pid = p ? pid_vnr(p) : 0};
	return 0;
}

int fuse_lock(struct file *f, u64 owner, struct lock_range *r, u32 how)
{
	struct fuse_conn *c = fuse_c(f->inode);
	struct fuse_file *ff = f->private;
	struct task *t = current_task();
	bool test = how & LOCK_CALL_TEST;
	struct fuse_lk_in in = {
	    .fh = ff->fh,
	    .owner = fuse_lock_owner(ff, owner),
	    .lk = {.start = r->start,
		   .end = min_t(u64, r->end, FUSE_LK_OFFSET_MAX),
		   .type = r->type,
		   .pid = t && r->type != FLOCK_NONE ? (u32)pid_nr(t->tg->leader->pid, c->pid_ns) : 0},
	    .lk_flags = how & LOCK_CALL_FLOCK ? FUSE_LK_FLOCK : 0};
	struct fuse_file_lock out;
	struct fuse_call call = {.op = test                   ? FUSE_GETLK
				       : how & LOCK_CALL_WAIT ? FUSE_SETLKW
							      : FUSE_SETLK,
				 .nodeid = fuse_i(f->inode)->nodeid,
				 .in = {{&in, sizeof(in)}},
				 .out = test ? &out : NULL,
				 .out_room = test ? sizeof(out) : 0,
				 .out_least = test ? sizeof(out) : 0};
	s64 n;

	if (!(how & LOCK_CALL_FLOCK ? c->flock_locks : c->posix_locks))
		return -ENOSYS;
	n = fuse_ask(c, &call);
	if (n < 0)
		return n == -EINTR ? -ERESTARTSYS : n == -ENOSYS ? -ENOLCK : (int)n;
	ff->flocked |= (how & LOCK_CALL_FLOCK) != 0;
	return test ? take_answer(c, &out, r) : 0;
}
