/*
 * net_show.c - /proc/net's tables of sockets: tcp, udp, raw, icmp, unix, netlink, packet (proc_net(5)).
 */
#include "sandbox/socket/net_show.h"

#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"
#include "sandbox/socket/packet.h"
#include "sandbox/socket/unix_priv.h"

#define TICKS_PER_SEC 100U

struct table {
	struct text_buf *b;
	u32 proto, line;
	bool v6;
};

static u32 raw_word(const u8 *p)
{
	u32 w;

	memcpy(&w, p, sizeof(w));
	return w;
}

/* As Linux prints them: the network's order read as this machine's words. */
static void put_end(struct text_buf *b, bool v6, const struct ip_addr *a, u32 port)
{
	struct ip_addr shown = *a;

	if (ip_is_any(a))
		shown = v6 ? IP6_ANY : IP4_ANY;
	if (v6)
		text_printf(b, "%08X%08X%08X%08X:%04X", raw_word(shown.b), raw_word(shown.b + 4),
			    raw_word(shown.b + 8), raw_word(shown.b + 12), port);
	else
		text_printf(b, "%08X:%04X", raw_word(shown.b + 12), port);
}

static unsigned long inode_of(const struct socket *s)
{
	return s && s->file ? (unsigned long)s->file->inode->attr.ino : 0;
}

static struct net_sock *sock_of(struct net_ep *ep)
{
	return ep->kind == EP_TCP_REQUEST || ep->kind == EP_TCP_TIME_WAIT
		   ? NULL
		   : container_of(ep, struct net_sock, ep);
}

/* ---- tcp ---- */

static void tcp_one(struct net_ep *ep, void *arg)
{
	struct table *t = arg;
	struct net_sock *sk = sock_of(ep);
	const struct inet_sock *i = sk ? sk->owner : NULL;
	struct tcp_line l;
	size_t start = t->b->size;

	if (ep->proto != LINUX_IPPROTO_TCP || ep->v6 != t->v6)
		return;
	tcp_line(ep, &l);
	text_printf(t->b, "%4u: ", t->line++);
	put_end(t->b, t->v6, &ep->laddr, ep->lport);
	text_printf(t->b, " ");
	put_end(t->b, t->v6, &ep->raddr, ep->rport);
	text_printf(t->b, " %02X %08X:%08X %02X:%08lX %08X %5u %8u %lu %u %016lx", l.state, l.tx_queue,
		    l.rx_queue, l.timer, (unsigned long)(l.timer_left_ns / (NSEC_PER_SEC / TICKS_PER_SEC)),
		    l.retransmits, uid_seen(ep->uid), l.timeout_probes, inode_of(i ? &i->sock : NULL), 1,
		    0UL);
	if (sk)
		text_printf(t->b, " %lu %lu %u %u %d",
			    (unsigned long)(l.rto_ns / (NSEC_PER_SEC / TICKS_PER_SEC)),
			    (unsigned long)(l.ato_ns / (NSEC_PER_SEC / TICKS_PER_SEC)), 0, l.cwnd,
			    l.ssthresh == UINT32_MAX ? -1 : (s32)l.ssthresh);
	/* lines of IPv4 have a fixed width */
	if (!t->v6 && t->b->size - start < 149)
		text_printf(t->b, "%*s", (int)(149 - (t->b->size - start)), "");
	text_printf(t->b, "\n");
}

void net_show_tcp(struct net_state *st, struct text_buf *b)
{
	struct table t = {b, LINUX_IPPROTO_TCP, 0, false};

	text_printf(b, "%-149s\n",
		    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
		    "timeout inode");
	sock_walk(st->stack, tcp_one, &t);
}

void net_show_tcp6(struct net_state *st, struct text_buf *b)
{
	struct table t = {b, LINUX_IPPROTO_TCP, 0, true};

	text_printf(
	    b,
	    "  sl  local_address                         remote_address                        st tx_queue "
	    "rx_queue tr tm->when retrnsmt   uid  timeout inode\n");
	sock_walk(st->stack, tcp_one, &t);
}

/* ---- udp, raw, icmp ---- */

static void dgram_one(struct table *t, struct net_sock *sk)
{
	const struct net_ep *ep = &sk->ep;
	const struct inet_sock *i = sk->owner;
	bool connected = ep->rport || !ip_is_any(&ep->raddr);
	u32 lport = ep->kind == EP_RAW ? ep->proto : ep->lport;
	size_t start = t->b->size;

	text_printf(t->b, "%5u: ", t->line++);
	put_end(t->b, t->v6, &ep->laddr, lport);
	text_printf(t->b, " ");
	put_end(t->b, t->v6, &ep->raddr, ep->rport);
	text_printf(t->b, " %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d %016lx %lu",
		    connected ? TCPS_ESTABLISHED : TCPS_CLOSE, sk->sending, sk->queued, 0, 0UL, 0,
		    uid_seen(ep->uid), 0, inode_of(i ? &i->sock : NULL), 2, 0UL, (unsigned long)sk->drops);
	if (!t->v6 && t->b->size - start < 127)
		text_printf(t->b, "%*s", (int)(127 - (t->b->size - start)), "");
	text_printf(t->b, "\n");
}

static void show_dgrams(struct net_state *st, struct text_buf *b, enum ep_kind kind, bool v6)
{
	struct table t = {b, 0, 0, v6};
	struct inet_sock *i;

	if (v6)
		text_printf(
		    b, "  sl  local_address                         remote_address                        st "
		       "tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n");
	else
		text_printf(
		    b, "%-127s\n",
		    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid "
		    " timeout inode ref pointer drops");
	list_for_each_entry (i, &st->inet_socks, node)
		if (i->sk->ep.kind == kind && i->sk->ep.v6 == v6 && (kind == EP_RAW || i->sk->ep.lport))
			dgram_one(&t, i->sk);
}

void net_show_udp(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_UDP, false);
}

void net_show_udp6(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_UDP, true);
}

void net_show_raw(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_RAW, false);
}

void net_show_raw6(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_RAW, true);
}

void net_show_icmp(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_PING, false);
}

void net_show_icmp6(struct net_state *st, struct text_buf *b)
{
	show_dgrams(st, b, EP_PING, true);
}

/* ---- other families ---- */

static void unix_name_of(struct text_buf *b, const struct unix_endpoint *e)
{
	const char *name = (const char *)e->addr.data + 2;
	u32 len = e->addr.len > 2 ? e->addr.len - 2 : 0;

	if (!len)
		return;
	text_printf(b, " ");
	if (name[0]) {
		text_printf(b, "%.*s", (int)len, name);
		return;
	}
	for (u32 k = 0; k < len; k++)
		text_printf(b, "%c", name[k] ? name[k] : '@');
}

void net_show_unix(struct net_state *st, struct text_buf *b)
{
	struct socket_state *all = kernel()->sockets;
	struct unix_endpoint *e;

	text_printf(b, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	if (!all)
		return;
	list_for_each_entry (e, &all->all, all_node) {
		if (!e->sock.file)
			continue;
		text_printf(b, "%016lx: %08X %08X %08X %04X %02X %5lu", 0UL, 2, 0,
			    e->state == UNIX_LISTENING ? 0x10000 : 0, (u32)e->sock.type,
			    e->state == UNIX_CONNECTED ? 3 : 1, inode_of(&e->sock));
		unix_name_of(b, e);
		text_printf(b, "\n");
	}
}

void net_show_netlink(struct net_state *st, struct text_buf *b)
{
	struct netlink_sock *n;

	text_printf(
	    b, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	list_for_each_entry (n, &st->netlink_socks, node)
		text_printf(b, "%016lx %-3d %-10u %08x %-8u %-8u %-5d %-8d %-8u %-8lu\n", 0UL,
			    n->sock.protocol, n->portid, (u32)n->groups, n->queued, 0, 0, 2, 0,
			    inode_of(&n->sock));
}

void net_show_packet(struct net_state *st, struct text_buf *b)
{
	struct packet_socket *p;

	text_printf(b, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	list_for_each_entry (p, &st->packet_socks, node)
		text_printf(b, "%016lx %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6lu\n", 0UL, 3, p->sock.type,
			    p->ps->protocol, (s32)p->ps->ifindex, p->ps->protocol != 0, p->ps->queued,
			    uid_seen(p->uid), inode_of(&p->sock));
}
