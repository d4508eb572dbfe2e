"""The shell, the small tools, archives, and what looks at processes."""
import re

from harness import check, workload


@workload()
def coreutils(t):
    """some 90 small commands, on tmpfs and on a gofer tree"""
    t.same("cd /tmp && sh /guest/coreutils.sh")
    t.same("cd /work && sh /guest/coreutils.sh")


@workload()
def shell_scripts(t):
    """bash and dash: pipelines, here documents, traps, substitutions, co-processes, wait"""
    a = t.same("/bin/bash", "/guest/script.bash", scrub=lambda text: re.sub(r"(of process|line 32:) +\d+", r"\1 N", text))
    b = t.same("/bin/dash", "/guest/script.dash")
    return f"{a.seconds + b.seconds:.2f} s, natively {a.native_seconds + b.native_seconds:.2f} s"


@workload()
def find_usr(t):
    """find / -xdev in every detail that find can print"""
    t.same(r"find /usr /etc /var -xdev \( -path /usr/lib/ssl -prune \) -o -printf '%p %y %m %U %G %n %l %T@ %b %k\n' | LC_ALL=C sort")
    r = t.same(r"find /usr -type f -printf '%s %p\n' | LC_ALL=C sort; find /usr -name '*.py' -newer /usr/bin/perl | wc -l; find /usr -type f -size -3k -exec cat {} + | sha256sum")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def tar_round_trip(t):
    """tar of a tree with links, holes, modes and times, onto tmpfs and a gofer tree, plain and compressed"""
    t.same("sh /guest/tar.sh /tmp && sh /guest/tar.sh /work")


@workload()
def many_files(t):
    """more files and directories than the gofer may have descriptors, more files open than the sentry may have"""
    r = t.good("/usr/bin/python3", "/guest/many_files.py", prefix=("prlimit", "--nofile=700:700"))
    check(r.out == "ENFILE\ndone []\n", r.out + r.err)


@workload()
def archives(t):
    """gzip, bzip2, xz, zstd, cpio-like pipes and checksums of a few megabytes"""
    t.same(r"""cd /tmp; seq 1 150000 > n; for z in "gzip -n" bzip2 "xz -T1" zstd; do set -- $z; $z -c n > n.$1 && $1 -dc n.$1 | cmp - n && sha256sum < n.$1; done
        split -n 7 n part. && cat part.* | cmp - n && md5sum part.* && shuf --random-source=n n | sort -n | cmp - n && sort -R --random-source=n n | head -3""")


@workload()
def processes(t):
    """ps, pgrep, pstree, top, free, uptime, vmstat, w, pidof, kill, nice, timeout, lsns"""
    r = t.good(r"""sleep 50 & (sleep 51; true) & bash -c 'exec -a daemon sleep 53' & sleep 0.3
        echo "-- ps"; ps -eo pid,ppid,pgid,sid,tty,stat,args; echo "-- aux"; ps aux; echo "-- pgrep"; pgrep -c sleep; pgrep -f daemon -l | wc -l
        echo "-- top"; top -b -n1; echo "-- free"; free -m; echo "-- uptime"; uptime; echo "-- vmstat"; vmstat; echo "-- pidof"; pidof sleep | wc -w
        echo "-- pstree"; pstree -p 1; echo "-- pmap"; pmap $$ | tail -1; echo "-- w"; w -h; pkill -f daemon; kill %1 %2; wait; echo "-- left"; pgrep -c sleep
        echo "-- threads"; python3 -c 'import threading,time,os
for i in range(5): threading.Thread(target=time.sleep, args=(2,)).start()
os.system("ps -o nlwp= -p %d; ps -T -p %d | wc -l" % (os.getpid(), os.getpid()))'""")
    part = dict(re.findall(r"^-- (\S+)\n(.*?)(?=^-- |\Z)", r.out, re.S | re.M))
    lines = part["ps"].split("\n")
    for want in (r"^ +1 +0 +1 +1 \? +Ss +/bin/bash -c ", r"^ +\d+ +1 +1 +1 \? +S\S* +sleep 50$", r" sleep 51$", r" daemon 53$", r"R\S* +ps -eo "):
        check(any(re.search(want, line) for line in lines), f"ps shows no line like '{want}':\n" + part["ps"])
    check(re.search(r"^root +1 +\d+\.\d +\d+\.\d +[1-9]\d* +[1-9]\d* \? ", part["aux"], re.M), "ps aux: " + part["aux"])
    check(re.match(r"3\n[345]\n", part["pgrep"]), "pgrep: " + part["pgrep"])  # the second: the shell and its children have it in their arguments
    check(re.search(r"Tasks: +\d+ total", part["top"]) and re.search(r"^ +1 root ", part["top"], re.M) and "%Cpu(s):" in part["top"], "top: " + part["top"])
    total, used, free = map(int, re.search(r"^Mem: +(\d+) +(\d+) +(\d+)", part["free"], re.M).groups())
    check(total > 100 and used < total and free <= total, "free: " + part["free"])
    check("load average" in part["uptime"], "uptime: " + part["uptime"])
    check(len(part["vmstat"].split("\n")[2].split()) >= 17, "vmstat: " + part["vmstat"])
    check(part["pstree"].startswith("bash(1)-+-"), "pstree: " + part["pstree"])
    check(re.search(r"total +\d+K", part["pmap"]), "pmap: " + part["pmap"])
    check(part["left"].strip() == "1", "pgrep after pkill: " + part["left"])  # sleep 51, whose parent died
    check(part["threads"].split() == ["6", "7"], "threads: " + part["threads"])
