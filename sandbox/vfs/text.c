/*
 * text.c - files whose content is a text the kernel makes: what proc and sysfs are built of.
 *
 * The text is made at the first read of an open file and kept with it, so that a reader in pieces sees one
 * state; reading from position 0 makes it anew.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "sandbox/abi/poll.h"
#include "sandbox/vfs/vfs_priv.h"

void text_append(struct text_buf *b, const void *data, size_t size)
{
	if (b->failed)
		return;
	if (b->capacity - b->size < size) {
		size_t want = b->capacity ? b->capacity * 2 : 512;
		char *bigger;
		while (want - b->size < size)
			want *= 2;
		bigger = krealloc(b->data, want);
		if (!bigger) {
			b->failed = true;
			return;
		}
		b->data = bigger;
		b->capacity = want;
	}
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

void text_printf(struct text_buf *b, const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(line)) {
		char *big = kmalloc((size_t)n + 1);
		if (!big) {
			b->failed = true;
			return;
		}
		va_start(ap, fmt);
		vsnprintf(big, (size_t)n + 1, fmt, ap);
		va_end(ap);
		text_append(b, big, (size_t)n);
		kfree(big);
		return;
	}
	if (n > 0)
		text_append(b, line, (size_t)n);
}

/* What an inode of a text file carries; the file system's own pointer is behind it. */
struct text_inode {
	const struct text_file_ops *ops;
	void *private;
	void (*free_private)(void *private); /* may be NULL */
};

void text_inode_evict(struct inode *inode)
{
	struct text_inode *ti = inode->private;

	if (ti->free_private)
		ti->free_private(ti->private);
	kfree(ti);
}

int text_inode_open(struct inode *inode, struct file *f)
{
	const struct text_file_ops *ops = inode_text_ops(inode);
	struct text_buf *b;

	if (!ops->generation)
		return 0;
	b = knew(struct text_buf);
	if (!b)
		return -ENOMEM;
	b->stale = true;
	b->seen = ops->generation(inode, NULL);
	f->private = b;
	return 0;
}

static const struct inode_ops text_inode_ops = {.evict = text_inode_evict, .open = text_inode_open};

struct inode *inode_new_text(struct super_block *sb, u32 mode, const struct text_file_ops *ops, void *private,
			     void (*free_private)(void *private))
{
	struct text_inode *ti = knew(struct text_inode);
	struct inode *inode =
	    ti ? inode_new(sb, LINUX_S_IFREG | mode, &text_inode_ops, &text_file_ops_generic) : NULL;

	if (!inode) {
		kfree(ti);
		return NULL;
	}
	ti->ops = ops;
	ti->private = private;
	ti->free_private = free_private;
	inode->private = ti;
	inode->attr.uid = inode->attr.gid = 0;
	return inode;
}

const struct text_file_ops *inode_text_ops(struct inode *inode)
{
	return ((struct text_inode *)inode->private)->ops;
}

void *inode_text_private(struct inode *inode)
{
	return ((struct text_inode *)inode->private)->private;
}

static s64 text_read(struct file *f, struct uio *dst, u64 *pos)
{
	struct text_buf *b = f->private;

	if (!b || b->stale || *pos == 0) {
		struct text_buf *fresh = knew(struct text_buf);
		int err;
		if (!fresh)
			return -ENOMEM;
		err = inode_text_ops(f->inode)->show(f->inode, fresh);
		if (!err && fresh->failed)
			err = -ENOMEM;
		if (err) {
			kfree(fresh->data);
			kfree(fresh);
			return err;
		}
		b = f->private; /* show may have slept, and another reader been here */
		if (b) {
			fresh->seen = b->seen;
			kfree(b->data);
		}
		kfree(b);
		f->private = b = fresh;
	}
	if (*pos >= b->size)
		return 0;
	s64 n = uio_copy(dst, b->data + *pos, min_t(size_t, dst->left, b->size - *pos));
	if (n > 0)
		*pos += (u64)n;
	return n;
}

static s64 text_write(struct file *f, struct uio *src, u64 *pos)
{
	const struct text_file_ops *ops = inode_text_ops(f->inode);
	auto_cleanup(kfreep) char *buf = NULL;
	s64 n;

	if (!ops->store && !ops->store_file)
		return -EACCES;
	buf = kmalloc(PAGE_SIZE + 1);
	if (!buf)
		return -ENOMEM;
	n = uio_copy(src, buf, min_t(size_t, src->left, PAGE_SIZE));
	if (n < 0)
		return n;
	buf[n] = 0;
	n = ops->store_file ? ops->store_file(f, buf, (size_t)n) : ops->store(f->inode, buf, (size_t)n);
	if (n > 0)
		*pos += (u64)n;
	return n;
}

static u32 text_poll(struct file *f, struct poll_table *pt)
{
	const struct text_file_ops *ops = inode_text_ops(f->inode);
	struct text_buf *b = f->private;
	u32 events = LINUX_POLLIN | LINUX_POLLOUT | LINUX_POLLRDNORM | LINUX_POLLWRNORM;
	u64 now;

	if (!ops->generation || !b)
		return events;
	now = ops->generation(f->inode, pt);
	if (now != b->seen)
		events |= LINUX_POLLERR | LINUX_POLLPRI;
	b->seen = now;
	return events & ~(u32)(LINUX_POLLOUT | LINUX_POLLWRNORM);
}

static void text_release(struct file *f)
{
	struct text_buf *b = f->private;

	if (b)
		kfree(b->data);
	kfree(b);
}

const struct file_ops text_file_ops_generic = {
    .read = text_read,
    .write = text_write,
    .poll = text_poll,
    .release = text_release,
};
