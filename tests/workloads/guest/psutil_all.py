"""What psutil tells of this machine and of this process: kinds of values and what must hold of them, so that two machines agree."""
import os, socket, subprocess, sys, tempfile, threading, time
import psutil

P = psutil.Process()


def kind(v):
    if isinstance(v, tuple) and hasattr(v, "_fields"):
        return type(v).__name__ + "(" + ", ".join(v._fields) + ")"
    return type(v).__name__


def show(name, v, *truths):
    print(name, kind(v), *truths)


show("cpu_count", psutil.cpu_count(), psutil.cpu_count() == os.cpu_count())
show("cpu_times", psutil.cpu_times(), psutil.cpu_times().user >= 0)
show("percpu", psutil.cpu_times(percpu=True)[0], len(psutil.cpu_times(percpu=True)) == os.cpu_count())
a = psutil.cpu_percent(interval=0.2)
show("cpu_percent", a, 0 <= a <= 100)
show("cpu_stats", psutil.cpu_stats(), psutil.cpu_stats().ctx_switches > 0)
show("load", psutil.getloadavg(), len(psutil.getloadavg()))
m = psutil.virtual_memory()
show("memory", m, m.total > m.available > 0, m.total >= m.used > 0)
show("swap", psutil.swap_memory(), psutil.swap_memory().total >= 0)
show("partitions", psutil.disk_partitions(all=True)[0], "/tmp" in [p.mountpoint for p in psutil.disk_partitions(all=True)])
d = psutil.disk_usage("/")
show("usage", d, d.total >= d.used)
n = psutil.net_io_counters(pernic=True)
show("nics", sorted(n), kind(n["lo"]))
show("addrs", psutil.net_if_addrs()["lo"][0].address, psutil.net_if_stats()["lo"].isup)
b = psutil.boot_time()
show("boot", b, 0 < b <= time.time())
show("users", psutil.users())
show("pids", psutil.pids(), os.getpid() in psutil.pids(), psutil.pid_exists(os.getpid()), psutil.pid_exists(999999))

show("name", P.name(), P.name())
show("exe", P.exe(), os.path.basename(P.exe()))
show("cmdline", P.cmdline(), P.cmdline()[-1])
show("cwd", P.cwd(), P.cwd() == os.getcwd())
show("status", P.status(), P.status())
show("username", P.username(), P.username())
show("ids", P.uids(), P.gids().real, P.ppid() == os.getppid())
show("create", P.create_time(), abs(P.create_time() - time.time()) < 600)
for i in range(200000):
    pass
show("times", P.cpu_times(), P.cpu_times().user > 0)
show("info", P.memory_info(), P.memory_info().rss > 1 << 20, P.memory_info().vms > P.memory_info().rss)
show("full", P.memory_full_info(), 0 < P.memory_full_info().uss <= P.memory_full_info().rss * 2)
maps = P.memory_maps()
show("maps", maps[0], any("libc" in x.path for x in maps), any(x.path == "[heap]" for x in maps))
show("percent", P.memory_percent(), 0 < P.memory_percent() < 100)
e = threading.Event()
threads = [threading.Thread(target=e.wait) for _ in range(3)]
for t in threads:
    t.start()
show("threads", P.threads()[0], P.num_threads(), len(P.threads()))
e.set()
for t in threads:
    t.join()
with tempfile.NamedTemporaryFile(dir="/tmp") as f:
    f.write(b"x" * 100)
    f.flush()
    o = [x for x in P.open_files() if x.path == f.name]
    show("open_files", o[0], o[0].mode, o[0].position)
show("fds", P.num_fds(), P.num_fds() == len(os.listdir("/proc/self/fd")) - 1)
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
c = socket.create_connection(s.getsockname())
k = P.connections()
show("connections", k[0], sorted(x.status for x in k))
k = [x for x in psutil.net_connections() if x.laddr == s.getsockname() and x.status == "LISTEN"]
show("all", k[0].pid == os.getpid(), len(k))
u = socket.socket(socket.AF_UNIX)
u.bind("/tmp/psutil.socket")
show("unix", [x.laddr for x in P.connections("unix")])
os.unlink("/tmp/psutil.socket")
show("nice", P.nice())
P.nice(5)
show("nice", P.nice(), P.nice())
show("ionice", P.ionice(), P.ionice().ioclass)
show("affinity", P.cpu_affinity(), set(P.cpu_affinity()) == os.sched_getaffinity(0))
show("rlimit", P.rlimit(psutil.RLIMIT_NOFILE), P.rlimit(psutil.RLIMIT_CORE)[0] <= P.rlimit(psutil.RLIMIT_CORE)[1] or -1)
show("switches", P.num_ctx_switches(), P.num_ctx_switches().voluntary > 0)
show("io", P.io_counters(), P.io_counters().read_count > 0, P.io_counters().read_chars > 0)
show("environ", P.environ(), P.environ().get("HOME"))
show("terminal", P.terminal(), P.terminal())
child = psutil.Popen(["sleep", "100"])
show("children", P.children(), [x.name() for x in P.children()] == ["sleep"], child.parent().pid == os.getpid())
for _ in range(100):
    if child.status() == "sleeping" and child.name() == "sleep":
        break
    time.sleep(0.05)
show("child", child.status(), child.name(), child.is_running())
child.suspend()
for _ in range(100):
    if child.status() == "stopped":
        break
    time.sleep(0.05)
show("stopped", child.status(), child.status())
child.resume()
child.terminate()
gone, alive = psutil.wait_procs([child], timeout=60)
show("gone", [x.returncode for x in gone], len(alive), child.is_running())
print(sorted({p.info["username"] for p in psutil.process_iter(["pid", "name", "username", "status", "memory_info"])}))
print("-- whole")
