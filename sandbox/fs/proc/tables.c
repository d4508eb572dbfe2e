/*
 * tables.c - files of the system that are tables of what there is: locks, interrupts, counts of files and
 * names. Where Linux counts what a sandbox has none of (interrupts, disks), the table has its head and rows
 * of zeros, in the form that programs parse.
 */
#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/platform/platform.h"
#include "sandbox/vfs/locks.h"
#include "sandbox/vfs/vfs_priv.h"

static void put_cpus(struct text_buf *b, const char *before)
{
	text_printf(b, "%s", before);
	for (u32 i = 0; i < platform_cpu_count(); i++)
		text_printf(b, "CPU%-8u", i);
	text_printf(b, "\n");
}

void proc_show_interrupts(struct text_buf *b)
{
	static const struct {
		const char *name, *what;
	} rows[] = {{"NMI", "Non-maskable interrupts"},
		    {"LOC", "Local timer interrupts"},
		    {"RES", "Rescheduling interrupts"},
		    {"CAL", "Function call interrupts"},
		    {"TLB", "TLB shootdowns"}};

	put_cpus(b, "           ");
	for (u32 i = 0; i < ARRAY_COUNT(rows); i++) {
		text_printf(b, "%s: ", rows[i].name);
		for (u32 c = 0; c < platform_cpu_count(); c++)
			text_printf(b, "%10u ", 0);
		text_printf(b, "  %s\n", rows[i].what);
	}
	text_printf(b, "ERR: %10u\nMIS: %10u\n", 0, 0);
}

void proc_show_softirqs(struct text_buf *b)
{
	static const char *const rows[] = {"HI",       "TIMER",   "NET_TX", "NET_RX",  "BLOCK",
					   "IRQ_POLL", "TASKLET", "SCHED",  "HRTIMER", "RCU"};

	put_cpus(b, "                    ");
	for (u32 i = 0; i < ARRAY_COUNT(rows); i++) {
		text_printf(b, "%12s:", rows[i]);
		for (u32 c = 0; c < platform_cpu_count(); c++)
			text_printf(b, " %10u", 0);
		text_printf(b, "\n");
	}
}

void proc_show_misc(struct text_buf *b)
{
	text_printf(b, "229 fuse\n");
}

void proc_show_consoles(struct text_buf *b)
{
}

void proc_show_execdomains(struct text_buf *b)
{
	text_printf(b, "0-0\tLinux           \t[kernel]\n");
}

void proc_show_buddyinfo(struct text_buf *b)
{
	unsigned long pages = kernel_memory_total() / PAGE_SIZE;

	text_printf(b, "Node 0, zone   Normal ");
	for (u32 order = 0; order < 11; order++)
		text_printf(b, "%6lu ", order == 10 ? pages >> 10 : 0);
	text_printf(b, "\n");
}

/* ---- locks ---- */

struct locks_arg {
	struct text_buf *b;
	struct inode *inode;
	u32 number;
};

static void put_lock(const struct lock_range *r, bool is_flock, void *opaque)
{
	struct locks_arg *a = opaque;
	u64 dev = a->inode->sb->dev;
	const char *kind = is_flock ? "FLOCK" : r->pid == -1 ? "OFDLCK" : "POSIX";

	text_printf(a->b, "%u: %-6s ADVISORY  %-5s %d %02lx:%02lx:%lu %lu ", ++a->number, kind,
		    r->type == FLOCK_WRITE ? "WRITE" : "READ", r->pid, (unsigned long)(dev >> 8),
		    (unsigned long)(dev & 0xff), (unsigned long)a->inode->attr.ino, (unsigned long)r->start);
	if (r->end == UINT64_MAX)
		text_printf(a->b, "EOF\n");
	else
		text_printf(a->b, "%lu\n", (unsigned long)r->end);
}

static void locks_of_inode(struct inode *inode, void *opaque)
{
	struct locks_arg *a = opaque;

	a->inode = inode;
	locks_walk(inode, put_lock, a);
}

void proc_show_locks(struct text_buf *b)
{
	struct locks_arg a = {.b = b};

	locks_walk_inodes(locks_of_inode, &a);
}

/* ---- counts ---- */

void proc_show_file_nr(struct text_buf *b)
{
	text_printf(b, "%lu\t0\t%lu\n", (unsigned long)vfs()->file_count,
		    (unsigned long)sysctl(SYSCTL_FILE_MAX));
}

void proc_show_inode_nr(struct text_buf *b)
{
	text_printf(b, "%lu\t0\n", (unsigned long)vfs()->inode_count);
}

void proc_show_inode_state(struct text_buf *b)
{
	text_printf(b, "%lu\t0\t0\t0\t0\t0\t0\n", (unsigned long)vfs()->inode_count);
}

void proc_show_dentry_state(struct text_buf *b)
{
	text_printf(b, "%lu\t%u\t45\t0\t0\t0\n", (unsigned long)vfs()->dentry_count, vfs()->lru.count);
}
