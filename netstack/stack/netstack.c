/*
 * netstack.c - the life of an instance, and its work queue.
 */
#include "netstack/stack/netstack.h"

#include <errno.h>

#include "netstack/net/ip.h"
#include "netstack/nf/nf.h"
#include "netstack/transport/sock.h"

#define WORK_MAX 4096U /* packets waiting on loopback: beyond, they are lost as on a full device queue */

u64 net_timers_run(struct netstack *ns);

static void defaults(struct netstack *ns)
{
	ns->config = (struct net_config){
	    .ttl = 64,
	    .port_min = 32768,
	    .port_max = 60999,
	    .tcp_syn_retries = 6,
	    .tcp_synack_retries = 5,
	    .tcp_retries2 = 15,
	    .tcp_fin_timeout_s = 60,
	    .tcp_rmem = {4096, 131072, 33554432},
	    .tcp_wmem = {4096, 16384, 8388608},
	    .udp_mem = 212992,
	    .somaxconn = 4096,
	    .tcp_sack = true,
	    .tcp_timestamps = true,
	    .tcp_wscale = true,
	    .tcp_cookies = true,
	    .tcp_ecn = 2,
	    .tcp_gso = true,
	};
}

int netstack_new(const struct net_env *env, struct netstack **out)
{
	struct netstack *ns = env->alloc(env->ctx, sizeof(*ns), "struct netstack");
	int err;

	if (!ns)
		return -ENOMEM;
	memset(ns, 0, sizeof(*ns));
	ns->env = *env;
	ns->told_deadline = TIME_NEVER;
	list_init(&ns->free_packets);
	list_init(&ns->work);
	list_init(&ns->netifs);
	list_init(&ns->routes);
	list_init(&ns->rules);
	list_init(&ns->pmtus);
	list_init(&ns->redirects);
	list_init(&ns->neighs);
	list_init(&ns->raws);
	list_init(&ns->packets);
	list_init(&ns->frags);
	net_timer_init(&ns->frag_timer, ns, ip_frag_timeout);
	net_timer_init(&ns->route_timer, ns, net_route_timer);
	env->random(env->ctx, ns->secret, sizeof(ns->secret));
	env->random(env->ctx, &ns->port_hint, sizeof(ns->port_hint));
	env->random(env->ctx, &ns->ip_id, sizeof(ns->ip_id));
	defaults(ns);
	net_tick(ns);
	err = net_hash_init(ns, &ns->flows, 64);
	if (!err)
		err = net_hash_init(ns, &ns->ports, 64);
	if (!err)
		err = net_hash_init(ns, &ns->listeners, 16);
	if (!err)
		err = net_rules_init(ns);
	if (!err)
		err = loopback_add(ns);
	if (err) {
		netstack_free(ns);
		return err;
	}
	*out = ns;
	return 0;
}

static void free_list(struct list_head *list)
{
	while (!list_empty(list)) {
		struct pkt *p = list_first_entry(list, struct pkt, node);
		list_del_init(&p->node);
		pkt_free(p);
	}
}

void netstack_free(struct netstack *ns)
{
	free_list(&ns->work);
	ns->working = true; /* nothing is started any more */
	sock_free_orphans(ns);
	ip_frags_free(ns);
	while (!list_empty(&ns->netifs))
		netif_remove(list_first_entry(&ns->netifs, struct netif, node));
	while (!list_empty(&ns->routes)) {
		struct net_route *r = list_first_entry(&ns->routes, struct net_route, node);
		list_del_init(&r->node);
		net_free(ns, r);
	}
	net_rules_free(ns);
	net_pmtu_free(ns);
	net_redirects_drop(ns, NULL);
	free_list(&ns->work);
	nf_free(ns);
	net_timer_done(&ns->frag_timer);
	net_timer_done(&ns->route_timer);
	while (!list_empty(&ns->free_packets)) {
		struct pkt *p = list_first_entry(&ns->free_packets, struct pkt, node);
		list_del_init(&p->node);
		net_free(ns, p);
	}
	while (ns->free_blocks) {
		struct net_data *d = ns->free_blocks;
		memcpy(&ns->free_blocks, d->bytes, sizeof(void *));
		net_free(ns, d);
	}
	net_hash_done(ns, &ns->flows);
	net_hash_done(ns, &ns->ports);
	net_hash_done(ns, &ns->listeners);
	net_free(ns, ns->heap);
	ns->env.free(ns->env.ctx, ns);
}

void net_queue_work(struct netstack *ns, struct pkt *p)
{
	if (ns->work_count >= WORK_MAX) {
		if (p->nif)
			p->nif->stats.rx_dropped++;
		pkt_free(p);
		return;
	}
	ns->work_count++;
	list_add_tail(&p->node, &ns->work);
}

static void run_work(struct netstack *ns)
{
	while (!list_empty(&ns->work)) {
		struct pkt *p = list_first_entry(&ns->work, struct pkt, node);
		list_del_init(&p->node);
		ns->work_count--;
		netif_receive_now(p->nif, p);
	}
}

void net_leave(struct netstack *ns)
{
	u64 next;

	if (ns->working)
		return;
	ns->working = true;
	do {
		run_work(ns);
		next = net_timers_run(ns);
	} while (!list_empty(&ns->work));
	ns->working = false;
	if (next != ns->told_deadline) {
		ns->told_deadline = next;
		ns->env.timer(ns->env.ctx, next);
	}
}

void netstack_run(struct netstack *ns)
{
	net_tick(ns);
	ns->told_deadline = 0; /* say it again: the environment's timer has fired */
	net_leave(ns);
}
