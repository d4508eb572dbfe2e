/*
 * bridge.c: a cable with faults between two TAP devices, where tc netem does not exist: delay, jitter, a
 * bottleneck with a queue, loss, reordering, doubling, corruption, for each direction by itself.
 *
 * usage: bridge DEVICE_A DEVICE_B
 *
 * Makes both devices (they may be moved to other network namespaces), prints "ready", and obeys lines on
 * standard input, each answered by "ok" or a line of counters, until end of file:
 *
 *     DIR.KEY=VALUE ...   DIR: ab or ba. KEY: delay, jitter, reorder_by (µs); rate (kbit/s; 0: none);
 *                         queue (what may wait for the bottleneck, in long frames);
 *                         loss, reorder, double, corrupt (of a million)
 *     seed=N              the faults are a function of it and of the order of frames
 *     clear               no faults; counters are 0
 *     count               what happened since, as "ab frames=.. lost=.. ... ba frames=.. ..."
 *
 * Frames are those of the MTU: the devices offer no offloads, so each is hit alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAMES     32768
#define FRAME_MAX  1600
#define FRAME_LONG 1514u /* of a usual MTU */
#define BATCH      64
#define MILLION    1000000u

struct frame {
	uint64_t at, order; /* when it arrives; ties by order */
	uint32_t size, to;
	uint8_t bytes[FRAME_MAX];
};

struct direction {
	uint64_t delay, jitter, reorder_by, rate, queue, loss, reorder, twice, corrupt;
	uint64_t free_at; /* when the bottleneck has sent all that waits */
	struct {
		uint64_t frames, lost, overflow, reordered, doubled, corrupted, refused;
	} count;
};

struct bridge {
	int fd[2];
	struct direction dir[2]; /* from a to b, from b to a */
	struct frame *pool, *heap[FRAMES], *free[FRAMES];
	uint32_t in_heap, is_free;
	uint64_t seed, order;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t draw(struct bridge *b) /* xorshift64* */
{
	b->seed ^= b->seed >> 12;
	b->seed ^= b->seed << 25;
	b->seed ^= b->seed >> 27;
	return b->seed * 0x2545f4914f6cdd1dULL >> 11;
}

static int chance(struct bridge *b, uint64_t of_million)
{
	return of_million && draw(b) % MILLION < of_million;
}

/* ---- frames on their way, the next to arrive first ---- */

static int before(const struct frame *x, const struct frame *y)
{
	return x->at < y->at || (x->at == y->at && x->order < y->order);
}

static void heap_add(struct bridge *b, struct frame *f)
{
	uint32_t i = b->in_heap++;

	for (; i && before(f, b->heap[(i - 1) / 2]); i = (i - 1) / 2)
		b->heap[i] = b->heap[(i - 1) / 2];
	b->heap[i] = f;
}

static struct frame *heap_take(struct bridge *b)
{
	struct frame *first = b->heap[0], *last = b->heap[--b->in_heap];
	uint32_t i = 0, c;

	while ((c = 2 * i + 1) < b->in_heap) {
		if (c + 1 < b->in_heap && before(b->heap[c + 1], b->heap[c]))
			c++;
		if (!before(b->heap[c], last))
			break;
		b->heap[i] = b->heap[c];
		i = c;
	}
	b->heap[i] = last;
	return first;
}

static void launch(struct bridge *b, struct frame *f, uint64_t at)
{
	f->at = at;
	f->order = b->order++;
	heap_add(b, f);
}

/* ---- one frame ---- */

static uint64_t through_bottleneck(struct direction *d, uint64_t now, uint32_t size, int *overflow)
{
	if (!d->rate) /* kbit/s */
		return now;
	if (d->free_at < now)
		d->free_at = now;
	*overflow = d->queue && d->free_at - now >= d->queue * (FRAME_LONG * 8 * 1000000 / d->rate);
	if (!*overflow)
		d->free_at += (uint64_t)size * 8 * 1000000 / d->rate;
	return d->free_at;
}

/* Takes f over; what is not sent goes back to the pool. */
static void impair(struct bridge *b, struct direction *d, struct frame *f, uint64_t now)
{
	int overflow = 0, lost = chance(b, d->loss);
	uint64_t at;

	d->count.frames++;
	d->count.lost += (uint64_t)lost;
	at = lost ? 0 : through_bottleneck(d, now, f->size, &overflow);
	d->count.overflow += (uint64_t)overflow;
	if (lost || overflow) {
		b->free[b->is_free++] = f;
		return;
	}
	at += d->delay * 1000;
	if (d->jitter)
		at += draw(b) % (2 * d->jitter * 1000) - d->jitter * 1000;
	if (chance(b, d->reorder)) {
		at += d->reorder_by * 1000;
		d->count.reordered++;
	}
	if (chance(b, d->corrupt) && f->size > 14) { /* behind the Ethernet header, so that it arrives */
		f->bytes[14 + draw(b) % (f->size - 14)] ^= (uint8_t)(1u << draw(b) % 8);
		d->count.corrupted++;
	}
	launch(b, f, at);
	if (chance(b, d->twice) && b->is_free) {
		struct frame *g = b->free[--b->is_free];
		g->size = f->size;
		g->to = f->to;
		memcpy(g->bytes, f->bytes, f->size);
		launch(b, g, at);
		d->count.doubled++;
	}
}

static void take(struct bridge *b, int from)
{
	uint64_t now = now_ns();

	for (int n = 0; n < BATCH && b->is_free > 1; n++) {
		struct frame *f = b->free[b->is_free - 1];
		ssize_t size = read(b->fd[from], f->bytes, FRAME_MAX);
		if (size <= 0)
			return;
		b->is_free--;
		f->size = (uint32_t)size;
		f->to = (uint32_t)!from;
		impair(b, &b->dir[from], f, now);
	}
}

static void deliver(struct bridge *b)
{
	uint64_t now = now_ns();

	for (int n = 0; n < BATCH && b->in_heap && b->heap[0]->at <= now; n++) {
		struct frame *f = heap_take(b);
		if (write(b->fd[f->to], f->bytes, f->size) < 0)
			b->dir[!f->to].count.refused++;
		b->free[b->is_free++] = f;
	}
}

/* ---- orders ---- */

static uint64_t *key_of(struct direction *d, const char *key)
{
	const struct {
		const char *name;
		uint64_t *v;
	} keys[] = {{"delay", &d->delay},     {"jitter", &d->jitter}, {"reorder_by", &d->reorder_by},
		    {"rate", &d->rate},       {"queue", &d->queue},   {"loss", &d->loss},
		    {"reorder", &d->reorder}, {"double", &d->twice},  {"corrupt", &d->corrupt}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(keys[i].name, key))
			return keys[i].v;
	return NULL;
}

static int set(struct bridge *b, char *word)
{
	char *eq = strchr(word, '='), *end;
	uint64_t value, *v = NULL;

	if (!eq)
		return -1;
	*eq = 0;
	value = strtoull(eq + 1, &end, 10);
	if (*end)
		return -1;
	if (!strcmp(word, "seed"))
		b->seed = value ? value : 1;
	else if (!strncmp(word, "ab.", 3) || !strncmp(word, "ba.", 3))
		v = key_of(&b->dir[word[0] == 'b'], word + 3);
	if (v)
		*v = value;
	return v || !strcmp(word, "seed") ? 0 : -1;
}

static void tell(const struct bridge *b)
{
	for (int i = 0; i < 2; i++) {
		const struct direction *d = &b->dir[i];
		printf("%s frames=%llu lost=%llu overflow=%llu reordered=%llu doubled=%llu corrupted=%llu "
		       "refused=%llu%s",
		       i ? "ba" : "ab", (unsigned long long)d->count.frames,
		       (unsigned long long)d->count.lost, (unsigned long long)d->count.overflow,
		       (unsigned long long)d->count.reordered, (unsigned long long)d->count.doubled,
		       (unsigned long long)d->count.corrupted, (unsigned long long)d->count.refused,
		       i ? "\n" : " ");
	}
}

/* False at the end. */
static int obey(struct bridge *b)
{
	char line[1024], *save = NULL;
	int bad = 0;

	if (!fgets(line, sizeof(line), stdin))
		return 0;
	if (!strcmp(line, "count\n")) {
		tell(b);
	} else if (!strcmp(line, "clear\n")) {
		memset(b->dir, 0, sizeof(b->dir));
		puts("ok");
	} else {
		for (char *w = strtok_r(line, " \n", &save); w; w = strtok_r(NULL, " \n", &save))
			bad |= set(b, w);
		puts(bad ? "error: not understood" : "ok");
	}
	fflush(stdout);
	return 1;
}

static int open_tap(const char *name)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI)};
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr)) {
		perror(name);
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct bridge b;

	if (argc != 3) {
		fprintf(stderr, "usage: bridge DEVICE_A DEVICE_B\n");
		return 2;
	}
	b.seed = 1;
	b.pool = calloc(FRAMES, sizeof(struct frame));
	if (!b.pool)
		return 1;
	while (b.is_free < FRAMES) {
		b.free[b.is_free] = &b.pool[b.is_free];
		b.is_free++;
	}
	b.fd[0] = open_tap(argv[1]);
	b.fd[1] = open_tap(argv[2]);
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	setvbuf(stdin, NULL, _IONBF, 0); /* poll must see what is there */
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd p[3] = {{b.fd[0], POLLIN, 0}, {b.fd[1], POLLIN, 0}, {0, POLLIN, 0}};
		uint64_t now = now_ns(), next = b.in_heap ? b.heap[0]->at : now + 1000000000;
		uint64_t wait = next > now ? next - now : 0;
		struct timespec ts = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
		if (ppoll(p, 3, &ts, NULL) < 0 && errno != EINTR)
			return 1;
		if (p[2].revents && !obey(&b))
			return 0;
		for (int i = 0; i < 2; i++)
			if (p[i].revents & POLLIN)
				take(&b, i);
		deliver(&b);
	}
}
