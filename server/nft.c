/* nft.c: see nft.h. Messages as <linux/netfilter/nf_tables.h> has them: a batch of netlink messages between a
 * begin and an end, each a list of attributes, numbers in network order. The kernel takes all or nothing.
 */
#include "server/nft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 20

int nft_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct timeval timeout = {ANSWER_TIMEOUT_S, 0};

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* ---- writing ---- */

static void *put(struct nft_batch *b, size_t size)
{
	size_t padded = (size + 3) & ~(size_t)3;
	void *at = b->bytes + b->size;

	if (b->full || padded > b->room - b->size) {
		b->full = true;
		return NULL;
	}
	memset(at, 0, padded);
	b->size += padded;
	return at;
}

static void attribute(struct nft_batch *b, uint16_t type, const void *data, size_t size)
{
	struct nlattr *a = put(b, sizeof(*a) + size);

	if (!a)
		return;
	a->nla_type = type;
	a->nla_len = (uint16_t)(sizeof(*a) + size);
	memcpy(a + 1, data, size);
}

static void text(struct nft_batch *b, uint16_t type, const char *value)
{
	attribute(b, type, value, strlen(value) + 1);
}

static void number(struct nft_batch *b, uint16_t type, uint32_t value)
{
	uint32_t wire = htonl(value);

	attribute(b, type, &wire, sizeof(wire));
}

/* Where a nest begins; nest_end() writes its length. */
static size_t nest(struct nft_batch *b, uint16_t type)
{
	size_t at = b->size;

	attribute(b, type | NLA_F_NESTED, "", 0);
	return at;
}

static void nest_end(struct nft_batch *b, size_t at)
{
	if (!b->full)
		((struct nlattr *)(void *)(b->bytes + at))->nla_len = (uint16_t)(b->size - at);
}

static size_t message(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family, uint16_t resource)
{
	size_t at = b->size;
	struct nlmsghdr *h = put(b, sizeof(*h) + sizeof(struct nfgenmsg));

	if (h) {
		struct nfgenmsg *g = (struct nfgenmsg *)(h + 1);
		h->nlmsg_type = type;
		h->nlmsg_flags = NLM_F_REQUEST | flags;
		h->nlmsg_seq = b->seq++;
		g->nfgen_family = family;
		g->version = NFNETLINK_V0;
		g->res_id = htons(resource);
	}
	return at;
}

static size_t change(struct nft_batch *b, uint16_t what, uint16_t flags)
{
	return message(b, NFNL_SUBSYS_NFTABLES << 8 | what, flags, NFPROTO_INET, 0);
}

static void message_end(struct nft_batch *b, size_t at)
{
	if (!b->full)
		((struct nlmsghdr *)(void *)(b->bytes + at))->nlmsg_len = (uint32_t)(b->size - at);
}

int nft_begin(struct nft_batch *b, size_t room)
{
	memset(b, 0, sizeof(*b));
	b->bytes = malloc(room);
	b->room = room;
	if (!b->bytes)
		return -ENOMEM;
	message_end(b, message(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	return 0;
}

void nft_add_table(struct nft_batch *b, const char *table)
{
	size_t at = change(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);

	text(b, NFTA_TABLE_NAME, table);
	number(b, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	message_end(b, at);
}

void nft_add_nat_chain(struct nft_batch *b, const char *table, const char *chain, uint32_t hook,
		       int32_t priority)
{
	size_t at = change(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE), inner;

	text(b, NFTA_CHAIN_TABLE, table);
	text(b, NFTA_CHAIN_NAME, chain);
	inner = nest(b, NFTA_CHAIN_HOOK);
	number(b, NFTA_HOOK_HOOKNUM, hook);
	number(b, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	nest_end(b, inner);
	text(b, NFTA_CHAIN_TYPE, "nat");
	message_end(b, at);
}

/* ---- expressions ---- */

struct expression {
	size_t element, data;
};

static struct expression expression(struct nft_batch *b, const char *name)
{
	struct expression e = {.element = nest(b, NFTA_LIST_ELEM)};

	text(b, NFTA_EXPR_NAME, name);
	e.data = nest(b, NFTA_EXPR_DATA);
	return e;
}

static void expression_end(struct nft_batch *b, struct expression e)
{
	nest_end(b, e.data);
	nest_end(b, e.element);
}

static void value(struct nft_batch *b, uint16_t type, const void *bytes, size_t size)
{
	size_t at = nest(b, type);

	attribute(b, NFTA_DATA_VALUE, bytes, size);
	nest_end(b, at);
}

static void compare(struct nft_batch *b, uint32_t op, const void *bytes, size_t size)
{
	struct expression e = expression(b, "cmp");

	number(b, NFTA_CMP_SREG, NFT_REG_1);
	number(b, NFTA_CMP_OP, op);
	value(b, NFTA_CMP_DATA, bytes, size);
	expression_end(b, e);
}

/* What register 1 holds must be these bytes. */
static void must_be(struct nft_batch *b, const void *bytes, size_t size)
{
	compare(b, NFT_CMP_EQ, bytes, size);
}

static void meta_must_be(struct nft_batch *b, uint32_t key, uint8_t wanted)
{
	struct expression e = expression(b, "meta");

	number(b, NFTA_META_DREG, NFT_REG_1);
	number(b, NFTA_META_KEY, key);
	expression_end(b, e);
	must_be(b, &wanted, sizeof(wanted));
}

static void load_payload(struct nft_batch *b, uint32_t base, uint32_t offset, size_t size)
{
	struct expression e = expression(b, "payload");

	number(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	number(b, NFTA_PAYLOAD_BASE, base);
	number(b, NFTA_PAYLOAD_OFFSET, offset);
	number(b, NFTA_PAYLOAD_LEN, (uint32_t)size);
	expression_end(b, e);
}

static void payload_must_be(struct nft_batch *b, uint32_t base, uint32_t offset, const void *bytes,
			    size_t size)
{
	load_payload(b, base, offset, size);
	must_be(b, bytes, size);
}

/* Any address of this host; but what leaves by way of ::1 no router takes, so it is left alone and refused.
 */
static void daddr_must_be_ours(struct nft_batch *b, bool v6)
{
	struct expression e;
	uint32_t local = RTN_LOCAL;

	if (v6) {
		load_payload(b, NFT_PAYLOAD_NETWORK_HEADER, 24, sizeof(in6addr_loopback));
		compare(b, NFT_CMP_NEQ, &in6addr_loopback, sizeof(in6addr_loopback));
	}
	e = expression(b, "fib");
	number(b, NFTA_FIB_DREG, NFT_REG_1);
	number(b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	number(b, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
	expression_end(b, e);
	must_be(b, &local, sizeof(local));
}

static void immediate(struct nft_batch *b, uint32_t reg, const void *bytes, size_t size)
{
	struct expression e = expression(b, "immediate");

	number(b, NFTA_IMMEDIATE_DREG, reg);
	value(b, NFTA_IMMEDIATE_DATA, bytes, size);
	expression_end(b, e);
}

static void dnat(struct nft_batch *b, bool v6)
{
	struct expression e = expression(b, "nat");

	number(b, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	number(b, NFTA_NAT_FAMILY, v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	number(b, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	number(b, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	expression_end(b, e);
}

void nft_add_dnat(struct nft_batch *b, const char *table, const char *chain, const struct nft_dnat *rule)
{
	size_t at = change(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND), list;
	size_t address_size = rule->v6 ? 16 : 4;

	text(b, NFTA_RULE_TABLE, table);
	text(b, NFTA_RULE_CHAIN, chain);
	list = nest(b, NFTA_RULE_EXPRESSIONS);
	meta_must_be(b, NFT_META_NFPROTO, rule->v6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
	if (rule->daddr)
		payload_must_be(b, NFT_PAYLOAD_NETWORK_HEADER, rule->v6 ? 24 : 16, rule->daddr, address_size);
	else
		daddr_must_be_ours(b, rule->v6);
	meta_must_be(b, NFT_META_L4PROTO, rule->udp ? IPPROTO_UDP : IPPROTO_TCP);
	payload_must_be(b, NFT_PAYLOAD_TRANSPORT_HEADER, 2, &rule->port, sizeof(rule->port));
	immediate(b, NFT_REG_1, rule->to, address_size);
	immediate(b, NFT_REG_2, &rule->to_port, sizeof(rule->to_port));
	dnat(b, rule->v6);
	nest_end(b, list);
	message_end(b, at);
}

/* ---- the answer ---- */

/* 1: not yet; 0: done; else what the kernel says is wrong. */
static int read_answer(int fd, uint32_t last)
{
	char buffer[8192];
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)buffer; NLMSG_OK(h, (size_t)n);
	     h = NLMSG_NEXT(h, n)) {
		const struct nlmsgerr *e = NLMSG_DATA(h);

		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
			continue;
		if (e->error)
			return e->error;
		if (h->nlmsg_seq == last)
			return 0;
	}
	return 1;
}

/* The last change before the end asks to be confirmed. */
int nft_commit(struct nft_batch *b, int fd)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	uint32_t last = b->seq - 1;
	int r = -ENOBUFS;

	for (size_t at = 0; !b->full && at < b->size;) {
		struct nlmsghdr *h = (struct nlmsghdr *)(void *)(b->bytes + at);

		if (h->nlmsg_seq == last)
			h->nlmsg_flags |= NLM_F_ACK;
		at += h->nlmsg_len;
	}
	message_end(b, message(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
	if (!b->full) {
		r = sendto(fd, b->bytes, b->size, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0 ? -errno
												     : 1;
		while (r == 1)
			r = read_answer(fd, last);
	}
	free(b->bytes);
	b->bytes = NULL;
	return r;
}
