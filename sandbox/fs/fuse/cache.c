/*
 * cache.c - the content of a served file while somebody has it mapped to be written in common.
 *
 * Such mappings need pages that all of them share, so the whole file is then in a memfd. It lives as long as
 * the files through which it was mapped: reads are answered from it, writes and changes of the size go to the
 * server first and then into it. What mappings write nobody tells us; so each page's checksum is kept as the
 * server has it, and msync, fsync, close and the end of a mapped file send the pages that differ. The last of
 * these must not wait (it may be the exit of a killed process), so a coroutine of its own does it, with the
 * file's handle, which it then gives back.
 *
 * Lock: the inode's, whenever the server and the memfd are made to agree. Such a file may have
 * FUSE_CACHE_MAX bytes, and whoever looks through its pages lets others run from time to time.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/base/host_fd.h"
#include "sandbox/base/log.h"
#include "sandbox/fs/fuse/fuse_priv.h"
#include "sandbox/kernel/sched.h"
#include "sandbox/mm/mm.h"
#include "sandbox/mm/usage.h"

struct fuse_cache {
	struct host_fd *shm;     /* whole pages */
	u64 size;                /* bytes of the file that are in it */
	u64 *sums;               /* of each page, as the server has it */
	u64 pages;               /* as many */
	struct list_head mapped; /* struct fuse_file: their handles may write */
};

#define YIELD_EVERY 64U /* pages */

static u64 pages_of(u64 size)
{
	return PAGE_UP(size) >> PAGE_SHIFT;
}

static u64 sum_of(const u8 *page)
{
	u64 h = 0, word;

	for (u32 i = 0; i < PAGE_SIZE; i += sizeof(word)) {
		memcpy(&word, page + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15UL;
		h ^= h >> 29;
	}
	return h;
}

/* One page, with zeroes behind the end of the file. */
static u32 page_in(const struct fuse_cache *c, u64 page, u8 *buf)
{
	u64 at = page << PAGE_SHIFT;
	u32 n = at < c->size ? (u32)min_t(u64, PAGE_SIZE, c->size - at) : 0;

	memset(buf, 0, PAGE_SIZE);
	return n && pread(c->shm->fd, buf, n, (off_t)at) == (ssize_t)n ? n : 0;
}

/* The first page from *page on that is not a hole: such are zeroes here and there. */
static bool next_page(const struct fuse_cache *c, u64 *page)
{
	off_t at =
	    *page < pages_of(c->size) ? lseek(c->shm->fd, (off_t)(*page << PAGE_SHIFT), SEEK_DATA) : -1;

	*page = at < 0 ? 0 : (u64)at >> PAGE_SHIFT;
	return at >= 0 && (u64)at < c->size;
}

static void cache_free(struct fuse_cache *c)
{
	host_fd_put(c->shm);
	kfree(c->sums);
	kfree(c);
}

/* Room for the sums of so many pages; new ones are those of zeroes. */
static int grow_sums(struct fuse_cache *c, u64 pages, u8 *zeroes)
{
	u64 *sums, zero;

	if (pages <= c->pages)
		return 0;
	sums = knew_array(u64, pages);
	if (!sums)
		return -ENOMEM;
	memset(zeroes, 0, PAGE_SIZE);
	zero = sum_of(zeroes);
	for (u64 i = 0; i < pages; i++)
		sums[i] = i < c->pages ? c->sums[i] : zero;
	kfree(c->sums);
	c->sums = sums;
	c->pages = pages;
	return 0;
}

/* ---- making ---- */

/* The inode is locked. */
static int make_cache(struct file *f, struct fuse_cache **out)
{
	auto_cleanup(kfreep) u8 *buf = kmalloc(PAGE_SIZE);
	struct fuse_cache *c = knew(struct fuse_cache);
	int err = c && buf ? fuse_refresh(f->inode, false) : -ENOMEM;

	if (err) {
		kfree(c);
		return err;
	}
	list_init(&c->mapped);
	c->size = f->inode->attr.size;
	err = c->size > FUSE_CACHE_MAX || memory_would_overcommit(c->size)
		  ? -ENOMEM
		  : shm_create("fuse", PAGE_UP(c->size), &c->shm);
	if (!err)
		err = fuse_fill(f, c->shm, 0, c->size, 0);
	if (!err)
		err = grow_sums(c, pages_of(c->size), buf);
	if (err) {
		cache_free(c);
		return err;
	}
	for (u64 i = 0; next_page(c, &i); i++) {
		(void)page_in(c, i, buf);
		c->sums[i] = sum_of(buf);
		if (i % YIELD_EVERY == 0)
			sched_yield_now();
	}
	*out = c;
	return 0;
}

int fuse_cache_map(struct file *f, struct host_fd **backing)
{
	struct fuse_inode *i = fuse_i(f->inode);
	struct fuse_file *ff = f->private;
	int err = 0;

	inode_lock(f->inode);
	if (!i->cache)
		err = make_cache(f, &i->cache);
	if (!err) {
		if (list_empty(&ff->mapped))
			list_add_tail(&ff->mapped, &i->cache->mapped);
		*backing = host_fd_get(i->cache->shm);
	}
	inode_unlock(f->inode);
	return err;
}

struct host_fd *fuse_cache_get(const struct inode *inode)
{
	const struct fuse_cache *c = fuse_i(inode)->cache;

	return c ? host_fd_get(c->shm) : NULL;
}

/* ---- reads, writes, sizes ---- */

s64 fuse_cache_read(const struct inode *inode, void *buf, size_t size, u64 at)
{
	const struct fuse_cache *c = fuse_i(inode)->cache;
	ssize_t n;

	if (!c)
		return -ENOENT;
	if (at >= c->size)
		return 0;
	n = pread(c->shm->fd, buf, min_t(u64, size, c->size - at), (off_t)at);
	return n < 0 ? -errno : n;
}

void fuse_cache_written(struct inode *inode, const void *data, size_t size, u64 at)
{
	struct fuse_cache *c = fuse_i(inode)->cache;

	if (!c)
		return;
	if (at + size > c->size)
		fuse_cache_resize(inode, at + size);
	if (pwrite(c->shm->fd, data, size, (off_t)at) != (ssize_t)size)
		klog(LOG_WARN, "fuse: a write is not seen in mappings: %s", strerrorname_np(errno));
}

void fuse_cache_resize(struct inode *inode, u64 size)
{
	struct fuse_cache *c = fuse_i(inode)->cache;
	static const u8 zeroes[PAGE_SIZE];
	u64 edge;

	if (!c || size == c->size)
		return;
	edge = min_t(u64, size, c->size);
	/* behind the end nothing is kept, whatever mappings have written there */
	if (edge & ~PAGE_MASK)
		(void)pwrite(c->shm->fd, zeroes, PAGE_UP(edge) - edge, (off_t)edge);
	if (ftruncate(c->shm->fd, (off_t)PAGE_UP(size)))
		klog(LOG_WARN, "fuse: a new size is not seen in mappings: %s", strerrorname_np(errno));
	c->size = size;
}

u64 fuse_cache_size(const struct inode *inode)
{
	return fuse_i(inode)->cache->size;
}

int fuse_cache_reload(struct file *f, u64 at, u64 size)
{
	struct fuse_cache *c = fuse_i(f->inode)->cache;

	if (!c || at >= c->size)
		return 0;
	size = min_t(u64, size, c->size - at);
	return shm_punch(c->shm, at, size) ?: fuse_fill(f, c->shm, at, size, at);
}

/* ---- back to the server ---- */

/* The inode is locked. The pages that differ, by a handle of one of the mapped files. */
static int sync_locked(struct inode *inode)
{
	auto_cleanup(kfreep) u8 *buf = kmalloc(PAGE_SIZE);
	struct fuse_cache *c;
	int err = buf ? 0 : -ENOMEM;

	for (u64 page = 0; !err; page++) {
		struct fuse_file *ff;
		u64 sum;
		s64 n, sent;
		if (page % YIELD_EVERY == 0)
			sched_yield_now();
		c = fuse_i(inode)->cache;
		if (!c || list_empty(&c->mapped) || !next_page(c, &page))
			break;
		err = grow_sums(c, pages_of(c->size), buf);
		if (err)
			break;
		n = page_in(c, page, buf);
		sum = sum_of(buf);
		if (!n || sum == c->sums[page])
			continue;
		ff = list_first_entry(&c->mapped, struct fuse_file, mapped);
		sent = fuse_write_page(inode, ff->fh, buf, (u32)n, page << PAGE_SHIFT);
		if (sent < n)
			return sent < 0 ? (int)sent : -EIO;
		c = fuse_i(inode)->cache;
		if (c && page < c->pages)
			c->sums[page] = sum;
	}
	return err;
}

int fuse_cache_sync(struct inode *inode)
{
	int err;

	if (!fuse_i(inode)->cache)
		return 0;
	inode_lock(inode);
	err = sync_locked(inode);
	inode_unlock(inode);
	return err;
}

int fuse_cache_sync_locked(struct inode *inode)
{
	return fuse_i(inode)->cache ? sync_locked(inode) : 0;
}

struct last_sync {
	struct inode *inode; /* counted */
	struct fuse_file *ff;
	u32 flags;
};

/* A mapped file has ended: what is left goes to the server, then the handle, then, with the last one, the
 * cache. */
static void last_sync_main(void *arg)
{
	struct last_sync *l = arg;
	struct fuse_inode *i = fuse_i(l->inode);
	int err;

	inode_lock(l->inode);
	err = sync_locked(l->inode);
	if (err)
		klog(LOG_INFO, "fuse: what was written by mappings is lost: %s", strerrorname_np(-err));
	list_del_init(&l->ff->mapped);
	if (i->cache && list_empty(&i->cache->mapped)) {
		cache_free(i->cache);
		i->cache = NULL;
	}
	inode_unlock(l->inode);
	fuse_handle_close(l->inode, l->ff, l->flags);
	inode_put(l->inode);
	kfree(l);
}

bool fuse_cache_file_ends(struct file *f)
{
	struct fuse_file *ff = f->private;
	struct last_sync *l;
	struct coro *coro;

	if (list_empty(&ff->mapped))
		return false;
	l = knew(struct last_sync);
	if (l) {
		*l = (struct last_sync){inode_get(f->inode), ff, f->flags};
		if (!coro_start(last_sync_main, l, NULL, &coro))
			return true;
		inode_put(l->inode);
		kfree(l);
	}
	klog(LOG_WARN, "fuse: no memory to write back a mapping");
	list_del_init(&ff->mapped);
	return false;
}

void fuse_cache_drop(struct inode *inode)
{
	if (fuse_i(inode)->cache)
		cache_free(fuse_i(inode)->cache);
	fuse_i(inode)->cache = NULL;
}
