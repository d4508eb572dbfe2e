/* publish.c: see publish.h.
 *
 * A port that belongs to another program of this host must not be taken from it by a rule, so it is bound
 * first, without SO_REUSEADDR: the kernel says whether it is free, and keeps it from others from then on. A
 * connection that this host itself makes, also to 127.0.0.1, goes through the output hook.
 */
#include "server/publish.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/nft.h"

#define RULE_ROOM 1024U                 /* bytes of one rule's message, with room to spare */
#define FDS_MAX   (2 * PUBLISH_MAX + 2) /* a socket of each family for each port, the table, the device */
static_assert(FDS_MAX < 253, "what one message may carry");

/* ---- what the user says ---- */

bool publish_parse_host(const char *text, struct publish_port *port)
{
	struct in_addr v4;

	port->any = !text || !*text;
	memset(&port->host, 0, sizeof(port->host));
	if (port->any)
		return true;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		port->host.s6_addr[10] = port->host.s6_addr[11] = 0xff;
		memcpy(port->host.s6_addr + 12, &v4, sizeof(v4));
		return true;
	}
	return inet_pton(AF_INET6, text, &port->host) == 1;
}

static bool parse_port(const char *text, size_t length, uint16_t *port)
{
	unsigned long value = 0;

	if (!length || length > 5 || strspn(text, "0123456789") < length)
		return false;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (unsigned long)(text[i] - '0');
	*port = (uint16_t)value;
	return value && value <= UINT16_MAX;
}

bool publish_parse(const char *text, struct publish_port *port)
{
	const char *end = text + strlen(text), *slash = strrchr(text, '/'), *guest, *host;
	char address[INET6_ADDRSTRLEN + 2];
	size_t length;

	port->udp = false;
	if (slash) {
		port->udp = strcmp(slash, "/udp") == 0;
		if (!port->udp && strcmp(slash, "/tcp") != 0)
			return false;
		end = slash;
	}
	guest = memrchr(text, ':', (size_t)(end - text));
	if (!guest || !parse_port(guest + 1, (size_t)(end - guest - 1), &port->guest_port))
		return false;
	host = memrchr(text, ':', (size_t)(guest - text));
	if (!parse_port(host ? host + 1 : text, (size_t)(guest - (host ? host + 1 : text)), &port->host_port))
		return false;
	length = host ? (size_t)(host - text) : 0;
	if (length > 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
	} else if (memchr(text, ':', length)) {
		return false; /* which of the colons ends the address? */
	}
	if (length >= sizeof(address) || (host && !length))
		return false;
	memcpy(address, text, length);
	address[length] = 0;
	return publish_parse_host(address, port);
}

/* ---- the ports ---- */

static bool is_v4(const struct publish_port *port)
{
	return IN6_IS_ADDR_V4MAPPED(&port->host);
}

static int refuse(const struct publish_port *port, int code, struct error *error)
{
	return error_set(error, code, "cannot publish port %u/%s: %s", port->host_port,
			 port->udp ? "udp" : "tcp",
			 code == EADDRINUSE      ? "it is in use on this host"
			 : code == EADDRNOTAVAIL ? "this host does not have the address"
						 : strerror(code));
}

/* A socket that has the port; a negative errno. */
static int reserve(const struct publish_port *port, bool v6)
{
	int fd = socket(v6 ? AF_INET6 : AF_INET, (port->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port->host_port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port->host_port)};
	int one = 1, r;

	if (fd < 0)
		return -errno;
	if (v6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		in6.sin6_addr = port->host;
		r = bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	} else {
		if (!port->any)
			memcpy(&in.sin_addr, port->host.s6_addr + 12, sizeof(in.sin_addr));
		r = bind(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (r == 0)
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static int reserve_all(const struct publish_port *ports, unsigned int count, bool have_v6, int *fds,
		       unsigned int *fd_count, struct error *error)
{
	for (unsigned int i = 0; i < count; i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			int fd;

			if (ports[i].any ? v6 && !have_v6 : v6 == is_v4(&ports[i]))
				continue;
			if (v6 && !have_v6)
				return error_set(error, EADDRNOTAVAIL,
						 "cannot publish port %u: the sandbox has no IPv6",
						 ports[i].host_port);
			fd = reserve(&ports[i], v6);
			if (fd < 0)
				return refuse(&ports[i], -fd, error);
			fds[(*fd_count)++] = fd;
		}
	}
	return 0;
}

/* ---- the rules ---- */

static void add_rules(struct nft_batch *b, const char *table, const char *chain,
		      const struct publish_port *port, const struct publish_target *target)
{
	struct nft_dnat rule = {.udp = port->udp,
				.port = htons(port->host_port),
				.to_port = htons(port->guest_port),
				.daddr = port->any ? NULL : port->host.s6_addr + 12,
				.to = &target->v4};

	if (port->any || is_v4(port))
		nft_add_dnat(b, table, chain, &rule);
	if (IN6_IS_ADDR_UNSPECIFIED(&target->v6) || (!port->any && is_v4(port)))
		return;
	rule.v6 = true;
	rule.daddr = port->any ? NULL : &port->host;
	rule.to = &target->v6;
	nft_add_dnat(b, table, chain, &rule);
}

static int make_table(const struct publish_port *ports, unsigned int count,
		      const struct publish_target *target, int fd, struct error *error)
{
	char table[64];
	uint32_t unique;
	struct nft_batch b;
	int r = nft_begin(&b, (size_t)(4 * count + 8) * RULE_ROOM);

	if (r)
		return error_set(error, ENOMEM, "no memory for the rules of published ports");
	if (getrandom(&unique, sizeof(unique), 0) != sizeof(unique))
		unique = (uint32_t)getpid();
	snprintf(table, sizeof(table), "warren-%s-%08x", target->name, unique);
	nft_add_table(&b, table);
	nft_add_nat_chain(&b, table, "from-outside", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST);
	nft_add_nat_chain(&b, table, "from-this-host", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST);
	for (unsigned int i = 0; i < count; i++) {
		add_rules(&b, table, "from-outside", &ports[i], target);
		add_rules(&b, table, "from-this-host", &ports[i], target);
	}
	r = nft_commit(&b, fd);
	if (r)
		return error_set(error, -r,
				 "the kernel refused the rules of published ports, which need nf_tables of "
				 "Linux 5.12 or later: %s",
				 strerror(-r));
	return 0;
}

/* ---- the lease ---- */

/* Puts the descriptors into a message on the way to a socket; that socket, or a negative errno. */
static int bundle(const int *fds, unsigned int count)
{
	char control[CMSG_SPACE(FDS_MAX * sizeof(int))] = {0}, byte = 0;
	struct iovec iov = {&byte, 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE(count * sizeof(int))};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(h), fds, count * sizeof(int));
	r = sendmsg(pair[0], &m, MSG_NOSIGNAL) == 1 ? 0 : -errno;
	close(pair[0]);
	if (r) {
		close(pair[1]);
		return r;
	}
	return pair[1];
}

int publish_open(const struct publish_port *ports, unsigned int count, const struct publish_target *target,
		 int *lease, struct error *error)
{
	int fds[FDS_MAX], r;
	unsigned int fd_count = 0;

	/* in this order they are closed at the end */
	fds[fd_count] = nft_socket();
	if (fds[fd_count] < 0)
		return error_set(error, -fds[fd_count], "cannot talk to nf_tables: %s",
				 strerror(-fds[fd_count]));
	fd_count++;
	r = reserve_all(ports, count, !IN6_IS_ADDR_UNSPECIFIED(&target->v6), fds, &fd_count, error);
	if (!r)
		r = make_table(ports, count, target, fds[0], error);
	if (!r) {
		fds[fd_count] = target->device_fd;
		*lease = bundle(fds, fd_count + 1);
		if (*lease < 0)
			r = error_set(error, -*lease, "cannot hold published ports: %s", strerror(-*lease));
	}
	for (unsigned int i = 0; i < fd_count; i++)
		close(fds[i]);
	return r;
}
