/* network.c: see network.h.
 *
 * Device number N is wrnN; the kernel gives a name to one opener only, so the name is what reserves the
 * number, and with it the four addresses 100.96.0.0/16 + 4N: the host's end is the first, the guest's the
 * second. A host that uses this range itself sets WARREN_NETWORK_PREFIX ("10.77"). IPv6 likewise, with the
 * network fd57:5257:4e00:N::/64 of unique local addresses (WARREN_NETWORK_PREFIX6), if this host has IPv6.
 *
 * Rules (table inet warren): sandboxes reach neither each other nor this host's own services nor link-local
 * addresses and the like (the metadata services of clouds), nobody reaches a sandbox from outside but through
 * a published port, and no sandbox sends under another address than its own network's. The host itself may
 * connect to a sandbox.
 */
#include "server/network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INDEX_COUNT     16384U
#define VNET_SIZE       12
#define DEFAULT_PREFIX  "100.96"
#define DEFAULT_PREFIX6 "fd57:5257:4e00" /* a /48 */

/* WARREN_NETWORK_OFFLOAD=off: frames of the MTU with whole checksums cross, as over a plain cable. For
 * measuring what the offloads are worth, and for hosts on which they are broken. */
static int vnet_size(void)
{
	const char *offload = getenv("WARREN_NETWORK_OFFLOAD");

	return offload && !strcmp(offload, "off") ? 0 : VNET_SIZE;
}

static const char *range(void)
{
	const char *prefix = getenv("WARREN_NETWORK_PREFIX");
	unsigned int a, b;
	int end = 0;

	return prefix && sscanf(prefix, "%3u.%3u%n", &a, &b, &end) == 2 && !prefix[end] && a < 224 && b < 256
		   ? prefix
		   : DEFAULT_PREFIX;
}

static const char *range6(void)
{
	const char *prefix = getenv("WARREN_NETWORK_PREFIX6");
	char text[INET6_ADDRSTRLEN + 4];
	struct in6_addr a;

	if (prefix && snprintf(text, sizeof(text), "%s::", prefix) < (int)sizeof(text) &&
	    inet_pton(AF_INET6, text, &a) == 1 && !a.s6_addr32[2] && !a.s6_addr32[3] && !a.s6_addr16[3])
		return prefix;
	return DEFAULT_PREFIX6;
}

/* ---- the device ---- */

static int open_device(struct network *n, struct error *error)
{
	int vnet = vnet_size(), fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	unsigned int start = 0;
	struct ifreq r;

	if (fd < 0)
		return error_errno(
		    error, errno,
		    "cannot open /dev/net/tun, which a sandbox's network needs (--network none does not)");
	if (getrandom(&start, sizeof(start), 0) != sizeof(start))
		start = (unsigned int)getpid();
	for (unsigned int i = 0; i < INDEX_COUNT; i++) {
		n->index = (start + i) % INDEX_COUNT;
		memset(&r, 0, sizeof(r));
		snprintf(r.ifr_name, sizeof(r.ifr_name), "wrn%u", n->index);
		r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_TUN_EXCL | (vnet ? IFF_VNET_HDR : 0));
		if (ioctl(fd, TUNSETIFF, &r) == 0)
			break;
		if (errno == EBUSY && i + 1 < INDEX_COUNT)
			continue;
		error_errno(error, errno,
			    "cannot make a network device, for which CAP_NET_ADMIN is needed (--network none "
			    "needs nothing)");
		close(fd);
		return -error->code;
	}
	snprintf(n->device, sizeof(n->device), "%s", r.ifr_name);
	if (vnet && (ioctl(fd, TUNSETVNETHDRSZ, &vnet) != 0 ||
		     ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0)) {
		error_errno(error, errno, "the network device %s cannot do what is needed", n->device);
		close(fd);
		return -error->code;
	}
	n->tap_fd = fd;
	return 0;
}

static int set_address(int s, const char *device, unsigned long request, const char *address)
{
	struct ifreq r = {0};
	struct sockaddr_in in = {.sin_family = AF_INET};

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	inet_pton(AF_INET, address, &in.sin_addr);
	memcpy(&r.ifr_addr, &in, sizeof(in));
	return ioctl(s, request, &r);
}

static int bring_up(const struct network *n, struct error *error)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = 0;
	struct ifreq flags = {0};

	if (s < 0)
		return error_errno(error, errno, "cannot make a socket");
	snprintf(flags.ifr_name, sizeof(flags.ifr_name), "%s", n->device);
	flags.ifr_flags = IFF_UP;
	if (set_address(s, n->device, SIOCSIFADDR, n->gateway) != 0 ||
	    set_address(s, n->device, SIOCSIFNETMASK, "255.255.255.252") != 0 ||
	    ioctl(s, SIOCSIFFLAGS, &flags) != 0)
		r = error_errno(error, errno, "cannot configure the network device %s", n->device);
	close(s);
	return r;
}

/* Writes to /proc/sys; whether it matters is the caller's business. */
static int set_sysctl(const char *value, const char *format, const char *name)
{
	char path[128], old = 0;
	int fd, r = -1;

	snprintf(path, sizeof(path), format, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, &old, 1) == 1 && old == value[0])
		r = 0;
	else if (pwrite(fd, value, 1, 0) == 1)
		r = 0;
	close(fd);
	return r;
}

/* ---- IPv6 ---- */

/* As <linux/ipv6.h> has it, which does not go with <netinet/in.h>. */
struct address6_request {
	struct in6_addr address;
	uint32_t prefix;
	int interface;
};

static int read_sysctl(const char *format, const char *name)
{
	char path[sizeof("/proc/sys/net/ipv6/conf//disable_ipv6") + 256], value = 0;
	int fd;

	snprintf(path, sizeof(path), format, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (read(fd, &value, 1) != 1)
		value = 0;
	close(fd);
	return value - '0';
}

/* A host that forwards no longer believes routers, unless told to: those devices that did go on doing it. */
static int forward_v6(void)
{
	DIR *folder = opendir("/proc/sys/net/ipv6/conf");
	struct dirent *entry;

	if (!folder)
		return -1;
	while ((entry = readdir(folder)))
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "all") != 0 &&
		    strcmp(entry->d_name, "default") != 0 && strncmp(entry->d_name, "wrn", 3) != 0 &&
		    read_sysctl("/proc/sys/net/ipv6/conf/%s/forwarding", entry->d_name) == 0 &&
		    read_sysctl("/proc/sys/net/ipv6/conf/%s/accept_ra", entry->d_name) == 1)
			set_sysctl("2", "/proc/sys/net/ipv6/conf/%s/accept_ra", entry->d_name);
	closedir(folder);
	return set_sysctl("1", "/proc/sys/net/ipv6/conf/%s/forwarding", "all");
}

static int add_address6(const struct network *n)
{
	struct address6_request r = {.prefix = 64, .interface = (int)if_nametoindex(n->device)};
	int s = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), done;

	if (s < 0)
		return -1;
	inet_pton(AF_INET6, n->gateway6, &r.address);
	done = ioctl(s, SIOCSIFADDR, &r);
	close(s);
	return done;
}

/* Gives the device its IPv6 address, or leaves both without. */
static void open_v6(struct network *n)
{
	if (read_sysctl("/proc/sys/net/ipv6/conf/%s/disable_ipv6", "all") == 0) {
		snprintf(n->gateway6, sizeof(n->gateway6), "%.30s:%x::1", range6(), n->index);
		snprintf(n->address6, sizeof(n->address6), "%.30s:%x::2", range6(), n->index);
		/* its guest is not a router, nor is there anybody else on the link */
		set_sysctl("0", "/proc/sys/net/ipv6/conf/%s/accept_ra", n->device);
		set_sysctl("0", "/proc/sys/net/ipv6/conf/%s/accept_dad", n->device);
		if (set_sysctl("0", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", n->device) == 0 &&
		    add_address6(n) == 0 && forward_v6() == 0)
			return;
	}
	set_sysctl("1", "/proc/sys/net/ipv6/conf/%s/disable_ipv6", n->device);
	n->gateway6[0] = n->address6[0] = 0;
}

/* ---- the rules ---- */

/* Idempotent and in one transaction: whoever comes second changes nothing. */
static int write_rules(char *out, size_t size)
{
	const char *p = range(), *p6 = range6();

	return snprintf(
	    out, size,
	    "add table inet warren\nflush table inet warren\ntable inet warren {\n"
	    " chain source {\n  type filter hook prerouting priority raw; policy accept;\n"
	    "  iifname \"wrn*\" ip6 saddr != { ::, fe80::/10 } fib saddr . iif oif missing drop\n }\n"
	    " chain forward {\n  type filter hook forward priority filter; policy accept;\n"
	    "  iifname \"wrn*\" ip saddr != %s.0.0/16 drop\n"
	    "  iifname \"wrn*\" ip6 saddr != %s::/48 drop\n"
	    "  iifname \"wrn*\" oifname \"wrn*\" drop\n"
	    "  iifname \"wrn*\" ip daddr 169.254.0.0/16 drop\n"
	    "  iifname \"wrn*\" ip6 daddr { fe80::/10, fd00:ec2::/32, fd20:ce::/64 } drop\n"
	    "  oifname \"wrn*\" ct state established,related accept\n"
	    "  oifname \"wrn*\" ct status dnat accept\n"
	    "  oifname \"wrn*\" drop\n }\n"
	    " chain local {\n  type filter hook input priority filter; policy accept;\n"
	    "  iifname \"wrn*\" ct state established,related accept\n"
	    "  iifname \"wrn*\" ip daddr 127.0.0.0/8 drop\n"
	    "  iifname \"wrn*\" ip saddr %s.0.0/16 icmp type echo-request accept\n"
	    "  iifname \"wrn*\" ip6 saddr %s::/48 icmpv6 type echo-request accept\n"
	    "  iifname \"wrn*\" ip6 hoplimit 255 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
	    "accept\n"
	    "  iifname \"wrn*\" drop\n }\n"
	    " chain out {\n  type nat hook postrouting priority srcnat; policy accept;\n"
	    "  ip saddr %s.0.0/16 oifname != \"wrn*\" masquerade\n"
	    "  ip6 saddr %s::/48 oifname != \"wrn*\" masquerade\n"
	    "  ip saddr 127.0.0.0/8 oifname \"wrn*\" masquerade\n }\n}\n",
	    p, p6, p, p6, p, p6);
}

static int run_nft(int in, struct error *error)
{
	char name[] = "nft", option[] = "-f", standard_input[] = "-";
	char *argv[] = {name, option, standard_input, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = 0, r;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	r = posix_spawnp(&pid, "nft", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (r)
		return error_errno(error, r,
				   "cannot run nft, which lets the sandbox's traffic out (package nftables)");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_errno(error, errno, "cannot wait for nft");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(error, EIO, "nft refused the rules that let the sandbox's traffic out");
	return 0;
}

static int apply_rules(struct error *error)
{
	char text[4096];
	int size = write_rules(text, sizeof(text)), pair[2], r;

	if (pipe2(pair, O_CLOEXEC) != 0)
		return error_errno(error, errno, "cannot make a pipe");
	/* less than what a pipe holds */
	r = write(pair[1], text, (size_t)size) == size ? 0
						       : error_set(error, EIO, "cannot hand nft its rules");
	close(pair[1]);
	if (!r)
		r = run_nft(pair[0], error);
	close(pair[0]);
	return r;
}

/* ---- name servers ---- */

static bool can_reach(const struct network *n, const char *address)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1)
		return ntohl(four.s_addr) >> 24 != 127;
	return n->address6[0] && inet_pton(AF_INET6, address, &six) == 1 && !IN6_IS_ADDR_LOOPBACK(&six) &&
	       !IN6_IS_ADDR_LINKLOCAL(&six);
}

/* The host's own, as far as a guest can reach them. */
static void read_dns(struct network *n, const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256], address[46];

	while (f && fgets(line, sizeof(line), f))
		if (n->dns_count < NETWORK_DNS_MAX && sscanf(line, "nameserver %45s", address) == 1 &&
		    can_reach(n, address))
			strcpy(n->dns[n->dns_count++], address);
	if (f)
		fclose(f);
}

static int publish(struct network *n, const struct publish_port *ports, unsigned int count,
		   struct error *error)
{
	struct publish_target target = {.name = n->device, .device_fd = n->tap_fd};

	inet_pton(AF_INET, n->address, &target.v4);
	if (n->address6[0])
		inet_pton(AF_INET6, n->address6, &target.v6);
	/* what this host sends to 127.0.0.1 may leave by the device; what comes in for it is dropped by rule
	 */
	if (set_sysctl("1", "/proc/sys/net/ipv4/conf/%s/route_localnet", n->device) != 0)
		return error_errno(error, errno, "cannot lead 127.0.0.1 into the sandbox");
	return publish_open(ports, count, &target, &n->lease_fd, error);
}

static void choose_addresses(struct network *n)
{
	unsigned int third = n->index * 4 >> 8, fourth = n->index * 4 & 255;

	snprintf(n->gateway, sizeof(n->gateway), "%s.%u.%u", range(), third & 255, fourth + 1);
	snprintf(n->address, sizeof(n->address), "%s.%u.%u", range(), third & 255, fourth + 2);
	snprintf(n->mac, sizeof(n->mac), "02:57:00:%02x:%02x:%02x", n->index >> 16 & 255, n->index >> 8 & 255,
		 n->index & 255);
}

int network_open(struct network *n, const struct publish_port *ports, unsigned int port_count,
		 struct error *error)
{
	int r;

	memset(n, 0, sizeof(*n));
	n->tap_fd = n->lease_fd = -1;
	r = open_device(n, error);
	if (r)
		return r;
	choose_addresses(n);
	/* nobody is to be believed who is not there */
	set_sysctl("1", "/proc/sys/net/ipv4/conf/%s/rp_filter", n->device);
	r = apply_rules(error);
	if (!r)
		r = bring_up(n, error);
	if (!r && set_sysctl("1", "/proc/sys/net/ipv4/%s", "ip_forward") != 0)
		r = error_errno(
		    error, errno,
		    "cannot switch on net.ipv4.ip_forward, without which nothing leaves a sandbox");
	if (!r)
		open_v6(n);
	if (!r && port_count)
		r = publish(n, ports, port_count, error);
	if (r) {
		network_close(n);
		return r;
	}
	read_dns(n, "/etc/resolv.conf");
	if (!n->dns_count)
		read_dns(n, "/run/systemd/resolve/resolv.conf");
	return 0;
}

void network_close(struct network *n)
{
	if (n->lease_fd >= 0)
		close(n->lease_fd);
	if (n->tap_fd >= 0)
		close(n->tap_fd);
	n->tap_fd = n->lease_fd = -1;
}

json_t *network_describe(const struct network *n, unsigned int fd_index)
{
	json_t *dns = json_array(), *all;

	for (unsigned int i = 0; i < n->dns_count; i++)
		json_array_append_new(dns, json_string(n->dns[i]));
	all = json_pack("{s:i,s:i,s:s,s:i,s:s,s:i,s:s,s:o}", "tap", (int)fd_index, "vnet_size", vnet_size(),
			"address", n->address, "prefix", 30, "gateway", n->gateway, "mtu", 1500, "mac",
			n->mac, "dns", dns);
	if (all && n->address6[0]) {
		json_object_set_new(all, "address6", json_string(n->address6));
		json_object_set_new(all, "prefix6", json_integer(64));
		json_object_set_new(all, "gateway6", json_string(n->gateway6));
	}
	return all;
}
