/*
 * users.c - who a process from outside runs as: names looked up in the container's own /etc/passwd and
 * /etc/group, as login(1) would, supplementary groups included.
 *
 * The files are the guest's: of any size, shape and kind. Only regular files are read, only so much of them,
 * and lines that are not as they should be are passed over.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define DB_MAX     (1U << 20)
#define GROUPS_MAX 1024
#define NAME_MAX_  64

/* The file's text, NUL-terminated, fresh; *out is NULL if there is no such file. */
static int read_db(struct container *ct, const char *path, char **out)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct path at;
	char *text;
	size_t size, have = 0;
	int err = path_lookup_at(&ct->fs->root, path, WALK_FOLLOW, &at);

	*out = NULL;
	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	if ((at.dentry->inode->attr.mode & LINUX_S_IFMT) != LINUX_S_IFREG)
		err = -EINVAL;
	else
		err = vfs_open_path(&at, 0, &f);
	path_put(&at);
	if (err)
		return err;
	size = min_t(u64, f->inode->attr.size, DB_MAX);
	text = kmalloc_typed(size + 1, "user database");
	if (!text)
		return -ENOMEM;
	while (have < size) {
		s64 n = file_read_kernel(f, text + have, size - have, have);
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	text[have] = 0;
	*out = text;
	return 0;
}

/* Cuts the next line off *at into fields at the colons; their number, 0 at the end. */
static int next_line(char **at, char **field, int max)
{
	int n = 0;
	char *line;

	do {
		line = *at;
		if (!line || !*line)
			return 0;
		*at = strchr(line, '\n');
		if (*at)
			*(*at)++ = 0;
	} while (!*line);
	while (n < max && line) {
		field[n++] = line;
		line = strchr(line, ':');
		if (line)
			*line++ = 0;
	}
	return n;
}

static bool parse_id(const char *text, u32 *out)
{
	u64 v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (u64)(*text - '0');
		if (v >= UINT32_MAX)
			return false;
	}
	*out = (u32)v;
	return true;
}

/* Finds a user by name, or by uid when name is NULL; false if there is none. `name_out` gets its name. */
static bool find_user(char *passwd, const char *name, u32 *uid, u32 *gid, char *name_out)
{
	char *field[7];
	u32 u, g;
	int n;

	while ((n = next_line(&passwd, field, 7)) > 0) {
		if (n < 4 || !parse_id(field[2], &u) || !parse_id(field[3], &g))
			continue;
		if (name ? strcmp(field[0], name) != 0 : u != *uid)
			continue;
		*uid = u;
		*gid = g;
		snprintf(name_out, NAME_MAX_, "%s", field[0]);
		return true;
	}
	return false;
}

static bool find_group(char *group, const char *name, u32 *gid)
{
	char *field[4];
	int n;

	while ((n = next_line(&group, field, 4)) > 0)
		if (n >= 3 && !strcmp(field[0], name) && parse_id(field[2], gid))
			return true;
	return false;
}

static bool is_member(char *list, const char *user)
{
	char *save = NULL;

	for (char *m = strtok_r(list, ",", &save); m; m = strtok_r(NULL, ",", &save))
		if (!strcmp(m, user))
			return true;
	return false;
}

static int supplementary(char *group, const char *user, struct cred *c)
{
	char *field[4];
	u32 gid;
	int n;

	c->groups = knew_array(u32, GROUPS_MAX);
	if (!c->groups)
		return -ENOMEM;
	while ((n = next_line(&group, field, 4)) > 0)
		if (n == 4 && parse_id(field[2], &gid) && is_member(field[3], user) &&
		    c->group_count < GROUPS_MAX && gid != c->gid)
			c->groups[c->group_count++] = gid;
	return 0;
}

static void set_ids(struct cred *c, u32 uid, u32 gid)
{
	c->uid = c->euid = c->suid = c->fsuid = uid;
	c->gid = c->egid = c->sgid = c->fsgid = gid;
	if (uid)
		c->cap_permitted = c->cap_effective = 0;
}

/* Takes "user" or "user:group" apart and looks both up. passwd is consumed, group only copied from. */
static int look_up(struct request *r, const char *spec, char *passwd, const char *group, u32 *uid, u32 *gid,
		   char *user)
{
	const char *colon = strchr(spec, ':');
	auto_cleanup(kfreep) char *name = kstrndup(spec, colon ? (size_t)(colon - spec) : strlen(spec));
	bool numeric, found;

	if (!name)
		return -ENOMEM;
	*gid = 0;
	numeric = parse_id(name, uid);
	found = passwd && find_user(passwd, numeric ? NULL : name, uid, gid, user);
	if (!found && !numeric)
		return request_fail(r, -EINVAL, "there is no user '%.64s' in the container's /etc/passwd",
				    name);
	if (colon && !parse_id(colon + 1, gid)) {
		auto_cleanup(kfreep) char *copy = group ? kstrdup(group) : NULL;
		if (!copy || !find_group(copy, colon + 1, gid))
			return request_fail(
			    r, -EINVAL, "there is no group '%.64s' in the container's /etc/group", colon + 1);
	}
	return 0;
}

int user_resolve(struct request *r, struct container *ct, const char *name, u32 uid, u32 gid,
		 struct cred **out)
{
	auto_cleanup(kfreep) char *passwd = NULL, *group = NULL;
	char user[NAME_MAX_] = "";
	struct cred *c;
	u32 primary = 0;
	int err = read_db(ct, "/etc/passwd", &passwd);

	if (!err)
		err = read_db(ct, "/etc/group", &group);
	if (err)
		return request_fail(r, err, "the container's user database cannot be read: %s",
				    strerrorname_np(-err));
	if (name)
		err = look_up(r, name, passwd, group, &uid, &gid, user);
	else if (passwd && !find_user(passwd, NULL, &uid, &primary, user))
		user[0] = 0;
	if (err)
		return err;
	c = cred_new_root(ct->user_ns);
	if (!c)
		return -ENOMEM;
	set_ids(c, uid, gid);
	if (group && user[0] && !(name && strchr(name, ':')))
		err = supplementary(group, user, c);
	if (err)
		cred_put(c);
	else
		*out = c;
	return err;
}
