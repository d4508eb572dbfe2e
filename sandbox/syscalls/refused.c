/*
 * syscalls/refused.c - what only the owner of the machine may do. The root of a sandbox is the root of a
 * container: its capabilities reach its own namespaces, not the host's clock, modules, swap, disks or ports,
 * so these calls check their arguments as Linux does and end in the errno that Linux has for a process
 * without the capability, or for a kernel built without the feature (docs/kernel.md, "Calls that are
 * refused").
 */
#include <errno.h>
#include <fcntl.h>

#include "sandbox/abi/sched.h"
#include "sandbox/fs/anon/anon.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/task.h"
#include "sandbox/kernel/task_priv.h"
#include "sandbox/mm/uaccess.h"
#include "sandbox/syscalls/calls.h"
#include "sandbox/syscalls/syscalls.h"
#include "sandbox/vfs/fdtable.h"
#include "sandbox/vfs/namei.h"

/* ---- the machine ---- */

#define REBOOT_MAGIC1   0xfee1deadU
#define REBOOT_RESTART  0x01234567U
#define REBOOT_RESTART2 0xa1b2c3d4U
#define REBOOT_HALT     0xcdef0123U
#define REBOOT_OFF      0x4321fedcU

/* In a PID namespace reboot(2) ends the namespace's init, by SIGHUP or SIGINT as its parent sees it. */
s64 sys_reboot(struct task *t, const u64 *a)
{
	static const u32 magic2[] = {672274793, 85072278, 369367448, 537993216};
	struct pid_ns *ns = task_pid_ns(t);
	bool known = false;

	if (!ns_capable(ns->common.owner, LINUX_CAP_SYS_BOOT))
		return -EPERM;
	for (u32 i = 0; i < ARRAY_COUNT(magic2); i++)
		known |= (u32)a[1] == magic2[i];
	if ((u32)a[0] != REBOOT_MAGIC1 || !known || !ns->init)
		return -EINVAL;
	switch ((u32)a[2]) {
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		group_kill(ns->init->tg, LINUX_SIGHUP);
		return 0;
	case REBOOT_HALT:
	case REBOOT_OFF:
		group_kill(ns->init->tg, LINUX_SIGINT);
		return 0;
	default:
		return -EINVAL;
	}
}

s64 sys_swapon(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_swapoff(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_settimeofday(struct task *t, const u64 *a)
{
	s64 tv[2], zone;

	if (a[0] && copy_in(tv, uaddr(a[0]), sizeof(tv)))
		return -EFAULT;
	if (a[1] && get_user(&zone, uaddr(a[1])))
		return -EFAULT;
	if (a[0] && (tv[0] < 0 || tv[1] < 0 || tv[1] >= 1000000))
		return -EINVAL;
	return -EPERM;
}

/* ---- clock discipline: may be read, not changed ---- */

struct linux_timex {
	u32 modes, pad0;
	s64 offset, freq, maxerror, esterror;
	s32 status, pad1;
	s64 constant, precision, tolerance, time[2], tick, ppsfreq, jitter;
	s32 shift, pad2;
	s64 stabil, jitcnt, calcnt, errcnt, stbcnt;
	s32 tai, pad3[11];
};
static_assert(sizeof(struct linux_timex) == 208, "struct timex");

#define STA_UNSYNC 0x40
#define TIME_ERROR 5

static s64 read_clock_state(u64 user)
{
	struct linux_timex tx;
	u64 now = clock_realtime();

	if (get_user(&tx, uaddr(user)))
		return -EFAULT;
	if (tx.modes && tx.modes != 0xa001 /* ADJ_OFFSET_SS_READ */)
		return -EPERM;
	tx = (struct linux_timex){.maxerror = 16000000,
				  .esterror = 16000000,
				  .status = STA_UNSYNC,
				  .constant = 2,
				  .precision = 1,
				  .tolerance = 32768000,
				  .time = {(s64)(now / NSEC_PER_SEC), (s64)(now % NSEC_PER_SEC / 1000)},
				  .tick = 10000};
	return put_user(&tx, uaddr(user)) ? -EFAULT : TIME_ERROR;
}

s64 sys_adjtimex(struct task *t, const u64 *a)
{
	return read_clock_state(a[0]);
}

s64 sys_clock_adjtime(struct task *t, const u64 *a)
{
	int clock = arg_int(a[0]);

	if (clock == 0)
		return read_clock_state(a[1]);
	return clock > 0 && clock <= 11 && clock != 10 ? -EOPNOTSUPP : -EINVAL;
}

/* ---- code for the kernel ---- */

#define BPF_ATTR_MAX 4096U

s64 sys_bpf(struct task *t, const u64 *a)
{
	u8 byte;

	if ((u32)a[2] > BPF_ATTR_MAX)
		return -E2BIG;
	if (a[2] && get_user(&byte, uaddr(a[1])))
		return -EFAULT;
	return -EPERM;
}

s64 sys_perf_event_open(struct task *t, const u64 *a)
{
	u32 head[2];

	if (copy_in(head, uaddr(a[0]), sizeof(head)))
		return -EFAULT;
	return -EACCES; /* as with perf_event_paranoid 3 */
}

s64 sys_iopl(struct task *t, const u64 *a)
{
	u32 level = (u32)a[0];

	return level > 3 ? -EINVAL : level ? -EPERM : 0;
}

s64 sys_ioperm(struct task *t, const u64 *a)
{
	if (a[0] + a[1] <= a[0] || a[0] + a[1] > 65536)
		return -EINVAL;
	return a[2] ? -EPERM : 0;
}

s64 sys_init_module(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_finit_module(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_delete_module(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_kexec_load(struct task *t, const u64 *a)
{
	return -EPERM;
}

s64 sys_kexec_file_load(struct task *t, const u64 *a)
{
	return -EPERM;
}

/* ---- disks ---- */

#define QUOTA_TYPES 3U
#define Q_SYNC      0x800001U

s64 sys_quotactl(struct task *t, const u64 *a)
{
	u32 cmd = (u32)a[0] >> 8;
	auto_cleanup(kfreep) char *name = NULL;
	struct path p;
	int err;

	if (((u32)a[0] & 0xff) >= QUOTA_TYPES)
		return -EINVAL;
	if (!a[1])
		return cmd == Q_SYNC ? 0 : -ENODEV;
	err = copy_in_path(&name, uaddr(a[1]));
	if (!err)
		err = path_lookup(AT_FDCWD, name, WALK_FOLLOW, &p);
	if (err)
		return err;
	path_put(&p);
	return -ENOTBLK; /* there are no block devices */
}

s64 sys_quotactl_fd(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = fd_get_path(arg_int(a[0]));

	if (!f)
		return -EBADF;
	return ((u32)a[1] & 0xff) >= QUOTA_TYPES ? -EINVAL : -ENOSYS; /* no file system here keeps quotas */
}

s64 sys_ustat(struct task *t, const u64 *a)
{
	return -EINVAL; /* nothing mounted is a device */
}

/* ---- the terminal ---- */

s64 sys_vhangup(struct task *t, const u64 *a)
{
	if (!capable(LINUX_CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (t->tg->tty && t->tg->tty->session && t->tg->tty->session->task)
		tty_disassociate(t->tg->tty->session->task->tg, false);
	return 0;
}

/* ---- security modules: none is built in but the capabilities ---- */

#define LSM_ID_CAPABILITY 100U

s64 sys_landlock_create_ruleset(struct task *t, const u64 *a)
{
	return -EOPNOTSUPP;
}

s64 sys_landlock_add_rule(struct task *t, const u64 *a)
{
	return -EOPNOTSUPP;
}

s64 sys_landlock_restrict_self(struct task *t, const u64 *a)
{
	return -EOPNOTSUPP;
}

s64 sys_lsm_list_modules(struct task *t, const u64 *a)
{
	const u64 ids[] = {LSM_ID_CAPABILITY};
	u32 size, need = sizeof(ids);

	if (a[2])
		return -EINVAL;
	if (get_user(&size, uaddr(a[1])) || put_user(&need, uaddr(a[1])))
		return -EFAULT;
	if (size < need)
		return -E2BIG;
	return copy_out(uaddr(a[0]), ids, sizeof(ids)) ? -EFAULT : (s64)ARRAY_COUNT(ids);
}

s64 sys_lsm_get_self_attr(struct task *t, const u64 *a)
{
	u32 size;

	if (!(u32)a[0] || !a[2] || ((u32)a[3] & ~1U))
		return -EINVAL;
	if (get_user(&size, uaddr(a[2])))
		return -EFAULT;
	return -EOPNOTSUPP;
}

s64 sys_lsm_set_self_attr(struct task *t, const u64 *a)
{
	u8 header[32];

	if (a[3] || (u32)a[2] < sizeof(header))
		return -EINVAL;
	if ((u32)a[2] > PAGE_SIZE)
		return -E2BIG;
	return copy_in(header, uaddr(a[1]), sizeof(header)) ? -EFAULT : -EOPNOTSUPP;
}

s64 sys_map_shadow_stack(struct task *t, const u64 *a)
{
	return -EOPNOTSUPP; /* as on a processor without user shadow stacks */
}

/* ---- memory of a process that is being killed ---- */

s64 sys_process_mrelease(struct task *t, const u64 *a)
{
	auto_cleanup(filep_put) struct file *f = NULL;
	struct pid *p;

	if (a[1])
		return -EINVAL;
	f = fd_get(arg_int(a[0]));
	p = f ? pidfd_pid(f) : NULL;
	if (!p)
		return -EBADF;
	if (!p->task || !p->task->tg)
		return -ESRCH;
	/* its memory goes in any case; one who is not dying keeps it */
	return fatal_signal_pending(p->task) || p->task->state != TASK_ALIVE ? 0 : -EINVAL;
}
