/*
 * mm.h - address spaces as Linux sees them: the VMA tree, and the calls that change it.
 *
 * `struct mm` keeps the truth about what is mapped (for /proc/PID/maps, limits, fork, futex keys); the stub's
 * host map is kept equal to it through platform.h. A VMA is a range with one protection, flags and backing.
 * Private memory is the stub's own; shared memory is a host descriptor (memfd of a shm object, or a gofer's
 * file).
 */
#ifndef WARREN_MM_MM_H
#define WARREN_MM_MM_H

#include "sandbox/base/list.h"
#include "sandbox/base/object.h"
#include "sandbox/base/tree.h"
#include "sandbox/kernel/wait.h"
#include "sandbox/mm/callsite.h"
#include "sandbox/platform/platform.h"

struct file;
struct inode;
struct task;

struct vma;

/* For mappings whose object counts them (System V shared memory): a VMA was copied or cut; it goes. Neither
 * may sleep. */
struct vma_ops {
	void (*open)(struct vma *v);
	void (*close)(struct vma *v);
};

/* What a node of the VMA tree knows about its subtree: vma_sums.c. */
struct vma_sums {
	u64 low, high;    /* where it begins, a guard gap included, and ends */
	u64 gap;          /* the largest room between two of its neighbours */
	u64 data, locked; /* bytes that count against RLIMIT_DATA, RLIMIT_MEMLOCK */
};

struct vma {
	struct tree_node node; /* by start */
	struct vma_sums below;
	u64 start, end;
	u32 prot, max_prot; /* LINUX_PROT_*; max_prot bounds mprotect (shared mapping of a read-only file) */
	u32 flags;          /* VMA_* */
	struct file *file;  /* counted; NULL = anonymous. For names, offsets and /proc/PID/maps */
	struct host_fd *backing;   /* counted; what the stub maps, NULL = private anonymous memory */
	u64 offset;                /* of start in file or backing, bytes */
	u64 host_delta;            /* added to offset: where the same byte lies in backing */
	const char *name;          /* "[stack]", "[heap]", "[vdso]" or NULL */
	struct text *text;         /* counted; backing is a copy with patched call sites, mm/callsite.c */
	u32 policy;                /* mbind(2), see policy.h; 0 = the task's */
	const struct vma_ops *ops; /* or NULL */
	void *private;             /* for ops */
};

enum {
	VMA_SHARED = 1,
	VMA_GROWSDOWN = 2,
	VMA_LOCKED = 4,
	VMA_NORESERVE = 8,
	VMA_DONTFORK = 16,
	VMA_WIPEONFORK = 32,
	VMA_DONTDUMP = 64,
	VMA_SEALED = 128,
	VMA_STACK = 256,
	VMA_WRITTEN = 512,     /* private file mapping that was writable at some time */
	VMA_TRAMPOLINE = 1024, /* of patched call sites */
	VMA_LOCKONFAULT = 2048
};

struct mm {
	struct object obj; /* one reference per task that uses it (and per /proc file, pending vfork…) */
	u32 users;         /* tasks */
	struct aspace *as;
	struct tree vmas;
	u32 vma_count;
	u64 total_pages;
	u64 visit;       /* mm_list: the walk that saw it last */
	u64 serial;      /* no other has it */
	u64 mmap_base;   /* top of the area for mmap without address, grows down */
	u64 stack_top;   /* where execve puts the stack's end */
	u32 lock_future; /* mlockall(MCL_FUTURE): VMA_LOCKED, VMA_LOCKONFAULT for new mappings */
	u32 mdwe;        /* MDWE_*: PR_SET_MDWE */
	u32 membarrier;  /* the commands registered for, see membarrier.c */
	u64 brk_start, brk;
	u64 start_code, end_code, start_data, end_data, start_stack;
	u64 arg_start, arg_end, env_start, env_end;
	struct file *exe; /* counted; /proc/PID/exe */
	u64 auxv[64];
	u32 auxv_count; /* words */
	bool dying;
	u64 deferred_start, deferred_end; /* deferred.c: where mappings wait, if the address space has any */
	u32 deferred_count;
	struct list_head aio;    /* contexts of io_setup(2): fs/anon/aio.c */
	struct coro *lock_owner; /* who changes the tree now (lock.c), how deep, and who waits for a turn */
	u32 lock_depth;
	struct wait_queue lock_waiters;
	bool callsites_off;
	struct callsite_seen callsites[CALLSITE_SEEN];
};

/* An mm with a fresh stub, or with `spare` (kernel/spare.h), which it takes also when it fails. [sleeps] */
int mm_new(struct mm **out, struct aspace *spare) must_check;
/* fork(2): copies the tree and forks the stub. [sleeps] */
int mm_fork(struct mm *parent, struct mm **out) must_check;
struct mm *mm_get(struct mm *mm);
void mm_put(struct mm *mm);
/* The program that runs in it (reference taken; NULL: none): while it runs nobody may write it (ETXTBSY). */
void mm_set_exe(struct mm *mm, struct file *f);
/* execve in place: does nobody but its one task use the mm, and is it small enough to be emptied rather than
 * replaced? Then its stub can go over to a new mm, with all that it has mapped (aspace_clear); the old one is
 * good for mm_put only. */
bool mm_stub_reusable(const struct mm *mm);
int mm_reuse_stub(struct mm *old, struct mm **out) must_check;

/* Memory-deny-write-execute, prctl(2) PR_SET_MDWE: nothing becomes executable that was ever writable. */
enum { MDWE_REFUSE_EXEC_GAIN = 1, MDWE_NO_INHERIT = 2 };
/* May memory with protection `old` have `prot`? A new mapping has both the same. */
static inline bool mm_denies_exec(const struct mm *mm, u32 old, u32 prot)
{
	return mm->mdwe && (prot & 4) && ((prot & 2) || !(old & 4));
}

struct vma *vma_find(struct mm *mm, u64 addr); /* first with end > addr, or NULL */
struct vma *vma_at(struct mm *mm, u64 addr);   /* containing addr, or NULL */
struct vma *vma_next(struct vma *v);

/* The system calls' work. `by` is the current trapped thread when mm is its own, else NULL (loader). -errno
 * as in mmap(2) and family. [sleeps] */
s64 mm_mmap(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot, u32 linux_flags,
	    struct file *file, u64 offset) must_check;
int mm_munmap(struct mm *mm, struct uthread *by, u64 addr, u64 size) must_check;
int mm_mprotect(struct mm *mm, struct uthread *by, u64 addr, u64 size, u32 prot) must_check;
s64 mm_mremap(struct mm *mm, struct uthread *by, u64 addr, u64 old_size, u64 new_size, u32 flags,
	      u64 new_addr) must_check;
s64 mm_brk(struct mm *mm, struct uthread *by, u64 brk);
int mm_madvise(struct mm *mm, struct uthread *by, u64 addr, u64 size, int advice) must_check;
/* One change at a time: all calls here that change an mm do this themselves; whoever makes several that
 * belong together holds it over them. Recursive. Use: auto_cleanup(mm_unlock) struct mm *locked =
 * mm_lock(mm). [sleeps] */
struct mm *mm_lock(struct mm *mm) must_check;
void mm_unlock(struct mm **mm);
/* mlock(2), munlock(2) of a range; `flags`: VMA_LOCKED, VMA_LOCKONFAULT or 0 to unlock. */
int mm_mlock(struct mm *mm, u64 addr, u64 size, u32 flags) must_check;
/* mlockall(2) with MCL_* bits; 0: munlockall(2). */
int mm_mlockall(struct mm *mm, u32 mcl) must_check;
u64 mm_locked_bytes(struct mm *mm);
int mm_mseal(struct mm *mm, u64 addr, u64 size) must_check;
int mm_msync(struct mm *mm, u64 addr, u64 size, u32 flags) must_check;
s64 mm_remap_file_pages(struct mm *mm, struct uthread *by, u64 addr, u64 size, u64 page,
			u32 flags) must_check;
/* Does a mapping wait at addr whose host part is still to be made (aspace_flush), or was it made since there
 * were `flushes`? */
bool mm_deferred_fault(const struct mm *mm, u64 addr, u32 flushes);
/* A fault at addr that a growing stack may cure: true if the access can be tried again. [sleeps] */
bool mm_grow_stack(struct mm *mm, struct uthread *by, u64 addr) must_check;
/* Is there a shared mapping of this inode, in any address space, that is or may become writable? */
bool mm_inode_mapped_writable(const struct inode *inode);
/* The places of stack and mappings for a new program with this RLIMIT_STACK. */
void mm_layout(struct mm *mm, u64 stack_limit, bool randomize);
/* membarrier(2). [sleeps] */
s64 mm_membarrier(struct mm *mm, struct uthread *by, int cmd, u32 flags) must_check;

/* For the loader: maps with a name, max placement freedom; see mm_mmap for errors. */
s64 mm_map_named(struct mm *mm, u64 addr, u64 size, u32 prot, u32 linux_flags, const char *name) must_check;

/* Shared memory by nature: a sentry memfd with its size, for MAP_SHARED|MAP_ANONYMOUS, tmpfs and memfd. */
int shm_create(const char *name, u64 size, struct host_fd **out) must_check;
/* The same for the kernel's own use: charged to no control group. */
int shm_create_own(const char *name, u64 size, struct host_fd **out) must_check;
/* Gives the pages of [offset, offset + size) back: they read as zeros. */
int shm_punch(struct host_fd *shm, u64 offset, u64 size) must_check;

/* What identifies a futex in shared memory: inode or shared object and offset, or the mm and address. The
 * object is borrowed. */
enum futex_key_kind { FUTEX_KEY_MM, FUTEX_KEY_INODE, FUTEX_KEY_BACKING };
struct futex_key {
	void *object; /* struct mm, struct inode or struct host_fd */
	u64 offset;
	enum futex_key_kind kind;
};
int mm_futex_key(struct mm *mm, u64 addr, bool is_private, struct futex_key *key) must_check;

#endif
