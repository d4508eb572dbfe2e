/*
 * fuzz_gofer_client.c - libFuzzer target: a gofer that says anything to the client of the sentry.
 *
 * The input is a script: which operations are asked for, several under way at once (one is begun while
 * another waits, as coroutines do), and what arrives meanwhile: answers that fit and ones that do not, to
 * this call, to another, to one that was given up, twice, to a tag that never was; with no descriptor, one of
 * the right kind, of a wrong kind, two, or one that was lost on the way; or the end of the connection.
 *
 * Judged: whatever an operation gives out is what its comment promises; every descriptor that came is closed
 * exactly once, by the client or by who was given it; a client that is broken stays so; nothing stays
 * pending.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gofer/client/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FDS_MAX   4096
#define FD_FIRST  100
#define DEPTH_MAX 4
#define TAGS_MAX  64

enum fd_kind { FD_READ, FD_WRITE, FD_BOTH, FD_OTHER };

struct world {
	const uint8_t *in;
	size_t left;
	struct gofer_client client;
	uint8_t kind[FDS_MAX];
	bool open[FDS_MAX];
	int fd_count, depth;
	/* what was sent, and is perhaps answered: the newest TAGS_MAX */
	uint32_t tag[TAGS_MAX];
	uint16_t op[TAGS_MAX];
	unsigned sent;
	unsigned char msg[GOFER_MSG_MAX], list[GOFER_MSG_MAX];
};

#define want(cond)                                                                                           \
	do {                                                                                                 \
		if (!(cond)) {                                                                               \
			fprintf(stderr, "%d: %s does not hold\n", __LINE__, #cond);                          \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

static uint8_t byte(struct world *w)
{
	if (!w->left)
		return 0;
	w->left--;
	return *w->in++;
}

static uint32_t word(struct world *w)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 8 | byte(w);
	return v;
}

/* Small numbers mostly, and now and then one at an edge. */
static uint64_t number(struct world *w)
{
	static const uint64_t edge[] = {0,          1,         UINT32_MAX,    INT64_MAX,
					UINT64_MAX, INT32_MAX, GOFER_MSG_MAX, 1ull << 32};
	uint8_t b = byte(w);

	return b < 200 ? b : b < 240 ? edge[b % 8] : (uint64_t)word(w) << 32 | word(w);
}

/* ---- descriptors ---- */

static int fd_new(struct world *w, enum fd_kind kind)
{
	want(w->fd_count < FDS_MAX);
	w->kind[w->fd_count] = kind;
	w->open[w->fd_count] = true;
	return FD_FIRST + w->fd_count++;
}

static void fd_close(void *ctx, int fd)
{
	struct world *w = ctx;

	want(fd >= FD_FIRST && fd < FD_FIRST + w->fd_count && w->open[fd - FD_FIRST]);
	w->open[fd - FD_FIRST] = false;
}

static bool fd_check(void *ctx, int fd, int mode)
{
	struct world *w = ctx;

	want(fd >= FD_FIRST && fd < FD_FIRST + w->fd_count && w->open[fd - FD_FIRST]);
	return w->kind[fd - FD_FIRST] == (mode == O_RDONLY ? FD_READ : mode == O_WRONLY ? FD_WRITE : FD_BOTH);
}

/* ---- answers ---- */

static void fill_attr(struct world *w, struct gofer_attr *a)
{
	static const uint32_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK, 0};

	*a = (struct gofer_attr){.ino = number(w),
				 .dev = byte(w) & 3,
				 .size = number(w),
				 .nlink = byte(w),
				 .mode = types[byte(w) % 8] | (byte(w) & 0777u),
				 .blksize = byte(w) * 64u,
				 .mtime = {(int64_t)number(w), byte(w)}};
}

/* A name, seldom one that must be refused. */
static struct gofer_str fill_name(struct world *w, char *buf)
{
	static const char *const bad[] = {"..", ".", "a/b", "", "/"};
	uint8_t b = byte(w);
	size_t size = b % 8 == 7 ? 1 + byte(w) % 255u : 1 + b % 4u;

	if (b > 250)
		return gofer_str(bad[b % 5], strlen(bad[b % 5]));
	memset(buf, 'a' + b % 26, size);
	return gofer_str(buf, size);
}

static void fill_steps(struct world *w, struct gofer_reply *p)
{
	char target[GOFER_TARGET_MAX];
	struct gofer_list *l = &p->walk.steps;

	p->walk.stop = byte(w) % 4 ? 0 : -(int32_t)(byte(w) % 132);
	*l = (struct gofer_list){.data = w->list};
	for (unsigned n = byte(w) % 5; n; n--) {
		struct gofer_step s = {.handle = number(w)};
		fill_attr(w, &s.attr);
		if (S_ISLNK(s.attr.mode) && byte(w) % 4) {
			size_t size = byte(w) % 8 ? byte(w) : GOFER_TARGET_MAX;
			memset(target, 't', sizeof(target));
			s.target = gofer_str(target, size);
		} else {
			s.target = gofer_str(target, 0);
		}
		if (!gofer_step_add(l, sizeof(w->list), &s))
			break;
	}
}

static void fill_entries(struct world *w, struct gofer_reply *p)
{
	struct gofer_list *l = &p->readdir.entries;
	char name[256];

	p->readdir.eof = byte(w) & 1;
	*l = (struct gofer_list){.data = w->list};
	for (unsigned n = byte(w) % 9; n; n--) {
		struct gofer_dirent e = {.cookie = number(w), .ino = number(w), .type = byte(w) % 13};
		e.has_attr = byte(w) & 1;
		if (e.has_attr)
			fill_attr(w, &e.attr);
		e.name = fill_name(w, name);
		if (!gofer_dirent_add(l, sizeof(w->list), &e))
			break;
	}
}

/* An answer of the right shape to (tag, op), with anything in it: its size. */
static size_t make_reply(struct world *w, uint32_t tag, uint16_t op)
{
	struct gofer_reply p = {.tag = tag, .op = op};
	static char value[GOFER_XATTR_MAX];
	int n;

	p.status = byte(w) % 8 ? 0 : -(int32_t)(1 + byte(w) % 130);
	if (!p.status)
		switch (op) {
		case GOFER_HELLO:
			p.hello.version = byte(w) % 8 ? GOFER_VERSION : word(w);
			p.hello.max_size = byte(w) % 8 ? GOFER_MSG_MAX : word(w);
			p.hello.max_handles = word(w);
			break;
		case GOFER_ATTACH:
		case GOFER_CREATE:
			p.node.handle = number(w);
			fill_attr(w, &p.node.attr);
			break;
		case GOFER_WALK:
			fill_steps(w, &p);
			break;
		case GOFER_GETATTR:
		case GOFER_SETATTR:
		case GOFER_OPEN:
			fill_attr(w, &p.attr);
			break;
		case GOFER_READDIR:
			fill_entries(w, &p);
			break;
		case GOFER_READLINK:
			p.target = gofer_str(value, number(w) % (GOFER_TARGET_MAX + 2));
			break;
		case GOFER_GETXATTR:
		case GOFER_LISTXATTR:
			p.xattr.full_size = (uint32_t)number(w);
			p.xattr.value = gofer_str(value, byte(w) % 2 ? p.xattr.full_size % GOFER_XATTR_MAX
								     : number(w) % GOFER_XATTR_MAX);
			break;
		default:
			break;
		}
	n = gofer_reply_encode(&p, w->msg, sizeof(w->msg));
	if (n < 0) { /* it cannot be said: a bare answer then */
		p = (struct gofer_reply){.tag = tag, .op = op, .status = -EIO};
		n = gofer_reply_encode(&p, w->msg, sizeof(w->msg));
	}
	want(n > 0);
	return (size_t)n;
}

/* Bytes changed, cut off or added; the size in the header often honest. */
static size_t spoil(struct world *w, size_t size)
{
	uint32_t honest;

	for (unsigned n = byte(w) % 4; n; n--)
		w->msg[word(w) % size] = byte(w);
	switch (byte(w) % 4) {
	case 0:
		size = word(w) % size;
		break;
	case 1:
		if (size + 8 <= sizeof(w->msg)) {
			memset(w->msg + size, byte(w), 8);
			size += 8;
		}
		break;
	}
	honest = (uint32_t)size;
	if (size >= 4 && byte(w) % 4)
		memcpy(w->msg, &honest, 4);
	return size;
}

static void deliver(struct world *w, uint32_t tag, uint16_t op)
{
	size_t size = make_reply(w, tag, op);
	int fds[3], count = 0;
	uint8_t how = byte(w);
	void *exact;

	if (how % 16 == 15)
		size = spoil(w, size);
	switch (how / 16 % 8) {
	case 0:
	case 1:
		fds[count++] = fd_new(w, FD_READ);
		break;
	case 2:
		fds[count++] = fd_new(w, FD_BOTH);
		break;
	case 3:
		fds[count++] = fd_new(w, byte(w) % 4);
		break;
	case 4:
		for (count = 0; count < 2; count++)
			fds[count] = fd_new(w, FD_READ);
		break;
	case 5:
		count = byte(w) % 4 ? 0 : -1; /* lost: no number was free for it */
		break;
	}
	exact = malloc(size ? size : 1); /* so that reading behind it is found */
	memcpy(exact, w->msg, size);
	(void)gofer_client_deliver(&w->client, exact, size, fds, count);
	free(exact);
}

static void some_operation(struct world *w);

/* ---- the transport ---- */

static int tp_send(void *ctx, const void *msg, size_t size)
{
	struct world *w = ctx;
	struct gofer_request q;

	want(gofer_request_decode(msg, size, &q) == 0); /* what it says is always well-formed */
	if (byte(w) == 255)
		return -EIO;
	if (q.op == GOFER_CLUNK)
		return 0;
	w->tag[w->sent % TAGS_MAX] = q.tag;
	w->op[w->sent % TAGS_MAX] = q.op;
	w->sent++;
	return 0;
}

static int tp_wait(void *ctx, struct gofer_call *call)
{
	struct world *w = ctx;

	while (!call->done) {
		uint8_t b = byte(w);
		unsigned known = w->sent < TAGS_MAX ? w->sent : TAGS_MAX, k;
		if (!w->left) {
			gofer_client_break(&w->client);
			break;
		}
		k = known ? byte(w) % known : 0;
		switch (b % 16) {
		default:
			deliver(w, call->tag, call->op);
			break;
		case 8: /* to any call there was, with its operation or another */
		case 9:
			if (known)
				deliver(w, w->tag[k], w->op[k]);
			break;
		case 10:
			if (known)
				deliver(w, w->tag[k], (uint16_t)(1 + byte(w) % (GOFER_OP_END - 1)));
			break;
		case 11:
			deliver(w, word(w), call->op);
			break;
		case 12:
			return -EINTR;
		case 13:
		case 14:
			if (w->depth < DEPTH_MAX)
				some_operation(w);
			break;
		case 15:
			if (byte(w) % 8 == 0)
				gofer_client_break(&w->client);
			break;
		}
	}
	return 0;
}

static const struct gofer_transport transport = {
    .send = tp_send, .wait = tp_wait, .close_fd = fd_close, .check_fd = fd_check};

/* ---- operations, and what they promise ---- */

static void check_steps(struct gofer_list steps, uint32_t count, int stop)
{
	struct gofer_step s;
	uint32_t n = 0, given = steps.count;

	want(stop <= 0 && steps.count <= count && (stop == 0) == (steps.count == count));
	while (gofer_step_next(&steps, &s)) {
		want(s.handle != 0 && s.target.size <= GOFER_TARGET_MAX);
		n++;
	}
	want(n == given);
}

static void walk(struct world *w, struct gofer_call *call)
{
	struct gofer_str names[3] = {gofer_str("a", 1), gofer_str("b", 1), gofer_str("c", 1)};
	uint32_t count = 1 + byte(w) % 3u, flags = byte(w) & 1 ? GOFER_WALK_OPEN : 0;
	struct gofer_list steps;
	int stop, err = gofer_walk(&w->client, call, 1, names, count, flags, &stop, &steps);

	if (err) {
		want(call->fd < 0);
		return;
	}
	check_steps(steps, count, stop);
	if (call->fd >= 0) {
		want(flags && stop == 0 && fd_check(w, call->fd, O_RDONLY));
		fd_close(w, call->fd);
	}
}

static void readdir_(struct world *w, struct gofer_call *call)
{
	struct gofer_list entries;
	struct gofer_dirent e;
	bool eof;
	uint32_t n = 0, count;

	if (gofer_readdir(&w->client, call, 1, number(w), byte(w) & 1, &eof, &entries))
		return;
	count = entries.count;
	want(eof || count > 0);
	while (gofer_dirent_next(&entries, &e)) {
		want(gofer_name_ok(&e.name));
		n++;
	}
	want(n == count);
}

static void open_(struct world *w, struct gofer_call *call)
{
	static const uint32_t hows[] = {GOFER_OPEN_READ, GOFER_OPEN_WRITE,
					GOFER_OPEN_READ | GOFER_OPEN_WRITE};
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	struct gofer_attr attr;
	unsigned how = byte(w) % 3;
	int fd = -1;

	if (gofer_open(&w->client, call, 1, hows[how], &fd, &attr)) {
		want(fd < 0);
		return;
	}
	want(fd_check(w, fd, modes[how]));
	fd_close(w, fd);
}

static void create(struct world *w, struct gofer_call *call)
{
	static const uint32_t types[] = {S_IFREG, S_IFDIR, S_IFLNK, S_IFIFO};
	struct gofer_request q = {
	    .create = {.dir = 1, .mode = types[byte(w) % 4] | 0600, .name = gofer_str("n", 1)}};
	struct gofer_attr attr;
	uint64_t handle;
	int fd = -1;

	if (S_ISREG(q.create.mode))
		q.create.flags = GOFER_CREATE_OPEN;
	q.create.target = S_ISLNK(q.create.mode) ? gofer_str("t", 1) : gofer_str("", 0);
	if (gofer_create(&w->client, call, &q, &handle, &attr, &fd)) {
		want(fd < 0);
		return;
	}
	want((attr.mode & S_IFMT) == (q.create.mode & S_IFMT));
	if (fd >= 0) {
		want(S_ISREG(q.create.mode) && fd_check(w, fd, O_RDWR));
		fd_close(w, fd);
	}
}

static void xattr(struct world *w, struct gofer_call *call)
{
	uint32_t max = byte(w) % 4 ? byte(w) : 0, full;
	struct gofer_str value;
	volatile unsigned sum = 0;

	if (gofer_getxattr(&w->client, call, 1, gofer_str("user.a", byte(w) & 1 ? 6 : 0), max, &full, &value))
		return;
	want(value.size <= max && (!max || value.size == full));
	for (uint32_t i = 0; i < value.size; i++) /* all of it can be read */
		sum += (unsigned char)value.data[i];
}

static void plain(struct world *w, struct gofer_call *call, uint8_t which)
{
	struct gofer_request q = {.setattr = {.handle = 1, .mask = GOFER_SET_MODE}};
	struct gofer_str n = gofer_str("n", 1), target;
	struct gofer_client *c = &w->client;
	struct gofer_statfs st;
	struct gofer_attr attr;
	uint64_t handles[3] = {1, 2, 3}, handle;
	unsigned char buf[64];
	int fd = -1;

	switch (which) {
	case 0:
		(void)gofer_hello(c, call);
		break;
	case 1:
		want(gofer_attach(c, call, &handle, &attr) || S_ISDIR(attr.mode));
		break;
	case 2:
		(void)gofer_getattr(c, call, 1, &attr);
		break;
	case 3:
		(void)gofer_setattr(c, call, &q, &attr);
		break;
	case 4:
		(void)gofer_link(c, call, 1, 2, n);
		break;
	case 5:
		want(gofer_readlink(c, call, 1, &target) || target.size <= GOFER_TARGET_MAX);
		break;
	case 6:
		(void)gofer_unlink(c, call, 1, n, 0);
		break;
	case 7:
		(void)gofer_rename(c, call, 1, n, 2, n, 0);
		break;
	case 8:
		(void)gofer_statfs(c, call, 1, &st);
		break;
	case 9:
		(void)gofer_fsync(c, call, 1, 0);
		break;
	case 10:
		(void)gofer_setxattr(c, call, 1, n, n, 0);
		break;
	case 11:
		(void)gofer_clunk(c, buf, sizeof(buf), handles, 3);
		break;
	default:
		if (!gofer_clone(c, call, &fd))
			fd_close(w, fd);
		break;
	}
}

static void some_operation(struct world *w)
{
	static const uint32_t caps[] = {GOFER_SMALL_BUF, GOFER_WALK_BUF, 65536, 600};
	uint32_t cap = caps[byte(w) % 4];
	bool was_broken = w->client.broken;
	unsigned sent = w->sent;
	struct gofer_call call;
	void *buf = malloc(cap);
	uint8_t b = byte(w) % 32;

	w->depth++;
	gofer_call_init(&call, buf, cap);
	if (b < 6)
		walk(w, &call);
	else if (b < 10)
		readdir_(w, &call);
	else if (b < 14)
		open_(w, &call);
	else if (b < 17)
		create(w, &call);
	else if (b < 19)
		xattr(w, &call);
	else
		plain(w, &call, b - 19);
	want(!call.link && !call.next);
	if (was_broken) /* nothing is said any more, and nothing forgiven */
		want(w->sent == sent && w->client.broken);
	w->depth--;
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w = calloc(1, sizeof(*w));

	w->in = data;
	w->left = size < 4096 ? size : 4096; /* each byte can bring one descriptor at most */
	gofer_client_init(&w->client, &transport, w);
	while (w->left)
		some_operation(w);
	want(!w->client.pending && w->client.given_up_count <= GOFER_GIVEN_UP_MAX);
	want(!w->client.broken || !gofer_client_busy(&w->client));
	for (int i = 0; i < w->fd_count; i++)
		want(!w->open[i]);
	free(w);
	return 0;
}
