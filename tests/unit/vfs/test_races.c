/*
 * test_races.c - several tasks at one name, over a directory whose file system takes its time: each lookup
 * and each change gives the thread up in the middle, as a gofer's answer does.
 */
#include <string.h>

#include "tests/unit/vfs/fixture.h"

/* ---- the file system: one directory with at most eight names ---- */

static struct entry {
	char name[16];
	struct inode *inode;
} entries[8];
static int lookups, creates, unlinks, inside, most_inside;

static struct entry *find_entry(const char *name)
{
	for (size_t i = 0; i < ARRAY_COUNT(entries); i++)
		if (!strcmp(entries[i].name, name))
			return &entries[i];
	return NULL;
}

static struct entry *free_entry(void)
{
	struct entry *e = entries;

	while (e->name[0])
		e++;
	return e;
}

/* Only one may change or look up at a time (dir_lock). */
static void take_time(void)
{
	if (++inside > most_inside)
		most_inside = inside;
	for (int i = 0; i < 3; i++)
		sched_yield_now();
	inside--;
}

static int slow_lookup(struct inode *dir, struct dentry *d)
{
	struct entry *e;

	lookups++;
	take_time();
	e = find_entry(d->name);
	if (e)
		dentry_set_inode(d, inode_get(e->inode));
	return 0;
}

static int slow_create(struct inode *dir, struct dentry *d, u32 mode)
{
	struct entry *e = free_entry();

	creates++;
	take_time();
	if (find_entry(d->name))
		return -EEXIST;
	snprintf(e->name, sizeof(e->name), "%s", d->name);
	e->inode = inode_new(dir->sb, mode, dir->ops, dir->file_ops);
	dentry_set_inode(d, inode_get(e->inode));
	return 0;
}

static int slow_unlink(struct inode *dir, struct dentry *d)
{
	struct entry *e = find_entry(d->name);

	unlinks++;
	take_time();
	if (!e)
		return -ENOENT;
	inode_put(e->inode);
	*e = (struct entry){0};
	return 0;
}

static const struct inode_ops slow_ops = {
    .lookup = slow_lookup, .create = slow_create, .unlink = slow_unlink};
static const struct file_ops slow_file_ops;
static const struct fs_type slow_type = {.name = "slow"};

/* Puts it at /slow. */
static void mount_slow(void)
{
	struct super_block *sb = sb_new(&slow_type, 0, NULL);
	struct mount_options opt = {0};
	struct mount *m;
	struct path p;

	mkdirs("/slow");
	ck_assert_int_eq(sb_set_root(sb, inode_new(sb, LINUX_S_IFDIR | 0755, &slow_ops, &slow_file_ops)), 0);
	ck_assert_int_eq(mount_new("tmpfs", &opt, 0, &m), 0);
	/* a mount of ours: the other file system's instance is replaced */
	dentry_put(m->root);
	m->sb->mounts--;
	m->sb = sb;
	sb->mounts++;
	m->root = dentry_get(sb->root);
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/slow", 0, &p), 0);
	ck_assert_int_eq(mount_attach(m, &p), 0);
	path_put(&p);
	mount_put(m);
}

/* The file appears or goes behind the kernel's back. */
static void appear(const char *name, struct super_block *sb)
{
	struct entry *e = free_entry();

	snprintf(e->name, sizeof(e->name), "%s", name);
	e->inode = inode_new(sb, LINUX_S_IFREG | 0644, &slow_ops, &slow_file_ops);
}

/* ---- racers ---- */

struct racer {
	const char *path;
	u32 o_flags; /* or UNLINK */
	int err;
	struct inode *inode;
	bool done;
};
#define UNLINK 0xffffffffU

static void race(void *arg)
{
	struct racer *r = arg;
	struct file *f;

	if (r->o_flags == UNLINK) {
		r->err = vfs_unlink(AT_FDCWD, r->path);
	} else {
		r->err = vfs_open(AT_FDCWD, r->path, r->o_flags, 0644, 0, &f);
		if (!r->err) {
			r->inode = f->inode;
			file_put(f);
		}
	}
	r->done = true;
}

static void run(struct racer *r, int n)
{
	for (int i = 0; i < n; i++)
		start_task(race, &r[i], 0);
	for (int turn = 0; turn < 200; turn++)
		sched_yield_now();
	for (int i = 0; i < n; i++)
		ck_assert_msg(r[i].done, "racer %d hangs", i);
	ck_assert_int_le(most_inside, 1);
}

TEST(exclusive_creation_has_one_winner)
{
	struct racer r[5];
	int won = 0;

	mount_slow();
	for (int i = 0; i < 5; i++)
		r[i] = (struct racer){.path = "/slow/f", .o_flags = O_CREAT | O_EXCL | O_WRONLY};
	run(r, 5);
	for (int i = 0; i < 5; i++) {
		won += !r[i].err;
		ck_assert(!r[i].err || r[i].err == -EEXIST);
	}
	ck_assert_int_eq(won, 1);
	ck_assert_int_eq(creates, 1);
}

TEST(plain_creation_gives_all_the_same_file)
{
	struct racer r[5];

	mount_slow();
	for (int i = 0; i < 5; i++)
		r[i] = (struct racer){.path = "/slow/f", .o_flags = O_CREAT | O_RDWR};
	run(r, 5);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(r[i].err, 0);
		ck_assert_ptr_eq(r[i].inode, r[0].inode);
	}
	ck_assert_int_eq(creates, 1);
	ck_assert_int_eq(lookups, 1); /* the others found what the first had looked up */
}

TEST(a_lookup_is_made_once)
{
	struct racer r[4];

	mount_slow();
	for (int i = 0; i < 4; i++)
		r[i] = (struct racer){.path = "/slow/none", .o_flags = O_RDONLY};
	run(r, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(r[i].err, -ENOENT);
	ck_assert_int_eq(lookups, 1);
}

TEST(removal_against_creation)
{
	struct racer r[3] = {{.path = "/slow/f", .o_flags = UNLINK},
			     {.path = "/slow/f", .o_flags = O_CREAT | O_WRONLY},
			     {.path = "/slow/f", .o_flags = UNLINK}};

	mount_slow();
	ck_assert_int_eq(open_err("/slow/f", O_CREAT | O_WRONLY), 0);
	run(r, 3);
	ck_assert_int_eq(r[1].err, 0);
	/* whatever the order: the tree and the cache say the same */
	ck_assert_int_eq(walk_err("/slow/f", 0), find_entry("f") ? 0 : -ENOENT);
	ck_assert_int_eq(unlinks, !r[0].err + !r[2].err);
	ck_assert(!r[0].err || !r[2].err);
}

TEST(two_removals)
{
	struct racer r[2] = {{.path = "/slow/f", .o_flags = UNLINK}, {.path = "/slow/f", .o_flags = UNLINK}};

	mount_slow();
	ck_assert_int_eq(open_err("/slow/f", O_CREAT | O_WRONLY), 0);
	run(r, 2);
	ck_assert_int_eq(r[0].err + r[1].err, -ENOENT);
	ck_assert_int_eq(unlinks, 1);
}

/* The cache says that there is nothing; meanwhile somebody outside made the file. */
TEST(stale_negative_entry)
{
	struct path p;

	mount_slow();
	ck_assert_int_eq(path_lookup(AT_FDCWD, "/slow", 0, &p), 0);
	ck_assert_int_eq(walk_err("/slow/f", 0), -ENOENT);
	appear("f", p.mnt->sb);
	ck_assert_int_eq(walk_err("/slow/f", 0), -ENOENT); /* no revalidation here: the cache is believed */
	ck_assert_int_eq(open_err("/slow/f", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
	ck_assert_int_eq(open_err("/slow/f", O_CREAT | O_WRONLY), 0);
	ck_assert_int_eq(walk_err("/slow/f", 0), 0);
	path_put(&p);
}

Suite *races_suite(void)
{
	Suite *s = suite_create("races");
	TCase *t = tcase_create("races");

	tcase_add_test(t, exclusive_creation_has_one_winner);
	tcase_add_test(t, plain_creation_gives_all_the_same_file);
	tcase_add_test(t, a_lookup_is_made_once);
	tcase_add_test(t, removal_against_creation);
	tcase_add_test(t, two_removals);
	tcase_add_test(t, stale_negative_entry);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	return s;
}
