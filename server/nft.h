/* nft.h: nftables by its netlink messages, as far as published ports need it.
 *
 * The program nft cannot be used for these rules: the table belongs to the socket that made it, and with nft
 * that socket ends with the program.
 */
#ifndef WARREN_SERVER_NFT_H
#define WARREN_SERVER_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One transaction being written. Writing past the end sets `full`, and the transaction then fails. */
struct nft_batch {
	char *bytes;
	size_t size, room;
	uint32_t seq;
	bool full;
};

/* What a rule asks of a packet, and where it sends it. Addresses and ports in network order. */
struct nft_dnat {
	bool v6, udp;
	const void *daddr; /* NULL: any address of this host */
	uint16_t port;
	const void *to;
	uint16_t to_port;
};

/* A netlink socket for one table, close-on-exec; -errno. */
int nft_socket(void);
int nft_begin(struct nft_batch *b, size_t room);
/* An inet table that goes when the socket is closed. */
void nft_add_table(struct nft_batch *b, const char *table);
/* A chain of type nat at a hook (NF_INET_*). */
void nft_add_nat_chain(struct nft_batch *b, const char *table, const char *chain, uint32_t hook,
		       int32_t priority);
void nft_add_dnat(struct nft_batch *b, const char *table, const char *chain, const struct nft_dnat *rule);
/* Sends it and waits for the answer. 0 or -errno; frees the batch. */
int nft_commit(struct nft_batch *b, int fd);

#endif
