"""Tools that look at the machine, move trees and let users in: they find in a sandbox what they find natively."""
import re, time

from harness import check, workload
from w_terminal import PROMPT, shell


def both(r):
    check(r.out.endswith("-- whole\n"), "the script did not come to its end, natively neither:\n" + r.out[-1500:] + r.err[-1500:])
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full")
def psutil(t):
    """python3-psutil: everything it tells of the machine, of processes, of their files, sockets, threads"""
    return both(t.same("/usr/bin/python3", "/guest/psutil_all.py"))


@workload("full")
def system_tools(t):
    """lscpu, lsblk, lsmem, lsns, lsipc, lslocks, findmnt, mount, df, free, ip, ss, lsof, fuser, systemd-detect-virt, sysctl"""
    r = t.good(r"""exec 2>&1
        part() { echo "-- $1"; shift; "$@"; echo "status $?"; }
        exec 7</etc/hostname 8>/tmp/held; nc -l 127.0.0.1 4321 & sleep 0.5; flock /tmp/held sleep 60 & ipcmk -S 3 >/dev/null; ipcmk -M 5000 >/dev/null
        part lscpu lscpu; part lscpu-e lscpu -e=cpu,online; part lsblk lsblk; part lsmem sh -c 'lsmem || true'; part lsns lsns; part lsipc lsipc -s; part lslocks lslocks
        part findmnt findmnt; part findmnt-t findmnt -n -o SOURCE,FSTYPE,TARGET -T /proc/self; part mount mount; part df df -a; part df-i df -i /tmp; part free free -b -w; part swapon swapon --show
        part ip ip -br addr; part link ip -s link show lo; part route ip route show table local; part neigh ip neigh; part rule ip rule; part ss ss -Hlntp; part ss-x ss -xa; part ss-i ss -tnai
        part lsof lsof -p $$; part lsof-i lsof -nP -i; part lsof-file lsof /tmp/held; part lsof-all sh -c 'lsof | wc -l'; part fuser fuser -v /tmp/held
        part virt systemd-detect-virt; part virt-c systemd-detect-virt -c; part nproc nproc; part uname uname -sm; part uptime uptime -p; part sysctl sysctl kernel.ostype vm.overcommit_memory net.ipv4.ip_forward fs.file-max
        part sysctl-a sh -c 'sysctl -a 2>&1 | grep -c ='; part vmstat vmstat -s; part mpstat cat /proc/stat; part who who; part last sh -c 'last -1 | wc -l'; part dmesg sh -c 'dmesg >/dev/null 2>&1; true'; part getconf getconf _NPROCESSORS_ONLN
        part prlimit prlimit; part ipcs ipcs -a; part cap capsh --print; part hostname hostname -f; part lsattr sh -c 'lsattr -d /tmp || true'; part slabtop sh -c 'head -1 /proc/slabinfo || true'; part pidstat cat /proc/self/stat
        kill %1 %2; wait""")
    part = dict(re.findall(r"^-- (\S+)\n(.*?)(?=^-- |\Z)", r.out, re.S | re.M))
    wanted = {
        "lscpu": r"Architecture: +x86_64\n(.*\n)*CPU\(s\): +\d+\n(.*\n)*Vendor ID: +\w+\n(.*\n)*Model name: +\S", "lscpu-e": r"0 +yes", "lsns": r"mnt.*net|net.*mnt", "lsipc": r"SEM|KEY", "lslocks": r"FLOCK +(\S+ +)?WRITE .*/tmp",
        "findmnt": r"^TARGET.*\n/ .*\n.*/proc +proc +proc", "findmnt-t": r"proc +proc +/proc", "mount": r"proc on /proc type proc \(rw", "df": r"/tmp\n", "df-i": r"/tmp\n", "free": r"Mem: +[1-9]\d+",
        "ip": r"lo +(UNKNOWN|UP) +127.0.0.1/8 ::1/128", "link": r"RX: +bytes", "route": r"local 127.0.0.1 dev lo", "rule": r"0:\s+from all lookup local", "ss": r'127.0.0.1:4321 .*"nc",pid=\d+,fd=\d', "ss-x": r"Netid|u_str|^status 0",
        "lsof": r"cwd +DIR.*\n(.*\n)*.*txt +REG.*/bash\n(.*\n)*.* 7r +REG.*/etc/hostname\n.* 8w +REG.*/tmp/held", "lsof-i": r"nc +\d+ +root +\du +IPv4 .* TCP 127.0.0.1:4321 \(LISTEN\)", "lsof-file": r"bash .*/tmp/held", "fuser": r"root +\d+ F?\S* +bash",
        "uname": r"Linux x86_64", "sysctl": r"kernel.ostype = Linux\nvm.overcommit_memory = \d\nnet.ipv4.ip_forward = \d\nfs.file-max = \d+", "vmstat": r"K total memory", "mpstat": r"^cpu  .*\ncpu0 .*(.*\n)*intr .*\nctxt \d+\nbtime \d+\nprocesses \d+\nprocs_running \d+",
        "prlimit": r"NOFILE +max number of open files", "ipcs": r"Semaphore Arrays", "cap": r"Current: =.*ep", "hostname": r"^(warren|localhost)$", "nproc": r"^\d+",
    }
    for name, want in wanted.items():
        check(name in part and re.search(want, part[name], re.M), f"{name} does not show '{want}':\n{part.get(name)}")
    for name in set(part) - {"lsblk", "swapon", "virt", "virt-c", "hostname", "lslocks"}:
        check(part[name].endswith("status 0\n") or name == "pidstat", f"{name} ends with another status: " + part[name][-300:])
    count = int(part["sysctl-a"].split()[0])
    check(count > 50, f"sysctl -a shows {count} values")


@workload("full")
def htop(t):
    """htop: shows processes, threads, a tree; kills one; quits"""
    term = shell(t, size=(40, 120))
    term.send("sleep 1234 &\r")
    term.expect(PROMPT)
    term.send("htop -d 5\r")
    term.expect("Load average")
    term.expect("sleep 1234")
    term.send("t")
    term.expect("htop")
    term.send("\\sleep 1234\r")
    time.sleep(1)
    term.send("k\r")
    time.sleep(1)
    term.send("q")
    term.expect(PROMPT)
    term.send("wait %1; echo ended $?; exit 0\r")
    term.expect(r"ended (143|127)\r\n")
    check(term.end() == 0, "the shell did not end well")


@workload("full")
def tmux(t):
    """tmux: windows, panes, copying, detached and attached again, resized, its server ended"""
    term = shell(t, size=(30, 100))
    term.send("tmux -f /dev/null new -s one\r")
    term.expect(r"\[one\]")
    term.send("echo in-$((20 + 3)); tty\r")
    term.expect("in-23")
    term.send("\x02%")  # a pane beside it
    time.sleep(0.7)
    term.send("echo right-$((1 + 1)) $(tput cols)\r")
    term.expect(r"right-2 \d+")
    term.send("\x02c")
    term.expect(r"1:")
    term.send("echo window-$((5 + 5)); seq 100\r")
    term.expect("window-10")
    term.send("\x02d")
    term.expect(r"detached \(from session one\)")
    term.expect(PROMPT)
    term.send("tmux ls; tmux list-panes -s -t one | wc -l; tmux send-keys -t one:0.0 'echo sent > /work/sent' Enter; sleep 1; cat sent; tmux capture-pane -p -t one:0.0 | grep -c in-23\r")
    term.expect(r"one: 2 windows.*\n3\r\nsent\r\n1\r\n")
    term.expect(PROMPT)
    term.send("tmux attach -t one\r")
    term.expect(r"\[one\]")
    term.resize(45, 130)
    term.send("clear; stty size\r")
    term.expect(r"44 130")
    term.send("exit\r")
    time.sleep(0.5)
    term.send("\x02d")
    term.expect(PROMPT)
    term.send("tmux kill-server; sleep 0.5; tmux ls; pgrep -c tmux; exit 0\r")
    term.expect(r"no server running|error connecting")
    term.expect("\n0\r\n")
    check(term.end() == 0, "the shell did not end well")


@workload("full")
def screen(t):
    """screen: windows, detached and attached again, a command sent from outside, ended"""
    term = shell(t, size=(30, 100))
    term.send("mkdir -m 700 /tmp/screens; export SCREENDIR=/tmp/screens; SHELL=/bin/sh screen -S one\r")
    term.expect(PROMPT)
    term.send("echo in-$((20 + 3))\r")
    term.expect("in-23")
    term.send("\x01c")
    time.sleep(0.7)
    term.send("echo second-$((2 + 2)); tty\r")
    term.expect(r"second-4\s+/dev/pts/\d")
    term.send("\x01d")
    term.expect("detached")
    term.expect(PROMPT)
    term.send("screen -ls; screen -S one -p 0 -X stuff 'echo sent > /work/sent\\n'; sleep 1; cat sent\r")
    term.expect(r"\d+\.one.*Detached.*sent\r\n")
    term.expect(PROMPT)
    term.send("screen -r one\r")
    time.sleep(1)
    term.send("\x010")
    time.sleep(0.5)
    term.send("echo back-$((3 + 3))\r")
    term.expect("back-6")
    term.send("exit\r")
    time.sleep(0.5)
    term.send("exit\r")
    term.expect("terminating")
    term.expect(PROMPT)
    term.send("screen -ls | head -1; exit\r")
    term.expect("No Sockets found")
    term.end()


@workload("full")
def vim(t):
    """vim with its runtime: syntax, a swap file recovered, jobs and channels, a terminal window, a filter, encryption off, undo file"""
    term = shell(t, size=(30, 100))
    term.send("printf 'int main(void)\\n{\\n\\treturn 7;\\n}\\n' > f.c; vim -u NONE -N f.c\r")
    term.expect('"f.c" 4L')
    term.send(":syntax on | set undofile undodir=/tmp\r")
    term.send(":%!sort -r\r")
    time.sleep(0.5)
    term.send("u:w\r")
    term.expect("written")
    term.send(":let r = system('echo from-the-shell; exit 3') | echo trim(r) . v:shell_error\r")
    term.expect("from-the-shell3")
    term.send(":let j = job_start(['sh', '-c', 'echo from-a-job; read x; echo got-$x'], {'out_io': 'buffer', 'out_name': 'o'}) | call ch_sendraw(j, \"line\\n\") | sleep 1 | echo join(getbufline('o', 1, '$'))\r")
    term.expect("from-a-job got-line")
    term.send(":terminal ++close sh -c 'echo in-a-terminal; sleep 1'\r")
    term.expect("in-a-terminal")
    time.sleep(2)
    term.send("\x1bGonot saved\x1b:preserve\r")
    time.sleep(1)
    term.send(":!kill -9 $PPID\r")
    term.expect(r"Killed")
    term.expect(PROMPT)
    term.send("stty sane; vim -u NONE -N -r f.c -c 'w! g.c | q!' </dev/null >/dev/null 2>&1; tail -1 g.c; gcc -x c -o f f.c && ./f; echo $?; exit\r")
    term.expect(r"not saved\r\n7\r\n")
    term.end()


@workload("full", timeout=180)
def rsync(t):
    """rsync: attributes, deletion, deltas, sparse files, links to a former copy, a daemon over loopback"""
    return both(t.same("bash /guest/rsync.sh /tmp"))


@workload("full")
def xattrs(t):
    """setfattr, setfacl, setcap; tar and cp that keep them, on tmpfs and on a gofer tree"""
    a = t.same("bash /guest/xattrs.sh /tmp")
    both(t.same("bash /guest/xattrs.sh /work"))  # where a host's tree keeps no trusted.*
    return both(a)


@workload("full", timeout=180)
def sudo_su(t):
    """useradd, passwd, su, sudo with and without passwords, setpriv, file capabilities, through PAM"""
    return both(t.same("bash /guest/sudo.sh", writable=True))


@workload("full", timeout=180)
def sshd(t):
    """sshd: commands, users, terminals, scp, sftp, forwarding, a shared connection, an agent, refusals"""
    return both(t.same("bash /guest/sshd.sh", writable=True))


@workload(slow=True)
def load_average(t):
    """/proc/loadavg, uptime and sysinfo(2) after ten seconds of three busy processes"""
    r = t.good("cat /proc/loadavg; for i in 1 2 3; do timeout 11 sh -c 'while :; do :; done' & done; sleep 10.5; cat /proc/loadavg; uptime; wait; sleep 6; cat /proc/loadavg; head -1 /proc/stat")
    lines = r.out.split("\n")
    first, busy, rest = (float(lines[i].split()[0]) for i in (0, 1, 3))
    check(first < busy < 3, f"the load was {first}, then {busy}")
    check(0 < rest, f"the load is gone at once: {rest}")
    check(f"load average: {lines[1].split()[0]}" in lines[2], lines[2])
    return f"{busy}, then {rest}"
