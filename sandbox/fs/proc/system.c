/*
 * system.c - the files of the system as a whole: meminfo, stat, cpuinfo, uptime, sys/…
 */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "sandbox/abi/version.h"
#include "sandbox/fs/proc/proc_priv.h"
#include "sandbox/fs/mqueue/mqueue.h"
#include "sandbox/ipc/ipc.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/account.h"
#include "sandbox/kernel/sysctl.h"
#include "sandbox/mm/usage.h"
#include "sandbox/socket/net_sysctl.h"

#define TICK_NS (NSEC_PER_SEC / 100)

static u64 uptime_ns(void)
{
	return clock_monotonic() - kernel()->boot_monotonic_ns;
}

static u64 busy_ns(void)
{
	u64 user, system;

	cpu_time_of_all(&user, &system);
	return user + system;
}

static void count_tasks(u32 *processes, u32 *threads, u32 *running)
{
	struct task *t;

	*processes = *threads = *running = 0;
	list_for_each_entry (t, &kernel()->tasks, all_node) {
		*processes += t->tg && t->tg->leader == t;
		*threads += t->state == TASK_ALIVE;
		*running += t->state == TASK_ALIVE && task_state_letter(t) == 'R';
	}
}

static void show_version(struct text_buf *b)
{
	text_printf(b, "Linux version %s (warren@sandbox) (gcc) %s\n", LINUX_RELEASE, LINUX_VERSION);
}

static void show_uptime(struct text_buf *b)
{
	u64 up = uptime_ns(), all = up * platform_cpu_count(), busy = busy_ns();
	u64 idle = all > busy ? all - busy : 0;

	text_printf(b, "%lu.%02lu %lu.%02lu\n", (unsigned long)(up / NSEC_PER_SEC),
		    (unsigned long)(up / TICK_NS % 100), (unsigned long)(idle / NSEC_PER_SEC),
		    (unsigned long)(idle / TICK_NS % 100));
}

static void show_loadavg(struct text_buf *b)
{
	u32 processes, threads, running;
	u64 load[3];

	count_tasks(&processes, &threads, &running);
	load_averages(load);
	for (u32 i = 0; i < 3; i++) {
		u64 hundredths = (load[i] * 100 + (1 << (LOAD_SHIFT - 1))) >> LOAD_SHIFT;
		text_printf(b, "%lu.%02lu ", (unsigned long)(hundredths / 100),
			    (unsigned long)(hundredths % 100));
	}
	text_printf(b, "%u/%u %d\n", running, threads, kernel()->root_pid_ns->last_pid);
}

static void show_meminfo(struct text_buf *b)
{
	struct memory_usage m;
	u64 free, available, limit;

	memory_usage(&m);
	free = m.total - min_t(u64, m.total, m.used + m.mapped);
	available = m.total - min_t(u64, m.total, m.used);
	limit = m.total / 100 * sysctl(SYSCTL_OVERCOMMIT_RATIO);
	const struct {
		const char *name;
		u64 bytes;
	} lines[] = {{"MemTotal", m.total},
		     {"MemFree", free},
		     {"MemAvailable", available},
		     {"Buffers", 0},
		     {"Cached", m.mapped + m.shmem},
		     {"SwapCached", 0},
		     {"Active", m.anon},
		     {"Inactive", m.mapped + m.shmem},
		     {"Active(anon)", m.anon},
		     {"Inactive(anon)", m.shmem},
		     {"Active(file)", 0},
		     {"Inactive(file)", m.mapped},
		     {"Unevictable", 0},
		     {"Mlocked", 0},
		     {"SwapTotal", 0},
		     {"SwapFree", 0},
		     {"Dirty", 0},
		     {"Writeback", 0},
		     {"AnonPages", m.anon},
		     {"Mapped", m.mapped},
		     {"Shmem", m.shmem},
		     {"KReclaimable", 0},
		     {"Slab", m.kernel},
		     {"SReclaimable", 0},
		     {"SUnreclaim", m.kernel},
		     {"PageTables", m.tables},
		     {"CommitLimit", limit},
		     {"Committed_AS", m.committed}};
	for (u32 i = 0; i < ARRAY_COUNT(lines); i++)
		text_printf(b, "%s:%*s%8lu kB\n", lines[i].name, (int)(15 - strlen(lines[i].name)), "",
			    (unsigned long)(lines[i].bytes / 1024));
	text_printf(b, "VmallocTotal:   34359738367 kB\nVmallocUsed:           0 kB\n");
	text_printf(b, "HugePages_Total:   %5u\nHugePages_Free:    %5u\nHugepagesize:       2048 kB\n", 0, 0);
}

static void show_stat(struct text_buf *b)
{
	u32 cpus = platform_cpu_count(), processes, threads, running;
	u64 user, system, all = uptime_ns() * cpus, idle;

	cpu_time_of_all(&user, &system);
	idle = all > user + system ? all - user - system : 0;
	count_tasks(&processes, &threads, &running);
	text_printf(b, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", (unsigned long)(user / TICK_NS),
		    (unsigned long)(system / TICK_NS), (unsigned long)(idle / TICK_NS));
	for (u32 i = 0; i < cpus; i++)
		text_printf(b, "cpu%u %lu 0 %lu %lu 0 0 0 0 0 0\n", i, (unsigned long)(user / cpus / TICK_NS),
			    (unsigned long)(system / cpus / TICK_NS), (unsigned long)(idle / cpus / TICK_NS));
	text_printf(
	    b,
	    "intr 0\nctxt %lu\nbtime %lu\nprocesses %d\nprocs_running %u\nprocs_blocked 0\nsoftirq 0 0 "
	    "0 0 0 0 0 0 0 0 0\n",
	    (unsigned long)kernel()->switches, (unsigned long)(kernel()->boot_realtime_ns / NSEC_PER_SEC),
	    kernel()->root_pid_ns->last_pid, max_t(u32, running, 1));
}

/* ---- cpuinfo ---- */

static void brand(char out[49])
{
	u32 *w = (u32 *)(void *)out;

	memset(out, 0, 49);
	for (u32 i = 0; i < 3; i++)
		if (!__get_cpuid(0x80000002 + i, &w[4 * i], &w[4 * i + 1], &w[4 * i + 2], &w[4 * i + 3]))
			memcpy(out, "unknown", 8);
}

struct cpu_flag {
	u8 bit;
	const char *name;
};
static const struct cpu_flag flags_1_edx[] = {
    {0, "fpu"},  {4, "tsc"},   {5, "msr"},  {6, "pae"},   {8, "cx8"}, {15, "cmov"}, {19, "clflush"},
    {23, "mmx"}, {24, "fxsr"}, {25, "sse"}, {26, "sse2"}, {27, "ss"}, {28, "ht"},
};
static const struct cpu_flag flags_1_ecx[] = {
    {0, "pni"},     {1, "pclmulqdq"}, {9, "ssse3"},  {12, "fma"},    {13, "cx16"},
    {19, "sse4_1"}, {20, "sse4_2"},   {22, "movbe"}, {23, "popcnt"}, {25, "aes"},
    {26, "xsave"},  {28, "avx"},      {29, "f16c"},  {30, "rdrand"},
};
static const struct cpu_flag flags_7_ebx[] = {
    {0, "fsgsbase"},  {3, "bmi1"},      {5, "avx2"},      {8, "bmi2"},      {9, "erms"},
    {16, "avx512f"},  {17, "avx512dq"}, {18, "rdseed"},   {19, "adx"},      {23, "clflushopt"},
    {28, "avx512cd"}, {29, "sha_ni"},   {30, "avx512bw"}, {31, "avx512vl"},
};
static const struct cpu_flag flags_ext_edx[] = {
    {11, "syscall"}, {20, "nx"}, {26, "pdpe1gb"}, {27, "rdtscp"}, {29, "lm"}};
static const struct cpu_flag flags_ext_ecx[] = {{0, "lahf_lm"}, {5, "abm"}};

static void put_flags(struct text_buf *b, u32 word, const struct cpu_flag *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word >> f[i].bit & 1)
			text_printf(b, " %s", f[i].name);
}

static void show_cpuinfo(struct text_buf *b)
{
	u32 a = 0, v[3] = {0}, c1 = 0, d1 = 0, b7 = 0, ec = 0, ed = 0, x, y, z, cpus = platform_cpu_count();
	char name[49], vendor[13] = {0};

	if (__get_cpuid(0, &x, &v[0], &v[2], &v[1]))
		memcpy(vendor, v, 12);
	(void)!__get_cpuid(1, &a, &x, &c1, &d1);
	(void)!__get_cpuid_count(7, 0, &x, &b7, &y, &z);
	(void)!__get_cpuid(0x80000001, &x, &y, &ec, &ed);
	brand(name);
	for (u32 i = 0; i < cpus; i++) {
		u32 family = (a >> 8 & 15) + (a >> 20 & 255), model = (a >> 4 & 15) | (a >> 12 & 0xf0);
		text_printf(b,
			    "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel "
			    "name\t: %s\nstepping\t: %u\n",
			    i, vendor, family, model, name, a & 15);
		text_printf(b,
			    "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\nfpu\t\t: "
			    "yes\nwp\t\t: yes\nflags\t\t:",
			    cpus, i, cpus);
		put_flags(b, d1, flags_1_edx, ARRAY_COUNT(flags_1_edx));
		put_flags(b, ed, flags_ext_edx, ARRAY_COUNT(flags_ext_edx));
		put_flags(b, c1, flags_1_ecx, ARRAY_COUNT(flags_1_ecx));
		put_flags(b, ec, flags_ext_ecx, ARRAY_COUNT(flags_ext_ecx));
		put_flags(b, b7, flags_7_ebx, ARRAY_COUNT(flags_7_ebx));
		text_printf(b, "\nbogomips\t: 4000.00\nclflush size\t: 64\naddress sizes\t: 46 bits "
			       "physical, 48 bits virtual\n\n");
	}
}

static void show_filesystems(struct text_buf *b)
{
	const struct fs_type *t;

	for (u32 i = 0; (t = fs_type_at(i)); i++)
		text_printf(b, "nodev\t%s\n", t->name);
}

static void show_cmdline(struct text_buf *b)
{
	text_printf(b, "warren\n");
}

static void show_devices(struct text_buf *b)
{
	text_printf(b,
		    "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
}

static void show_swaps(struct text_buf *b)
{
	text_printf(b, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void show_nothing(struct text_buf *b)
{
}

static void show_ldiscs(struct text_buf *b)
{
	text_printf(b, "n_tty       0\n");
}

static void show_tty_drivers(struct text_buf *b)
{
	text_printf(b, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		       "/dev/ptmx            /dev/ptmx       5       2 system\n"
		       "pty_slave            /dev/pts      136 0-1048575 pty:slave\n");
}

static void show_partitions(struct text_buf *b)
{
	text_printf(b, "major minor  #blocks  name\n\n");
}

static void show_vmstat(struct text_buf *b)
{
	text_printf(b,
		    "nr_free_pages %lu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault "
		    "0\noom_kill 0\n",
		    (unsigned long)(kernel_memory_total() / PAGE_SIZE));
}

/* ---- sys ---- */

static struct uts_ns *uts(void)
{
	struct task *t = current_task();

	return t && t->ns ? t->ns->uts : NULL;
}

static void show_hostname(struct text_buf *b)
{
	text_printf(b, "%s\n", uts() ? uts()->nodename : "");
}

static s64 store_hostname(const char *data, size_t size)
{
	size_t len = strcspn(data, "\n");

	if (!capable(21 /* CAP_SYS_ADMIN */))
		return -EPERM;
	if (len > 64 || !uts())
		return -EINVAL;
	snprintf(uts()->nodename, sizeof(uts()->nodename), "%.*s", (int)len, data);
	return (s64)size;
}

static void show_domainname(struct text_buf *b)
{
	text_printf(b, "%s\n", uts() ? uts()->domainname : "(none)");
}

static void show_uuid_bytes(struct text_buf *b, const u8 r[16])
{
	text_printf(b, "%02x%02x%02x%02x-%02x%02x-4%x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", r[0], r[1],
		    r[2], r[3], r[4], r[5], r[6] & 15, r[7], (r[8] & 0x3f) | 0x80, r[9], r[10], r[11], r[12],
		    r[13], r[14], r[15]);
}

static void show_uuid(struct text_buf *b)
{
	u8 r[16];

	if (getrandom(r, sizeof(r), 0) == sizeof(r))
		show_uuid_bytes(b, r);
}

/* One per boot of the sandbox, made from what is fixed at boot. */
static void show_boot_id(struct text_buf *b)
{
	u64 h[2] = {kernel()->boot_realtime_ns * 0x9e3779b97f4a7c15ULL,
		    kernel()->boot_monotonic_ns * 0xc2b2ae3d27d4eb4fULL};

	show_uuid_bytes(b, (const u8 *)h);
}

#define SHOW_FIXED(name_, text_)                                                                             \
	static void show_##name_(struct text_buf *b)                                                         \
	{                                                                                                    \
		text_append(b, text_ "\n", sizeof(text_));                                                   \
	}
SHOW_FIXED(ostype, "Linux")
SHOW_FIXED(osrelease, LINUX_RELEASE)
SHOW_FIXED(osversion, LINUX_VERSION)
SHOW_FIXED(pid_max, "4194304")
SHOW_FIXED(threads_max, "1048576")
SHOW_FIXED(cap_last_cap, "40")
static void show_aio_nr(struct text_buf *b)
{
	text_printf(b, "%lu\n", (unsigned long)kernel()->aio_in_use);
}

SHOW_FIXED(ngroups_max, "65536")
SHOW_FIXED(actions_avail, "kill_process kill_thread trap errno user_notif trace log allow")
SHOW_FIXED(overflow_id, "65534")
SHOW_FIXED(entropy, "256")
SHOW_FIXED(core_pattern, "core")
SHOW_FIXED(two, "2")
SHOW_FIXED(mmap_min_addr, "65536")
SHOW_FIXED(sixty, "60")
SHOW_FIXED(auto_msgmni, "0")

/* Without effect since Linux 3.19. */
static s64 store_auto_msgmni(const char *data, size_t size)
{
	return (data[0] == '0' || data[0] == '1') && (size == 1 || data[1] == '\n') ? (s64)size : -EINVAL;
}

/* ---- net: each network namespace has its own ---- */

#define NET_NUMBER(id, dir, file, mode)                                                                      \
	static void show_net_##id(struct text_buf *b)                                                        \
	{                                                                                                    \
		net_sysctl_show(NET_##id, b);                                                                \
	}                                                                                                    \
	static s64 store_net_##id(const char *data, size_t size)                                             \
	{                                                                                                    \
		return net_sysctl_store(NET_##id, data, size);                                               \
	}
NET_SYSCTL_LIST(NET_NUMBER)
#undef NET_NUMBER

/* ---- System V IPC: each namespace has its own ---- */

#define IPC_NUMBER(name_, id_)                                                                               \
	static void show_##name_(struct text_buf *b)                                                         \
	{                                                                                                    \
		ipc_sysctl_show(id_, b);                                                                     \
	}                                                                                                    \
	static s64 store_##name_(const char *data, size_t size)                                              \
	{                                                                                                    \
		return ipc_sysctl_store(id_, data, size);                                                    \
	}
IPC_NUMBER(shmmax, IPC_SHMMAX)
IPC_NUMBER(shmall, IPC_SHMALL)
IPC_NUMBER(shmmni, IPC_SHMMNI)
IPC_NUMBER(shm_rmid_forced, IPC_SHM_RMID_FORCED)
IPC_NUMBER(msgmax, IPC_MSGMAX)
IPC_NUMBER(msgmnb, IPC_MSGMNB)
IPC_NUMBER(msgmni, IPC_MSGMNI)
IPC_NUMBER(shm_next_id, IPC_SHM_NEXT_ID)
IPC_NUMBER(sem_next_id, IPC_SEM_NEXT_ID)
IPC_NUMBER(msg_next_id, IPC_MSG_NEXT_ID)
IPC_NUMBER(sem, IPC_SEM)
/* The controllers, none of them in a hierarchy of version 1. */
static void show_cgroups(struct text_buf *b)
{
	text_printf(b, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (u32 i = 0; i < CGROUP_CONTROLLERS; i++)
		text_printf(b, "%s\t0\t%lu\t1\n", cgroup_controller_names[i],
			    (unsigned long)kernel()->root_cgroup->descendants + 1);
}

#define MQ_NUMBER(name_, id_)                                                                                \
	static void show_mq_##name_(struct text_buf *b)                                                      \
	{                                                                                                    \
		mqueue_sysctl_show(id_, b);                                                                  \
	}                                                                                                    \
	static s64 store_mq_##name_(const char *data, size_t size)                                           \
	{                                                                                                    \
		return mqueue_sysctl_store(id_, data, size);                                                 \
	}
MQ_NUMBER(msg_default, MQ_MSG_DEFAULT)
MQ_NUMBER(msg_max, MQ_MSG_MAX)
MQ_NUMBER(msgsize_default, MQ_MSGSIZE_DEFAULT)
MQ_NUMBER(msgsize_max, MQ_MSGSIZE_MAX)
MQ_NUMBER(queues_max, MQ_QUEUES_MAX)
#define MQ_FILE(name_)                                                                                       \
	{                                                                                                    \
		"sys/fs/mqueue", #name_, 0644, .show = show_mq_##name_, .store = store_mq_##name_            \
	}
#define IPC_FILE(name_, mode_)                                                                               \
	{                                                                                                    \
		"sys/kernel", #name_, mode_, .show = show_##name_, .store = store_##name_                    \
	}

const struct proc_file proc_files[] = {
    {"", "buddyinfo", 0400, .show = proc_show_buddyinfo},
    {"", "cgroups", 0444, .show = show_cgroups},
    {"", "cmdline", 0444, .show = show_cmdline},
    {"", "consoles", 0444, .show = proc_show_consoles},
    {"", "cpuinfo", 0444, .show = show_cpuinfo},
    {"", "devices", 0444, .show = show_devices},
    {"", "crypto", 0444, .show = show_nothing},
    {"", "diskstats", 0444, .show = show_nothing},
    {"", "execdomains", 0444, .show = proc_show_execdomains},
    {"", "filesystems", 0444, .show = show_filesystems},
    {"", "interrupts", 0444, .show = proc_show_interrupts},
    {"", "locks", 0444, .show = proc_show_locks},
    {"", "misc", 0444, .show = proc_show_misc},
    {"", "softirqs", 0444, .show = proc_show_softirqs},
    {"bus", "", 0, .show = show_nothing},
    {"driver", "", 0, .show = show_nothing},
    {"fs", "", 0, .show = show_nothing},
    {"irq", "", 0, .show = show_nothing},
    {"tty", "ldiscs", 0444, .show = show_ldiscs},
    {"tty", "drivers", 0444, .show = show_tty_drivers},
    {"", "loadavg", 0444, .show = show_loadavg},
    {"", "meminfo", 0444, .show = show_meminfo},
    {"", "modules", 0444, .show = show_nothing},
    {"", "mounts", 0777, .link = "self/mounts"},
    {"", "net", 0777, .link = "self/net"},
    {"", "partitions", 0444, .show = show_partitions},
    {"", "stat", 0444, .show = show_stat},
    {"", "swaps", 0444, .show = show_swaps},
    {"", "uptime", 0444, .show = show_uptime},
    {"", "version", 0444, .show = show_version},
    {"", "vmstat", 0444, .show = show_vmstat},
    {"sys", "", 0, .show = show_nothing},
    {"sys/fs", "aio-nr", 0444, .show = show_aio_nr},
    {"sys/fs", "file-nr", 0444, .show = proc_show_file_nr},
    {"sys/fs", "inode-nr", 0444, .show = proc_show_inode_nr},
    {"sys/fs", "inode-state", 0444, .show = proc_show_inode_state},
    {"sys/fs", "dentry-state", 0444, .show = proc_show_dentry_state},
    {"sys/kernel", "cap_last_cap", 0444, .show = show_cap_last_cap},
    {"sys/kernel", "core_pattern", 0644, .show = show_core_pattern},
    {"sys/kernel", "domainname", 0644, .show = show_domainname},
    {"sys/kernel", "hostname", 0644, .show = show_hostname, .store = store_hostname},
    {"sys/kernel", "ngroups_max", 0444, .show = show_ngroups_max},
    {"sys/kernel", "osrelease", 0444, .show = show_osrelease},
    {"sys/kernel/seccomp", "actions_avail", 0444, .show = show_actions_avail},
    {"sys/kernel", "ostype", 0444, .show = show_ostype},
    {"sys/kernel", "overflowgid", 0644, .show = show_overflow_id},
    {"sys/kernel", "overflowuid", 0644, .show = show_overflow_id},
    {"sys/kernel", "pid_max", 0644, .show = show_pid_max},
    {"sys/kernel", "randomize_va_space", 0644, .show = show_two},
    {"sys/kernel", "auto_msgmni", 0644, .show = show_auto_msgmni, .store = store_auto_msgmni},
    IPC_FILE(shmmax, 0644),
    IPC_FILE(shmall, 0644),
    IPC_FILE(shmmni, 0644),
    IPC_FILE(shm_rmid_forced, 0644),
    IPC_FILE(msgmax, 0644),
    IPC_FILE(msgmnb, 0644),
    IPC_FILE(msgmni, 0644),
    IPC_FILE(sem, 0644),
    IPC_FILE(shm_next_id, 0666),
    IPC_FILE(sem_next_id, 0666),
    IPC_FILE(msg_next_id, 0666),
    MQ_FILE(msg_default),
    MQ_FILE(msg_max),
    MQ_FILE(msgsize_default),
    MQ_FILE(msgsize_max),
    MQ_FILE(queues_max),
    {"sysvipc", "shm", 0444, .show = ipc_show_shm},
    {"sysvipc", "sem", 0444, .show = ipc_show_sem},
    {"sysvipc", "msg", 0444, .show = ipc_show_msg},
    {"sys/kernel", "threads-max", 0644, .show = show_threads_max},
    {"sys/kernel", "version", 0444, .show = show_osversion},
    {"sys/kernel/random", "boot_id", 0444, .show = show_boot_id},
    {"sys/kernel/random", "entropy_avail", 0444, .show = show_entropy},
    {"sys/kernel/random", "poolsize", 0444, .show = show_entropy},
    {"sys/kernel/random", "uuid", 0444, .show = show_uuid},
    {"sys/net", "", 0, .show = show_nothing},
#define NET_FILE(id, dir_, file_, mode_)                                                                     \
	{"sys/" dir_, file_, mode_, .show = show_net_##id, .store = store_net_##id},
    NET_SYSCTL_LIST(NET_FILE)
#undef NET_FILE
	{"sys/vm", "mmap_min_addr", 0644, .show = show_mmap_min_addr},
    {"sys/vm", "swappiness", 0644, .show = show_sixty},
#define SYSCTL_FILE(id, dir_, file_, mode_, initial, min, max)                                               \
	{"sys/" dir_, file_, mode_, .sysctl = 1 + SYSCTL_##id},
    SYSCTL_LIST(SYSCTL_FILE)
#undef SYSCTL_FILE
};
const u32 proc_file_count = ARRAY_COUNT(proc_files);
