/*
 * sock_diag.c - sock_diag(7): sockets as ss(8) asks for them.
 */
#include <errno.h>

#include "sandbox/abi/inet.h"
#include "sandbox/base/arena.h"
#include "sandbox/kernel/ns.h"
#include "sandbox/socket/inet_priv.h"
#include "sandbox/socket/netlink.h"
#include "sandbox/socket/unix_priv.h"

#define TCP_INFO_MAX     256U
#define TCP_INFO_OPT     11
#define TCP_CC_OPT       13
#define UNIX_CLOSE       7U
#define UNIX_LISTEN      10U
#define UNIX_ESTABLISHED 1U

struct dump {
	struct nl_request *r;
	const struct linux_inet_diag_req_v2 *req;
};

static struct net_sock *sock_of(struct net_ep *ep)
{
	return ep->kind == EP_TCP_REQUEST || ep->kind == EP_TCP_TIME_WAIT
		   ? NULL
		   : container_of(ep, struct net_sock, ep);
}

static void put_id(struct linux_inet_diag_sockid *id, const struct net_ep *ep)
{
	put_be16(id->sport, ep->lport);
	put_be16(id->dport, ep->rport);
	if (ep->v6) {
		memcpy(id->src, ep->laddr.b, 16);
		memcpy(id->dst, ep->raddr.b, 16);
		if (ip_is_any(&ep->laddr))
			memset(id->src, 0, 16);
		if (ip_is_any(&ep->raddr))
			memset(id->dst, 0, 16);
	} else {
		memcpy(id->src, ep->laddr.b + 12, 4);
		memcpy(id->dst, ep->raddr.b + 12, 4);
	}
	id->interface = ep->bound_if;
	id->cookie[0] = (u32)(uintptr_t)ep >> 4; /* tells them apart */
	id->cookie[1] = 0;
}

static void put_memory(struct nl_buf *b, const struct net_sock *sk, const struct linux_inet_diag_msg *h)
{
	u32 sk_mem[9] = {h->rqueue, sk->rcvbuf, 0, sk->sndbuf, 0, h->wqueue, 0, 0, (u32)sk->drops};
	u32 mem[4] = {h->rqueue, h->wqueue, 0, 0};

	nl_put(b, LINUX_INET_DIAG_SKMEMINFO, sk_mem, sizeof(sk_mem));
	nl_put(b, LINUX_INET_DIAG_MEMINFO, mem, sizeof(mem));
}

static bool asked(const struct linux_inet_diag_req_v2 *req, u32 what)
{
	return req->ext & (1U << (what - 1));
}

static void put_details(struct dump *d, struct net_sock *sk, const struct linux_inet_diag_msg *h)
{
	struct nl_buf *b = d->r->out;
	u8 info[TCP_INFO_MAX];
	char cc[16];
	s64 n;

	nl_put_u8(b, LINUX_INET_DIAG_SHUTDOWN, (u8)(sk->shut_read | sk->shut_write << 1));
	if (sk->ep.v6)
		nl_put_u8(b, LINUX_INET_DIAG_SKV6ONLY, sk->ep.v6only);
	if (asked(d->req, LINUX_INET_DIAG_SKMEMINFO))
		put_memory(b, sk, h);
	if (sk->ep.kind != EP_TCP)
		return;
	if (asked(d->req, LINUX_INET_DIAG_INFO)) {
		n = tcp_getsockopt(sk, TCP_INFO_OPT, info, sizeof(info));
		if (n > 0)
			nl_put(b, LINUX_INET_DIAG_INFO, info, (size_t)n);
	}
	if (asked(d->req, LINUX_INET_DIAG_CONG)) {
		n = tcp_getsockopt(sk, TCP_CC_OPT, cc, sizeof(cc) - 1);
		if (n > 0) {
			cc[n] = 0;
			nl_put_str(b, LINUX_INET_DIAG_CONG, cc);
		}
	}
}

static void diag_one(struct net_ep *ep, void *arg)
{
	struct dump *d = arg;
	const struct linux_inet_diag_req_v2 *req = d->req;
	struct net_sock *sk = sock_of(ep);
	struct tcp_line line = {0};
	struct linux_inet_diag_msg h = {0}, *out;
	struct inet_sock *owner = sk ? sk->owner : NULL;

	if (ep->proto != req->protocol || ep->v6 != (req->family == LINUX_AF_INET6))
		return;
	if (ep->proto == LINUX_IPPROTO_TCP) {
		tcp_line(ep, &line);
		h.wqueue = line.state == TCPS_LISTEN ? line.backlog_max : line.tx_queue;
		h.rqueue = line.rx_queue;
		h.timer = line.timer;
		h.retrans = line.retransmits;
		h.expires = (u32)(line.timer_left_ns / 1000000);
	} else {
		line.state = ep->rport || !ip_is_any(&ep->raddr) ? TCPS_ESTABLISHED : TCPS_CLOSE;
		h.rqueue = sk ? sk->queued : 0;
		h.wqueue = sk ? sk->sending : 0;
	}
	if (!(req->states & (1U << line.state)))
		return;
	if ((get_be16(req->id.sport) && get_be16(req->id.sport) != ep->lport) ||
	    (get_be16(req->id.dport) && get_be16(req->id.dport) != ep->rport))
		return;
	h.family = req->family;
	h.state = line.state;
	put_id(&h.id, ep);
	h.uid = uid_seen(ep->uid);
	h.inode = owner && owner->sock.file ? (u32)owner->sock.file->inode->attr.ino : 0;
	out = nl_begin(d->r->out, LINUX_SOCK_DIAG_BY_FAMILY, LINUX_NLM_F_MULTI, d->r->h.seq,
		       d->r->from->portid, sizeof(h));
	memcpy(out, &h, sizeof(h));
	if (sk)
		put_details(d, sk, &h);
	nl_end(d->r->out);
}

static int inet_diag(struct nl_request *r)
{
	struct net_state *st = r->from->net->state;
	struct linux_inet_diag_req_v2 req;
	struct dump d = {r, &req};
	struct inet_sock *i;

	if (!nl_header(r, &req, sizeof(req), sizeof(req)))
		return -EINVAL;
	if (!r->dump)
		return -ENOENT; /* asked for by its cookie: we make none that last */
	switch (req.protocol) {
	case LINUX_IPPROTO_TCP:
	case LINUX_IPPROTO_UDP:
		sock_walk(st->stack, diag_one, &d);
		return 0;
	case LINUX_IPPROTO_RAW:
		list_for_each_entry (i, &st->inet_socks, node)
			if (i->sock.type == LINUX_SOCK_RAW) {
				req.protocol = i->sk->ep.proto;
				diag_one(&i->sk->ep, &d);
			}
		return 0;
	default:
		return -ENOENT;
	}
}

static void unix_one(struct nl_request *r, const struct linux_unix_diag_req *req, struct unix_endpoint *e)
{
	struct linux_unix_diag_msg *out;
	u32 state = e->state == UNIX_LISTENING   ? UNIX_LISTEN
		    : e->state == UNIX_CONNECTED ? UNIX_ESTABLISHED
						 : UNIX_CLOSE;
	struct nl_buf *b = r->out;

	if (!(req->states & (1U << state)) || !e->sock.file)
		return;
	out = nl_begin(b, LINUX_SOCK_DIAG_BY_FAMILY, LINUX_NLM_F_MULTI, r->h.seq, r->from->portid,
		       sizeof(*out));
	out->family = LINUX_AF_UNIX;
	out->type = (u8)e->sock.type;
	out->state = (u8)state;
	out->ino = (u32)e->sock.file->inode->attr.ino;
	if ((req->show & LINUX_UDIAG_SHOW_NAME) && e->addr.len > 2)
		nl_put(b, LINUX_UNIX_DIAG_NAME, e->addr.data + 2, e->addr.len - 2);
	if ((req->show & LINUX_UDIAG_SHOW_PEER) && e->peer && e->peer->sock.file)
		nl_put_u32(b, LINUX_UNIX_DIAG_PEER, (u32)e->peer->sock.file->inode->attr.ino);
	if (req->show & LINUX_UDIAG_SHOW_RQLEN) {
		u32 len[2] = {e->state == UNIX_LISTENING ? e->backlog_count : e->queued,
			      e->state == UNIX_LISTENING ? e->backlog_max : e->sent};
		nl_put(b, LINUX_UNIX_DIAG_RQLEN, len, sizeof(len));
	}
	nl_put_u8(b, LINUX_UNIX_DIAG_SHUTDOWN, (u8)(e->shut_read | e->shut_write << 1));
	nl_end(b);
}

static int unix_diag(struct nl_request *r)
{
	struct linux_unix_diag_req req;
	struct socket_state *st = kernel()->sockets;
	struct unix_endpoint *e;

	if (!nl_header(r, &req, sizeof(req), sizeof(req)))
		return -EINVAL;
	if (!r->dump)
		return -ENOENT;
	if (!st)
		return 0;
	list_for_each_entry (e, &st->all, all_node)
		unix_one(r, &req, e);
	return 0;
}

int diag_request(struct nl_request *r)
{
	if (r->h.type != LINUX_SOCK_DIAG_BY_FAMILY)
		return r->h.type == LINUX_SOCK_DESTROY ? -EOPNOTSUPP : -EINVAL;
	if (!r->size)
		return -EINVAL;
	r->dump = r->h.flags & LINUX_NLM_F_DUMP;
	switch (r->body[0]) {
	case LINUX_AF_INET:
	case LINUX_AF_INET6:
		return inet_diag(r);
	case LINUX_AF_UNIX:
		return unix_diag(r);
	default:
		return -ENOENT;
	}
}
