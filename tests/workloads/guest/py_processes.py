import errno, fcntl, os, pty, resource, select, signal, subprocess, sys, tempfile, time
from subprocess import PIPE, STDOUT

print(subprocess.run(["echo", "hi"], capture_output=True, text=True))
print(subprocess.run("exit 3", shell=True).returncode, subprocess.run("kill -9 $$", shell=True).returncode)
print(subprocess.run(["cat"], input=b"x" * 1000000, stdout=PIPE).stdout.count(b"x"))
p = subprocess.Popen(["tr", "a-z", "A-Z"], stdin=PIPE, stdout=PIPE, stderr=STDOUT, text=True, bufsize=1)
print(p.communicate("hello\n", timeout=10), p.returncode)
try:
    subprocess.run(["sleep", "10"], timeout=0.2)
except subprocess.TimeoutExpired as e:
    print("timeout", e.cmd)
for bad in (["/nonexistent"], ["/etc/passwd"], ["/"]):
    try:
        subprocess.run(bad)
    except OSError as e:
        print(type(e).__name__, errno.errorcode[e.errno], e.filename)
p = subprocess.Popen(["sh", "-c", "trap 'echo term; exit 5' TERM; echo ready; while :; do sleep 0.05; done"], stdout=PIPE, start_new_session=True)
print(p.stdout.readline(), os.getsid(p.pid) == p.pid, os.getpgid(p.pid) == p.pid)
p.terminate(); print(p.communicate(), p.returncode)
a = subprocess.Popen(["seq", "1000"], stdout=PIPE); b = subprocess.Popen(["grep", "7"], stdin=a.stdout, stdout=PIPE); c = subprocess.Popen(["wc", "-l"], stdin=b.stdout, stdout=PIPE)
a.stdout.close(); b.stdout.close(); print(c.communicate()[0].split(), a.wait(), b.wait())
print(subprocess.run(["sh", "-c", "pwd; echo $X; umask; id -u; ulimit -n"], cwd="/usr", env={"X": "y"}, umask=0o77, user=1000, group=1000, extra_groups=[], capture_output=True, text=True,
                     preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))).stdout.split())
r, w = os.pipe(); print(subprocess.run(["sh", "-c", f"echo passed >&{w}"], pass_fds=[w]).returncode, os.read(r, 99))
print(subprocess.run(["sh", "-c", f"echo x >&{w}"], capture_output=True).returncode)
ps = [subprocess.Popen(["sh", "-c", f"sleep 0.0{i}; exit {i}"]) for i in range(9)]; print([x.wait() for x in ps])
print(subprocess.getstatusoutput("echo out; exit 2"), os.system("exit 4") >> 8, os.popen("echo popen").read())

pid = os.fork()
if pid == 0:
    os._exit(17)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    while True: os.wait()  # of orphans, where this is process 1
except ChildProcessError as e:
    print("no child", errno.errorcode[e.errno])
pid = os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "30"])
os.kill(pid, signal.SIGSTOP); i = os.waitid(os.P_PID, pid, os.WSTOPPED); print(i.si_code == os.CLD_STOPPED, i.si_status)
os.kill(pid, signal.SIGCONT); i = os.waitid(os.P_PID, pid, os.WCONTINUED); print(i.si_code == os.CLD_CONTINUED)
print(os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG)); os.kill(pid, 15)
i = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT); print(i.si_code == os.CLD_KILLED, i.si_status, i.si_signo == signal.SIGCHLD, os.wait3(0)[1])
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "echo spawned; exit 6"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 1, 2)], setsigmask=[signal.SIGUSR1], setpgroup=0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
try:
    fd = os.pidfd_open(os.getpid()); os.close(fd); print("pidfd")
except OSError as e:
    print("pidfd", errno.errorcode[e.errno])
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "tty; stty size; read x; echo got $x"])
out = b""
os.write(fd, b"line\n")
try:
    while True:
        out += os.read(fd, 1000)
except OSError as e:
    print(errno.errorcode[e.errno])
print(out.replace(b"\r", b"").split(b"\n")[1:], os.waitpid(pid, 0)[1])
usage = resource.getrusage(resource.RUSAGE_CHILDREN); print(usage.ru_utime + usage.ru_stime > 0, usage.ru_maxrss > 0)
signal.signal(signal.SIGCHLD, lambda *a: print("chld")); subprocess.run(["true"]); signal.signal(signal.SIGCHLD, signal.SIG_DFL)
children = []
for i in range(200):
    pid = os.fork()
    if pid == 0:
        os._exit(i)
    children.append(pid)
print(sum(os.waitpid(p, 0)[1] >> 8 for p in children) == sum(range(200)))
sys.stdout.flush(); os.dup2(os.open("/tmp/replaced", os.O_CREAT | os.O_RDWR), 7)
os.execvpe("sh", ["sh", "-c", "echo executed $0 $A; test -e /proc/self/fd/7 && echo open", "zero"], {"A": "b", "PATH": "/bin"})
