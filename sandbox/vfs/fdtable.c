/*
 * fdtable.c - descriptor tables. See fdtable.h.
 *
 * The array doubles as needed up to RLIMIT_NOFILE. Closing flushes the file and drops the POSIX locks that
 * the table's owner holds on it, as close(2) says, before the reference goes.
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/vfs/vfs_priv.h"

#define FD_INITIAL          64U
#define FD_MAX              1048576U
#define RLIMIT_NOFILE_INDEX 7

static int close_file(struct fd_table *t, struct file *f)
{
	int err = 0;

	if (f->ops && f->ops->flush && !(f->mode & FMODE_PATH))
		err = f->ops->flush(f, t->id);
	if (f->inode && f->inode->locks)
		locks_release_posix(f, t);
	file_put(f);
	return err;
}

static void table_release(struct object *obj)
{
	struct fd_table *t = container_of(obj, struct fd_table, obj);

	for (u32 i = 0; i < t->capacity; i++)
		if (t->entries[i].file)
			(void)close_file(t, t->entries[i].file);
	kfree(t->entries);
	kfree(t);
}

static struct fd_table *table_sized(u32 capacity)
{
	struct fd_table *t = knew(struct fd_table);

	if (!t)
		return NULL;
	object_init(&t->obj, table_release);
	t->entries = knew_array(struct fd_entry, capacity);
	if (!t->entries) {
		kfree(t);
		return NULL;
	}
	t->capacity = capacity;
	t->id = ++vfs()->last_table_id;
	return t;
}

struct fd_table *fd_table_new(void)
{
	return table_sized(FD_INITIAL);
}

struct fd_table *fd_table_dup(struct fd_table *old)
{
	u32 used = 0, capacity = FD_INITIAL;
	struct fd_table *t;

	for (u32 i = 0; i < old->capacity; i++)
		if (old->entries[i].file)
			used = i + 1;
	while (capacity < used)
		capacity *= 2;
	t = table_sized(capacity);
	if (!t)
		return NULL;
	for (u32 i = 0; i < used; i++) {
		t->entries[i] = old->entries[i];
		if (t->entries[i].file)
			file_get(t->entries[i].file);
	}
	t->next_hint = min_t(u32, old->next_hint, used);
	return t;
}

struct fd_table *fd_table_get(struct fd_table *t)
{
	object_get(&t->obj);
	return t;
}

void fd_table_put(struct fd_table *t)
{
	if (t)
		object_put(&t->obj);
}

static int table_grow(struct fd_table *t, u32 want)
{
	u32 capacity = t->capacity;
	struct fd_entry *bigger;

	if (want <= capacity)
		return 0;
	while (capacity < want)
		capacity *= 2;
	bigger = krealloc(t->entries, capacity * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	memset(bigger + t->capacity, 0, (capacity - t->capacity) * sizeof(*bigger));
	t->entries = bigger;
	t->capacity = capacity;
	return 0;
}

struct file *fd_get_path(int fd)
{
	struct fd_table *t = current_task()->files;

	if (fd < 0 || (u32)fd >= t->capacity || !t->entries[fd].file)
		return NULL;
	return file_get(t->entries[fd].file);
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_path(fd);

	if (f && (f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

static u64 fd_limit(void)
{
	return min_t(u64, task_rlimit(current_task(), RLIMIT_NOFILE_INDEX), FD_MAX);
}

static u32 lowest_free(const struct fd_table *t, u32 min)
{
	u32 fd = max_t(u32, min, t->next_hint);

	while (fd < t->capacity && t->entries[fd].file)
		fd++;
	return fd;
}

bool fd_have_room(void)
{
	return lowest_free(current_task()->files, 0) < fd_limit();
}

s64 fd_install(struct file *f, u32 min, bool cloexec)
{
	struct fd_table *t = current_task()->files;
	u32 fd = lowest_free(t, min);
	int err;

	err = fd >= fd_limit() ? -EMFILE : table_grow(t, fd + 1);
	if (err) {
		file_put(f);
		return err;
	}
	t->entries[fd] = (struct fd_entry){f, cloexec};
	if (min <= t->next_hint)
		t->next_hint = fd + 1;
	return fd;
}

s64 fd_table_install_at(struct fd_table *t, int fd, struct file *f)
{
	int err = fd < 0 || (u32)fd >= FD_MAX ? -EBADF : table_grow(t, (u32)fd + 1);

	if (err) {
		file_put(f);
		return err;
	}
	if (t->entries[fd].file)
		(void)close_file(t, t->entries[fd].file);
	t->entries[fd] = (struct fd_entry){f, false};
	return fd;
}

static struct file *take(struct fd_table *t, u32 fd)
{
	struct file *f = t->entries[fd].file;

	t->entries[fd] = (struct fd_entry){NULL, false};
	t->next_hint = min_t(u32, t->next_hint, fd);
	return f;
}

int fd_close(struct task *task, int fd)
{
	struct fd_table *t = task->files;

	if (fd < 0 || (u32)fd >= t->capacity || !t->entries[fd].file)
		return -EBADF;
	return close_file(t, take(t, (u32)fd));
}

static bool number_ok(int fd)
{
	return fd >= 0 && (u64)fd < min_t(u64, task_rlimit(current_task(), RLIMIT_NOFILE_INDEX), FD_MAX);
}

s64 fd_put_at(int newfd, struct file *f, bool cloexec)
{
	struct fd_table *t = current_task()->files;
	struct file *old;
	int err = number_ok(newfd) ? 0 : -EBADF;

	if (!err)
		err = table_grow(t, (u32)newfd + 1);
	if (err) {
		file_put(f);
		return err;
	}
	old = t->entries[newfd].file;
	t->entries[newfd] = (struct fd_entry){f, cloexec};
	if (old)
		(void)close_file(t, old);
	return newfd;
}

s64 fd_dup_to(int oldfd, int newfd, bool cloexec)
{
	struct file *f = number_ok(newfd) ? fd_get_path(oldfd) : NULL;

	return f ? fd_put_at(newfd, f, cloexec) : -EBADF;
}

void fd_close_on_exec(struct fd_table *t)
{
	for (u32 i = 0; i < t->capacity; i++)
		if (t->entries[i].file && t->entries[i].cloexec)
			(void)close_file(t, take(t, i));
}

int fd_close_range(struct fd_table *t, u32 first, u32 last, bool only_set_cloexec)
{
	for (u64 i = first; i <= last && i < t->capacity; i++) {
		if (!t->entries[i].file)
			continue;
		if (only_set_cloexec)
			t->entries[i].cloexec = true;
		else
			(void)close_file(t, take(t, (u32)i));
	}
	return 0;
}
