/*
 * op_create.c - create: a container's namespaces and its tree of mounts on a supervisor's word.
 *
 * The root comes from a gofer. On it the kernel puts its own file systems, then the mounts of the request in
 * their order. A mount point that is missing is made if the tree below can be written; one of the kernel's
 * own that cannot be made is left out, one of the request's is an error.
 */
#include <errno.h>
#include <stdio.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/fs/gofer/conn.h"
#include "sandbox/fs/overlay/overlay.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define MOUNTS_MAX 64
#define PATH_SIZE  1024

/* ---- mount points ---- */

/* The directory `path`, as a guest whose root is `root` would find it; missing parts of it are made. */
static int find_mountpoint(const struct path *root, const char *path, struct path *out)
{
	char prefix[PATH_SIZE] = "";
	struct path at = *root, next;
	size_t used = 0;
	int err = 0;

	path_get(&at);
	while (!err && *(path += strspn(path, "/"))) {
		size_t len = strcspn(path, "/");
		if (used + len + 2 > sizeof(prefix)) {
			err = -ENAMETOOLONG;
			break;
		}
		prefix[used] = '/';
		memcpy(prefix + used + 1, path, len);
		prefix[used + 1 + len] = 0;
		err = path_lookup_at(root, prefix, WALK_FOLLOW | WALK_DIRECTORY, &next);
		if (err == -ENOENT && ((at.mnt->flags & MNT_READONLY) || (at.mnt->sb->flags & SB_READONLY)))
			err = -EROFS;
		if (err == -ENOENT) {
			err = vfs_mkdir_at(&at, prefix + used + 1, 0755);
			if (!err)
				err = path_lookup_at(root, prefix, WALK_DIRECTORY, &next);
		}
		if (!err) {
			path_put(&at);
			at = next;
		}
		used += len + 1;
		path += len;
	}
	if (err)
		path_put(&at);
	else
		*out = at;
	return err;
}

static int mount_at(const struct path *root, const char *target, const char *type,
		    const struct mount_options *opt, u32 flags)
{
	struct mount *m;
	struct path at;
	int err = mount_new(type, opt, flags, &m);

	if (err)
		return err;
	err = find_mountpoint(root, target, &at);
	if (!err) {
		err = mount_attach(m, &at);
		path_put(&at);
	}
	mount_put(m);
	return err;
}

/* ---- the kernel's own ---- */

static void mount_own(struct container *ct, bool read_only_root)
{
	static const struct {
		const char *target, *type, *data;
		u32 flags;
		bool if_read_only;
	} own[] = {
	    {"/proc", "proc", NULL, MNT_NOSUID | MNT_NODEV | MNT_NOEXEC, false},
	    {"/sys", "sysfs", NULL, MNT_NOSUID | MNT_NODEV | MNT_NOEXEC | MNT_READONLY, false},
	    {"/sys/fs/cgroup", "cgroup2", NULL, MNT_NOSUID | MNT_NODEV | MNT_NOEXEC, false},
	    {"/dev", "devtmpfs", NULL, MNT_NOSUID, false},
	    {"/dev/pts", "devpts", NULL, MNT_NOSUID | MNT_NOEXEC, false},
	    {"/dev/shm", "tmpfs", "mode=1777", MNT_NOSUID | MNT_NODEV, false},
	    {"/dev/mqueue", "mqueue", NULL, MNT_NOSUID | MNT_NODEV | MNT_NOEXEC, false},
	    /* a writable root has its own, which is what its owner wants to see */
	    {"/tmp", "tmpfs", "mode=1777", MNT_NOSUID | MNT_NODEV, true},
	};

	for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
		struct mount_options opt = {.source = own[i].type, .data = own[i].data};
		const struct path *root = &ct->fs->root;
		int err;

		if ((own[i].if_read_only && !read_only_root) || !fs_type_find(own[i].type))
			continue;
		if (!strcmp(own[i].type, "proc"))
			opt.extra = ct->pid_ns;
		if (!strcmp(own[i].type, "cgroup2"))
			opt.extra = ct->cgroup;
		if (!strcmp(own[i].type, "mqueue"))
			opt.extra = ct->ns->ipc;
		err = mount_at(root, own[i].target, own[i].type, &opt, own[i].flags);
		if (err)
			klog(LOG_WARN, "%s is not mounted on %s: %s", own[i].type, own[i].target,
			     strerrorname_np(-err));
	}
}

/* ---- what the request brings ---- */

static int gofer_mount_new(struct request *r, s64 index, bool read_only, bool shared, struct mount **out)
{
	struct mount_options opt = {.source = "host",
				    .data = read_only ? shared ? "ro,cache=shared" : "ro"
					    : shared  ? "cache=shared"
						      : NULL};
	struct gofer_conn *conn;
	struct host_fd *sock;
	int fd, err = request_take_fd(r, index, &fd);

	if (err)
		return err;
	sock = host_fd_new(fd, HOST_FD_CONTROL, true);
	if (!sock)
		return -ENOMEM;
	sock->recipe_id = r->create * PROTO_MAX_FDS + (u32)index;
	err = gofer_conn_new(sock, &conn);
	if (err)
		return request_fail(r, err, "the gofer does not answer: %s", strerrorname_np(-err));
	opt.extra = conn;
	err = mount_new("gofer", &opt, read_only ? MNT_READONLY : 0, out);
	if (err)
		return request_fail(r, err, "the gofer's tree cannot be mounted: %s", strerrorname_np(-err));
	return 0;
}

/* "access": is the sandbox the tree's only user? */
static int field_access(struct request *r, json_t *obj, bool *shared)
{
	const char *access = "exclusive";
	int err = field_string(r, obj, "access", false, &access);

	if (err)
		return err;
	*shared = !strcmp(access, "shared");
	if (!*shared && strcmp(access, "exclusive"))
		return request_fail(r, -EINVAL, "field 'access' is exclusive or shared");
	return 0;
}

static int mount_gofer(struct request *r, const struct path *root, json_t *entry, const char *target)
{
	bool read_only = false, shared = false;
	struct mount *m;
	struct path at;
	s64 index = -1;
	int err = field_int(r, entry, "gofer", true, 0, PROTO_MAX_FDS - 1, &index);

	if (!err)
		err = field_bool(r, entry, "ro", &read_only);
	if (!err)
		err = field_access(r, entry, &shared);
	if (!err)
		err = gofer_mount_new(r, index, read_only, shared, &m);
	if (err)
		return err;
	err = find_mountpoint(root, target, &at);
	if (!err) {
		err = mount_attach(m, &at);
		path_put(&at);
	}
	mount_put(m);
	return err;
}

static int mount_one(struct request *r, const struct path *root, json_t *entry)
{
	const char *target = NULL, *type = NULL;
	int err;

	if (!json_is_object(entry))
		return request_fail(r, -EINVAL, "each of 'mounts' must be an object");
	err = fields_known(r, entry, " target gofer ro access type ");
	if (!err)
		err = field_string(r, entry, "target", true, &target);
	if (!err)
		err = field_string(r, entry, "type", false, &type);
	if (err)
		return err;
	if (target[0] != '/')
		return request_fail(r, -EINVAL, "the mount target '%.100s' is not an absolute path", target);
	if (!type) {
		err = mount_gofer(r, root, entry, target);
	} else if (!strcmp(type, "tmpfs") && !json_object_get(entry, "gofer")) {
		struct mount_options opt = {.source = "tmpfs", .data = "mode=1777"};
		bool read_only = false;
		err = field_bool(r, entry, "ro", &read_only);
		if (!err)
			err = mount_at(root, target, "tmpfs", &opt,
				       MNT_NOSUID | MNT_NODEV | (read_only ? MNT_READONLY : 0));
	} else {
		return request_fail(r, -EINVAL, "a mount has either 'gofer' or the type tmpfs");
	}
	if (err && !r->message[0])
		return request_fail(r, err, "cannot mount on '%.100s': %s", target, strerrorname_np(-err));
	return err;
}

/* It is also the name of a directory, its control group. */
static bool container_name_ok(const char *id)
{
	size_t len = strlen(id);

	return len && len <= 63 && strcmp(id, ".") && strcmp(id, "..") &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static int check_request(struct request *r, struct container_spec *spec, s64 *root_fd, bool *read_only)
{
	json_t *root = json_object_get(r->root, "root"), *mounts = json_object_get(r->root, "mounts");
	int err = field_string(r, r->root, "container", true, &spec->id);

	if (!err)
		err = field_string(r, r->root, "hostname", false, &spec->hostname);
	if (err)
		return err;
	if (!container_name_ok(spec->id))
		return request_fail(
		    r, -EINVAL,
		    "a container's name has 1 to 63 bytes of A-Z a-z 0-9 . _ -, and is not . or ..");
	if (strlen(spec->hostname) > 64)
		return request_fail(r, -EINVAL, "a host name has at most 64 bytes");
	if (!json_is_object(root))
		return request_fail(r, -EINVAL, "field 'root' must be an object");
	if (mounts && (!json_is_array(mounts) || json_array_size(mounts) > MOUNTS_MAX))
		return request_fail(r, -EINVAL, "field 'mounts' must be an array of at most %d", MOUNTS_MAX);
	err = fields_known(r, root, " gofer ro access overlay ");
	if (!err)
		err = field_int(r, root, "gofer", true, 0, PROTO_MAX_FDS - 1, root_fd);
	if (!err)
		err = field_bool(r, root, "ro", read_only);
	if (!err && container_find(spec->id))
		err = request_fail(r, -EEXIST, "there is a container called '%s' already", spec->id);
	return err;
}

/* Which namespaces it shares with which other containers. Nothing may sleep between this and their use. */
static int read_namespaces(struct request *r, struct container_spec *spec)
{
	json_t *obj = json_object_get(r->root, "namespaces");
	struct {
		const char *name;
		const struct container **out;
	} kinds[] = {{"pid", &spec->pid}, {"ipc", &spec->ipc}, {"uts", &spec->uts}};
	int err;

	if (!obj)
		return 0;
	if (!json_is_object(obj))
		return request_fail(r, -EINVAL, "field 'namespaces' must be an object");
	err = fields_known(r, obj, " pid ipc uts ");
	for (size_t i = 0; !err && i < ARRAY_COUNT(kinds); i++) {
		const char *id = NULL;
		struct container *ct;

		err = field_string(r, obj, kinds[i].name, false, &id);
		if (err || !id)
			continue;
		ct = container_find(id);
		if (!ct)
			return request_fail(r, -ENOENT, "no container is called '%.64s'", id);
		err = container_check(ct);
		if (err)
			return request_fail(r, err, "the container '%s' cannot be joined: it %s", id,
					    err == -ESRCH ? "has stopped" : "is being made or removed");
		*kinds[i].out = ct;
	}
	if (!err && spec->uts && json_object_get(r->root, "hostname"))
		return request_fail(r, -EINVAL, "who shares a UTS namespace has no host name of its own");
	return err;
}

/* The mount that takes the changes: memory, or another tree of the host. */
static int upper_mount(struct request *r, json_t *overlay, struct mount **out)
{
	struct mount_options opt = {.source = "overlay", .data = "mode=755"};
	s64 index = -1;
	int err;

	if (json_is_string(overlay) && !strcmp(json_string_value(overlay), "memory"))
		return mount_new("tmpfs", &opt, 0, out);
	if (!json_is_object(overlay))
		return request_fail(r, -EINVAL, "field 'overlay' is \"memory\" or {\"gofer\": N}");
	err = fields_known(r, overlay, " gofer ");
	if (!err)
		err = field_int(r, overlay, "gofer", true, 0, PROTO_MAX_FDS - 1, &index);
	return err ? err : gofer_mount_new(r, index, false, false, out);
}

/* What a container's root looks like before its first change is its owner's, permissions and all. */
static int dress(const struct mount *upper, const struct mount *lower)
{
	const struct inode_attr *from = &lower->root->inode->attr;
	struct inode *to = upper->root->inode;
	struct attr_change ch = {.mask = ATTR_MODE, .mode = from->mode},
			   owner = {.mask = ATTR_UID | ATTR_GID, .uid = from->uid, .gid = from->gid};
	int err = to->ops->setattr(to, &owner);

	return err ? err : to->ops->setattr(to, &ch);
}

/* The root with an overlay over it: *root becomes the overlay's mount. */
static int overlay_root(struct request *r, json_t *overlay, struct mount **root)
{
	struct mount *lower = *root, *upper, *m = NULL;
	struct path below = {lower, lower->root};
	struct overlay_layers layers = {.lower = &below, .lower_count = 1};
	struct mount_options opt = {.source = "overlay", .extra = &layers};
	int err = upper_mount(r, overlay, &upper);

	if (err)
		return err;
	layers.upper = (struct path){upper, upper->root};
	if (json_is_string(overlay))
		err = dress(upper, lower);
	if (!err)
		err = mount_new("overlay", &opt, 0, &m);
	mount_put(upper);
	if (err)
		return r->message[0]
			   ? err
			   : request_fail(r, err, "the overlay cannot be mounted: %s", strerrorname_np(-err));
	mount_put(lower);
	*root = m;
	return 0;
}

static int make_root(struct request *r, s64 index, bool read_only, struct mount **root)
{
	json_t *obj = json_object_get(r->root, "root"), *overlay = json_object_get(obj, "overlay");
	bool shared;
	int err = field_access(r, obj, &shared);

	if (!err)
		err = gofer_mount_new(r, index, read_only || overlay, shared, root);
	if (err || !overlay)
		return err;
	err = overlay_root(r, overlay, root);
	if (err)
		mount_put(*root);
	else if (read_only)
		err = mount_set_flags(*root, MNT_READONLY, MNT_READONLY, false);
	return err;
}

int op_create(struct request *r)
{
	struct container_spec spec = {.hostname = "warren"};
	struct container *ct;
	bool read_only = false;
	json_t *entry;
	size_t i;
	struct container_limits limits;
	s64 root_fd = 0;
	int err = check_request(r, &spec, &root_fd, &read_only);

	if (!err)
		err = request_limits(r, &limits);

	r->create = control()->creates++;
	if (!err)
		err = make_root(r, root_fd, read_only, &spec.root);
	if (err)
		return err;
	err = read_namespaces(r, &spec);
	if (err) {
		mount_put(spec.root);
		return err;
	}
	err = container_new(&spec, &ct);
	if (err == -EEXIST)
		return request_fail(r, err, "there is a container called '%s' already", spec.id);
	if (err)
		return err;
	mount_own(ct, read_only);
	err = container_limit(ct, &limits);
	if (!err)
		err = network_setup(r, ct, spec.hostname);
	json_array_foreach(json_object_get(r->root, "mounts"), i, entry)
	{
		if (err)
			break;
		err = mount_one(r, &ct->fs->root, entry);
	}
	ct->status = CONTAINER_CREATED;
	return err && container_delete(ct) ? -EBUSY : err;
}
