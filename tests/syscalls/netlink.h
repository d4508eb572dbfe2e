/*
 * netlink.h - requests to netlink sockets, and their answers.
 */
#ifndef WARREN_TESTS_NETLINK_H
#define WARREN_TESTS_NETLINK_H

#include "inet.h"

#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/ethernet.h>
#include <sched.h>
#include <sys/uio.h>

struct request {
	struct nlmsghdr h;
	char body[512];
};

static inline int route_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	EXPECT(fd >= 0);
	return fd;
}

static inline void *begin(struct request *r, int type, int flags, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->h = (struct nlmsghdr){.nlmsg_len = (uint32_t)NLMSG_LENGTH(size),
				 .nlmsg_type = (uint16_t)type,
				 .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags),
				 .nlmsg_seq = 42};
	return NLMSG_DATA(&r->h);
}

static inline void attr(struct request *r, int type, const void *data, size_t size)
{
	struct rtattr *a = (struct rtattr *)((char *)r + NLMSG_ALIGN(r->h.nlmsg_len));

	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(size);
	memcpy(RTA_DATA(a), data, size);
	r->h.nlmsg_len = (uint32_t)(NLMSG_ALIGN(r->h.nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static inline void ask(int fd, struct request *r)
{
	EXPECT_EQ(send(fd, r, r->h.nlmsg_len, 0), r->h.nlmsg_len);
}

/* The errno of an acknowledgement. */
static inline int acknowledged(int fd, struct request *r)
{
	char buf[4096];
	struct nlmsghdr *h = (struct nlmsghdr *)buf;

	r->h.nlmsg_flags |= NLM_F_ACK;
	ask(fd, r);
	EXPECT(recv(fd, buf, sizeof(buf), 0) >= (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)));
	EXPECT_EQ(h->nlmsg_type, NLMSG_ERROR);
	EXPECT_EQ(h->nlmsg_seq, r->h.nlmsg_seq);
	return -((struct nlmsgerr *)NLMSG_DATA(h))->error;
}

/* Calls fn for each message of a dump; how many there were. */
static inline int dump(int fd, struct request *r, void (*fn)(struct nlmsghdr *h, void *arg), void *arg)
{
	static char buf[65536];
	int count = 0;

	ask(fd, r);
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		EXPECT(n > 0);
		for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			EXPECT_EQ(h->nlmsg_seq, 42);
			if (h->nlmsg_type == NLMSG_DONE)
				return count;
			EXPECT(h->nlmsg_type != NLMSG_ERROR);
			EXPECT(h->nlmsg_flags & NLM_F_MULTI);
			count++;
			if (fn)
				fn(h, arg);
		}
	}
}

static inline struct rtattr *find_attr(struct nlmsghdr *h, size_t header, int type)
{
	int left = (int)(h->nlmsg_len - NLMSG_SPACE(header));

	for (struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(header));
	     RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == type)
			return a;
	return NULL;
}

static inline void own_netns(void)
{
	if (unshare(CLONE_NEWNET))
		case_skip("no new network namespace");
}

static inline void set_up(int fd, int index, bool up)
{
	struct request r;
	struct ifinfomsg *i = begin(&r, RTM_NEWLINK, 0, sizeof(*i));

	i->ifi_index = index;
	i->ifi_change = IFF_UP;
	i->ifi_flags = up ? IFF_UP : 0;
	EXPECT_EQ(acknowledged(fd, &r), 0);
}

#endif
