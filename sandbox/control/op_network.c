/*
 * op_network.c - the network of a container as a supervisor gives it: a TAP device, addresses, name servers.
 *
 * The files that tell programs of it (/etc/resolv.conf, /etc/hosts, /etc/hostname) lie in memory and are
 * mounted over the root's own, which stay as they are.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "sandbox/control/control_priv.h"
#include "sandbox/socket/net_tap.h"
#include "sandbox/vfs/mount.h"
#include "sandbox/vfs/namei.h"

#define DNS_MAX 8

/* inet_pton keeps no state and asks nobody. */
static int parse_address(struct request *r, json_t *obj, const char *name, bool v6, bool required,
			 struct ip_addr *out)
{
	const char *text = NULL;
	u8 bytes[16];
	int err = field_string(r, obj, name, required, &text);

	*out = v6 ? IP6_ANY : IP4_ANY;
	if (err || !text)
		return err;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) != 1)
		return request_fail(r, -EINVAL, "'%s' of the network is no %s address", name,
				    v6 ? "IPv6" : "IPv4");
	if (v6)
		memcpy(out->b, bytes, sizeof(out->b));
	else
		*out = ip_v4(get_be32(bytes));
	if (v6 && (!ip_is_unicast(out) || ip_is_v4(out) || ip_is_loopback(out)))
		return request_fail(r, -EINVAL, "'%s' of the network is no address of one station", name);
	return 0;
}

static int parse_mac(struct request *r, json_t *obj, u8 out[6])
{
	const char *text = NULL;
	unsigned int b[6];
	int err = field_string(r, obj, "mac", true, &text), end = 0;

	if (err)
		return err;
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6 ||
	    text[end] || (b[0] & 1))
		return request_fail(r, -EINVAL, "'mac' of the network is no address of one station");
	for (int i = 0; i < 6; i++)
		out[i] = (u8)b[i];
	return 0;
}

static int parse(struct request *r, json_t *obj, struct net_tap_config *c, s64 *tap)
{
	s64 prefix = 0, prefix6 = 64, mtu = 1500, vnet = 0;
	int err = fields_known(
	    r, obj, " tap vnet_size address prefix gateway address6 prefix6 gateway6 mtu mac dns ");

	if (!err)
		err = field_int(r, obj, "tap", true, 0, PROTO_MAX_FDS - 1, tap);
	if (!err)
		err = field_int(r, obj, "vnet_size", false, 0, 12, &vnet);
	if (!err)
		err = field_int(r, obj, "prefix", true, 1, 32, &prefix);
	if (!err)
		err = field_int(r, obj, "mtu", false, 1280, 65521, &mtu);
	if (!err && vnet != 0 && vnet != 10 && vnet != 12)
		err = request_fail(r, -EINVAL, "'vnet_size' of the network is 0, 10 or 12");
	if (!err)
		err = field_int(r, obj, "prefix6", false, 1, 128, &prefix6);
	if (!err)
		err = parse_address(r, obj, "address", false, true, &c->address);
	if (!err)
		err = parse_address(r, obj, "gateway", false, false, &c->gateway);
	if (!err)
		err = parse_address(r, obj, "address6", true, false, &c->address6);
	if (!err)
		err = parse_address(r, obj, "gateway6", true, false, &c->gateway6);
	if (!err)
		err = parse_mac(r, obj, c->mac);
	c->name = "eth0";
	c->prefix_len = (u32)prefix;
	c->prefix_len6 = (u32)prefix6;
	c->mtu = (u32)mtu;
	c->vnet_size = (u32)vnet;
	return err;
}

/* ---- the files ---- */

static int put_file(const struct path *dir, const char *name, const char *text)
{
	struct path p;
	struct file *f;
	u64 pos = 0;
	s64 n;
	int err = vfs_create_at(dir, name, 0644);

	if (!err)
		err = path_lookup_at(dir, name, 0, &p);
	if (err)
		return err;
	err = vfs_open_path_as_kernel(&p, O_WRONLY, &f);
	path_put(&p);
	if (err)
		return err;
	n = file_write_kernel(f, text, strlen(text), &pos);
	file_put(f);
	return n < 0 ? (int)n : n == (s64)strlen(text) ? 0 : -ENOSPC;
}

/* Shows the file of `dir` at /etc/NAME, if there is such a place or it can be made. */
static int show_file(const struct path *root, const struct path *dir, const char *name)
{
	char target[64];
	struct path etc, at, file;
	struct mount *m;
	int err;

	snprintf(target, sizeof(target), "/etc/%s", name);
	err = path_lookup_at(root, target, WALK_FOLLOW, &at);
	if (err == -ENOENT) {
		err = path_lookup_at(root, "/etc", WALK_FOLLOW | WALK_DIRECTORY, &etc);
		if (!err) {
			err = (etc.mnt->flags & MNT_READONLY) || (etc.mnt->sb->flags & SB_READONLY)
				  ? -EROFS
				  : vfs_create_at(&etc, name, 0644);
			path_put(&etc);
		}
		if (!err)
			err = path_lookup_at(root, target, WALK_FOLLOW, &at);
	}
	if (err)
		return err;
	err = path_lookup_at(dir, name, 0, &file);
	if (!err) {
		err = mount_of_sb(file.mnt->sb, file.dentry, MNT_NOSUID | MNT_NODEV, "tmpfs", &m);
		path_put(&file);
	}
	if (!err) {
		err = mount_attach(m, &at);
		mount_put(m);
	}
	path_put(&at);
	return err;
}

static int name_servers(struct request *r, json_t *dns, struct text_buf *b)
{
	json_t *entry;
	size_t i;

	if (dns && (!json_is_array(dns) || json_array_size(dns) > DNS_MAX))
		return request_fail(r, -EINVAL, "'dns' of the network is an array of at most %d", DNS_MAX);
	json_array_foreach(dns, i, entry)
	{
		const char *text = json_string_value(entry);
		u8 bytes[16];
		if (!text || (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1))
			return request_fail(r, -EINVAL,
					    "'dns' of the network holds something that is no address");
		text_printf(b, "nameserver %s\n", text);
	}
	return 0;
}

/* The texts, each ended by a NUL. */
static int make_files(struct request *r, json_t *obj, const struct path *dir, const char *hostname,
		      const struct net_tap_config *c)
{
	struct text_buf b = {0};
	const u8 *a = c->address.b + 12;
	char six[INET6_ADDRSTRLEN];
	int err = name_servers(r, json_object_get(obj, "dns"), &b);

	text_append(&b, "", 1);
	if (!err)
		err = b.failed ? -ENOMEM : put_file(dir, "resolv.conf", b.data);
	b.size = 0;
	text_printf(&b, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	text_printf(&b, "%u.%u.%u.%u\t%s\n", a[0], a[1], a[2], a[3], hostname);
	if (!ip_is_any(&c->address6) && inet_ntop(AF_INET6, c->address6.b, six, sizeof(six)))
		text_printf(&b, "%s\t%s\n", six, hostname);
	text_append(&b, "", 1);
	if (!err)
		err = b.failed ? -ENOMEM : put_file(dir, "hosts", b.data);
	b.size = 0;
	text_printf(&b, "%s\n", hostname);
	text_append(&b, "", 1);
	if (!err)
		err = b.failed ? -ENOMEM : put_file(dir, "hostname", b.data);
	kfree(b.data);
	return err;
}

static int tell_programs(struct request *r, json_t *obj, struct container *ct, const char *hostname,
			 const struct net_tap_config *c)
{
	static const char *const names[] = {"resolv.conf", "hosts", "hostname"};
	struct mount_options opt = {.source = "tmpfs", .data = "mode=755,size=64k"};
	struct mount *m;
	struct path dir;
	int err = mount_new("tmpfs", &opt, 0, &m);

	if (err)
		return err;
	dir = (struct path){m, m->root};
	err = make_files(r, obj, &dir, hostname, c);
	for (size_t i = 0; !err && i < ARRAY_COUNT(names); i++) {
		int shown = show_file(&ct->fs->root, &dir, names[i]);
		if (shown)
			klog(LOG_WARN, "/etc/%s is not that of the network: %s", names[i],
			     strerrorname_np(-shown));
	}
	mount_put(m);
	return err;
}

int network_setup(struct request *r, struct container *ct, const char *hostname)
{
	json_t *obj = json_object_get(r->root, "network");
	struct net_tap_config c = {0};
	struct host_fd *fd;
	s64 index = -1;
	int host, err;

	if (!obj)
		return 0;
	if (!json_is_object(obj))
		return request_fail(r, -EINVAL, "field 'network' must be an object");
	err = parse(r, obj, &c, &index);
	if (!err)
		err = request_take_fd(r, index, &host);
	if (err)
		return err;
	fd = host_fd_new(host, HOST_FD_TAP, true);
	if (!fd)
		return -ENOMEM;
	err = net_tap_attach(ct->ns->net, fd, &c);
	host_fd_put(fd);
	if (!err)
		err = tell_programs(r, obj, ct, hostname, &c);
	return err && !r->message[0]
		   ? request_fail(r, err, "the network cannot be set up: %s", strerrorname_np(-err))
		   : err;
}
