/*
 * usage.c - resident sizes. See usage.h.
 *
 * A stub's map is the guest's map plus the stub's own pages, which lie above PLATFORM_USER_END; the host may
 * cut it differently (it merges what the guest sees apart), so a host mapping's figures are shared out among
 * the VMAs it covers by size.
 */
#include "sandbox/mm/usage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/cycles.h"
#include "sandbox/base/host_fd.h"
#include "sandbox/kernel/task.h"
#include "sandbox/mm/mm_priv.h"

#define CHUNK_SIZE      32768
#define KEEP_TIMES      16           /* as long as it took for each process, up to this */
#define KEEP_MAX_CYCLES 2400000000UL /* some s */
#define PSS_LIMIT_BYTES (2UL << 30)  /* beyond it, walking page tables would stop the kernel for too long */

/* What was found last of all processes together. Asking the host takes a millisecond for some ten of them;
 * with few of them a program that has just used memory sees it, with many the kernel has other things to do.
 */
struct usage_cache {
	struct memory_usage usage;
	u64 at, keep; /* cycles */
	bool measured;
};

const char *const smaps_names[SMAPS_FIELDS] = {
    "Rss",           "Pss",        "Pss_Dirty", "Shared_Clean", "Shared_Dirty",  "Private_Clean",
    "Private_Dirty", "Referenced", "Anonymous", "LazyFree",     "AnonHugePages", "ShmemPmdMapped",
    "FilePmdMapped", "Swap",       "SwapPss"};

/* ---- one address space ---- */

static u64 touchable(const struct vma *v)
{
	u64 size = v->end - v->start;

	if (v->flags & VMA_STACK)
		size = min_t(u64, size, 34 * PAGE_SIZE);
	return v->prot ? size : 0;
}

static void estimate(struct mm *mm, struct mm_usage *out)
{
	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
		if (v->flags & VMA_SHARED)
			out->shmem += touchable(v);
		else if (v->backing)
			out->file += touchable(v);
		else
			out->anon += touchable(v);
	}
	out->peak = out->anon + out->file + out->shmem;
	out->page_tables = PAGE_SIZE;
}

void mm_usage(struct mm *mm, struct mm_usage *out)
{
	struct aspace_memory m;

	*out = (struct mm_usage){0};
	if (aspace_memory(mm->as, &m)) {
		estimate(mm, out);
		return;
	}
	*out = (struct mm_usage){.anon = m.anon << 10,
				 .file = m.file << 10,
				 .shmem = m.shmem << 10,
				 .peak = m.peak << 10,
				 .page_tables = m.page_tables << 10,
				 .swap = m.swap << 10};
}

/* ---- smaps ---- */

struct smaps_parser {
	struct vma_usage *list;
	u32 count, at;
	u64 start, end; /* the host's mapping whose lines come now */
	u64 kb[SMAPS_FIELDS];
};

static void host_mapping_ends(struct smaps_parser *p)
{
	if (!p->end)
		return;
	while (p->at < p->count && p->list[p->at].end <= p->start)
		p->at++;
	for (u32 i = p->at; i < p->count && p->list[i].start < p->end; i++) {
		struct vma_usage *u = &p->list[i];
		u64 part = min_t(u64, u->end, p->end) - max_t(u64, u->start, p->start);
		for (u32 f = 0; f < SMAPS_FIELDS; f++)
			u->kb[f] += (u64)((unsigned __int128)p->kb[f] * part / (p->end - p->start));
	}
	memset(p->kb, 0, sizeof(p->kb));
	p->end = 0;
}

static void parse_line(struct smaps_parser *p, const char *line)
{
	char *rest;
	u64 start = strtoull(line, &rest, 16);

	if (*rest == '-' && rest > line) {
		host_mapping_ends(p);
		p->start = start;
		p->end = strtoull(rest + 1, NULL, 16);
		if (p->end <= p->start)
			p->end = 0;
		return;
	}
	for (u32 f = 0; f < SMAPS_FIELDS; f++) {
		size_t n = strlen(smaps_names[f]);
		if (!strncmp(line, smaps_names[f], n) && line[n] == ':') {
			p->kb[f] = strtoull(line + n + 1, NULL, 10);
			return;
		}
	}
}

/* Reads the host's text to its end; lines may be cut by the chunks. */
static int parse_smaps(int fd, struct smaps_parser *p)
{
	char *buf = kmalloc(CHUNK_SIZE + 1);
	size_t have = 0;
	ssize_t n;

	if (!buf)
		return -ENOMEM;
	while ((n = read(fd, buf + have, CHUNK_SIZE - have)) > 0) {
		char *line = buf, *nl;
		have += (size_t)n;
		buf[have] = 0;
		while ((nl = strchr(line, '\n'))) {
			*nl = 0;
			parse_line(p, line);
			line = nl + 1;
		}
		have -= (size_t)(line - buf);
		if (have == CHUNK_SIZE) /* no line is that long */
			have = 0;
		memmove(buf, line, have);
	}
	host_mapping_ends(p);
	kfree(buf);
	return n < 0 ? -errno : 0;
}

int mm_vma_usage(struct mm *mm, struct vma_usage **out, u32 *count)
{
	struct host_fd *fd = NULL;
	struct smaps_parser p = {0};
	int err = aspace_account_open(mm->as, ACCOUNT_SMAPS, &fd);

	/* nothing sleeps from here on: the tree is what the host is asked about */
	p.list = knew_array(struct vma_usage, mm->vma_count + 1);
	if (!p.list) {
		host_fd_put(fd);
		return -ENOMEM;
	}
	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
		p.list[p.count].start = v->start;
		p.list[p.count].end = v->end;
		if (err)
			p.list[p.count].kb[SMAPS_RSS] = p.list[p.count].kb[SMAPS_PSS] = touchable(v) >> 10;
		p.count++;
	}
	if (!err)
		err = parse_smaps(fd->fd, &p);
	host_fd_put(fd);
	if (err == -ENOMEM) {
		kfree(p.list);
		return err;
	}
	*out = p.list;
	*count = p.count;
	return 0;
}

/* ---- the sandbox ---- */

int mm_list(struct mm ***out, u32 *count)
{
	u64 visit = ++kernel()->next_cookie;
	struct mm **list;
	struct task *t;
	u32 n = 0;

	list = knew_array(struct mm *, kernel()->task_count + 1);
	if (!list)
		return -ENOMEM;
	list_for_each_entry (t, &kernel()->tasks, all_node) {
		if (!t->mm || t->mm->visit == visit || n == kernel()->task_count)
			continue;
		t->mm->visit = visit;
		list[n++] = mm_get(t->mm);
	}
	*out = list;
	*count = n;
	return 0;
}

void mm_list_free(struct mm **list, u32 count)
{
	for (u32 i = 0; i < count; i++)
		mm_put(list[i]);
	kfree(list);
}

/* Private memory of an address space, with each page divided by the number of those who share it. 0: unknown.
 */
static u64 proportional(struct mm *mm)
{
	struct host_fd *fd;
	char text[2048];
	const char *at;
	ssize_t n;

	if (aspace_account_open(mm->as, ACCOUNT_ROLLUP, &fd))
		return 0;
	n = pread(fd->fd, text, sizeof(text) - 1, 0);
	host_fd_put(fd);
	if (n <= 0)
		return 0;
	text[n] = 0;
	at = strstr(text, "\nPss_Anon:");
	return at ? strtoull(at + strlen("\nPss_Anon:"), NULL, 10) << 10 : 0;
}

static u64 committed(struct mm *mm)
{
	u64 sum = 0;

	for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v))
		if ((v->prot & LINUX_PROT_WRITE) && !(v->flags & (VMA_SHARED | VMA_NORESERVE)))
			sum += v->end - v->start;
	return sum;
}

/* Pages of the memfds that hold guests' shared memory. */
static u64 memfd_bytes(void)
{
	struct host_fd *h;
	struct stat st;
	u64 sum = 0;

	list_for_each_entry (h, &kernel()->host_fds, node)
		if (h->kind == HOST_FD_MEMFD && h->fd >= 0 && !fstat(h->fd, &st))
			sum += (u64)st.st_blocks * 512;
	return sum;
}

void memory_committed(struct memory_usage *out)
{
	struct mm **list;
	u32 count;

	*out = (struct memory_usage){.total = kernel_memory_total(), .committed = memfd_bytes()};
	if (mm_list(&list, &count))
		return;
	for (u32 i = 0; i < count; i++)
		out->committed += committed(list[i]);
	mm_list_free(list, count);
}

u64 mm_list_anon(struct mm **list, u32 count, u64 quick)
{
	u64 sum = 0, since = cycles();

	if (count < 2 || quick >= PSS_LIMIT_BYTES)
		return quick;
	for (u32 i = 0; i < count; i++) {
		sum += proportional(list[i]);
		sched_breathe(&since); /* many processes do not stop the kernel for long */
	}
	return sum ? sum : quick;
}

static void add_usage(struct mm *mm, struct memory_usage *out)
{
	struct mm_usage u;

	mm_usage(mm, &u);
	out->anon += u.anon;
	out->mapped += u.file;
	out->tables += u.page_tables;
	out->committed += committed(mm);
}

/* What processes have for themselves: a walk over all of them. Their number, for how long it may be believed.
 */
static u32 measure_processes(struct memory_usage *out)
{
	u64 since = cycles();
	struct mm **list;
	u32 count;

	*out = (struct memory_usage){0};
	if (mm_list(&list, &count))
		return 1;
	for (u32 i = 0; i < count; i++) {
		add_usage(list[i], out);
		sched_breathe(&since); /* many processes do not stop the kernel for long */
	}
	out->anon = mm_list_anon(list, count, out->anon);
	mm_list_free(list, count);
	return count;
}

static void processes_usage(struct memory_usage *out)
{
	struct usage_cache *c = kernel()->usage;
	u64 start = cycles();
	u32 count;

	if (!c)
		c = kernel()->usage = knew(struct usage_cache);
	if (c && start - c->at < c->keep) {
		*out = c->usage;
		return;
	}
	if (c) { /* who asks meanwhile gets the last one, if there is one */
		c->at = start;
		c->keep = c->measured ? KEEP_MAX_CYCLES : 0;
	}
	count = measure_processes(out);
	if (!c)
		return;
	c->usage = *out;
	c->measured = true;
	c->at = cycles();
	c->keep = min_t(u64, min_t(u32, count, KEEP_TIMES) * (c->at - start), KEEP_MAX_CYCLES);
}

void memory_usage(struct memory_usage *out)
{
	u64 in_memfds, in_arena, kept;

	processes_usage(out);
	in_memfds = memfd_bytes();
	kept = kernel()->tmpfs_bytes;
	/* tmpfs data lies in the arena until its first shared mapping, then in a memfd */
	in_arena = kept > in_memfds ? min_t(u64, kept - in_memfds, arena_used()) : 0;
	out->total = kernel_memory_total();
	out->shmem = in_memfds + in_arena;
	out->kernel = arena_used() - in_arena;
	out->used = min_t(u64, out->anon + out->shmem + out->kernel + out->tables, out->total);
	out->committed += out->shmem;
}
