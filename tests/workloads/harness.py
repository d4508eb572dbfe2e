"""What the workloads share: a command run in a sandbox and natively (a chroot of the same tree), and terminals.

A workload is a function with the decorator @workload. It gets a Trial: a fresh work folder, shown as /work in the
sandbox (a gofer tree), beside /tmp (tmpfs) and /guest (tests/workloads/guest, read-only); it raises Failure (fail,
check, same) or Skip. The root file system is read-only, so that no workload changes it for the next; with
writable=True it has an overlay in memory (natively: in the trial's folder).
"""
import atexit, fcntl, os, pty, re, select, shutil, signal, struct, subprocess, sys, tempfile, termios, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, TOP + "/tests/lib")
import rootfs as trees

BIN = os.environ.get("WARREN_BIN") or TOP + "/build/bin"
WORKLOADS = {}
ENV = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/work", "LC_ALL": "C.UTF-8", "TERM": "xterm"}


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def workload(kind="base", slow=False, timeout=120):
    """Registers a workload. kind: the root file system it needs; slow: only with --all; timeout: of each of its commands."""
    def register(function):
        name = function.__name__
        assert name not in WORKLOADS, name
        WORKLOADS[name] = (function, kind, slow, timeout)
        return function
    return register


class Result:
    def __init__(self, status, out, err, seconds):
        self.status, self.out, self.err, self.seconds = status, out, err, seconds


def tail(text, lines=25):
    return "\n".join("    | " + line for line in text.rstrip().split("\n")[-lines:])


# Mounts of the native run, in a mount and PID namespace of its own.
CHROOT = r"""
mount --make-rprivate / &&
if [ "$4" ]; then mkdir "$4/upper" "$4/scratch" "$4/root" && mount -t overlay -o "lowerdir=$1,upperdir=$4/upper,workdir=$4/scratch" root "$4/root" && layer=$4 work=$2 guest=$3 && shift 4 && set -- "$layer/root" "$work" "$guest" "$layer" "$@"
else mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"; fi &&
mount -t proc proc "$1/proc" && mount -t sysfs -o ro sysfs "$1/sys" && mount -t tmpfs -o mode=755 dev "$1/dev" &&
mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$1/tmp" && mount --bind "$2" "$1/work" && mount --bind "$3" "$1/guest" &&
mkdir "$1/dev/pts" "$1/dev/shm" && mount -t tmpfs -o mode=1777 shm "$1/dev/shm" && mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts" &&
for d in null zero full random urandom tty; do [ -e "/dev/$d" ] || continue; touch "$1/dev/$d" && mount --bind "/dev/$d" "$1/dev/$d" || exit 120; done &&
{ [ ! -e /dev/fuse ] || mknod -m 666 "$1/dev/fuse" c 10 229 || { touch "$1/dev/fuse" && mount --bind /dev/fuse "$1/dev/fuse"; } || exit 120; } &&
ln -s pts/ptmx "$1/dev/ptmx" && ln -s /proc/self/fd "$1/dev/fd" && hostname warren && { chroot "$1" ip link set lo up || :; } && root=$1 && shift 4 && exec chroot "$root" /bin/sh -c 'cd /work && exec "$@"' sh "$@"
exit 120
"""


class Trial:
    def __init__(self, name, kind, timeout):
        self.name, self.timeout = name, timeout
        self.root = trees.find(kind)
        if not self.root:
            raise Skip(f"there is no root file system: tests/rootfs/make {kind}")
        self.base = tempfile.mkdtemp(prefix="warren-workload-", dir="/var/tmp")
        os.chmod(self.base, 0o755)
        self.work = self.base + "/work"
        self.fresh_work()

    def close(self):
        shutil.rmtree(self.base, ignore_errors=True)

    def fresh_work(self):
        """Empties /work, so that a second run finds what the first found."""
        shutil.rmtree(self.work, ignore_errors=True)
        os.mkdir(self.work)

    def argv(self, command, options=(), env=None, writable=False):
        variables = [x for k, v in {**ENV, **(env or {})}.items() for x in ("--env", f"{k}={v}")]
        return [BIN + "/warren", "run", "--rootfs", self.root, *(("--overlay", "memory") if writable else ("--read-only",)), "--hostname", "warren", "--volume", self.work + ":/work",
                "--volume", HERE + "/guest:/guest:ro", "--workdir", "/work", *variables, *options, "--", *command]

    def native_argv(self, command, writable=False):
        layer = tempfile.mkdtemp(dir=self.base) if writable else ""
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net", "/bin/sh", "-c", CHROOT, "sh", self.root, self.work, HERE + "/guest", layer, *command]

    def finish(self, argv, input, env, timeout, where):
        start = time.monotonic()
        p = subprocess.Popen(argv, stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=env, start_new_session=True)
        try:
            out, err = p.communicate(input.encode() if input is not None else None, timeout or self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, signal.SIGKILL)
            out, err = p.communicate()
            raise Failure(f"{where}: not done after {timeout or self.timeout} s; its output:\n{tail(out.decode(errors='replace'))}\n{tail(err.decode(errors='replace'))}")
        return Result(p.returncode, out.decode(errors="replace"), err.decode(errors="replace"), time.monotonic() - start)

    def sandbox(self, *command, input=None, options=(), env=None, timeout=None, writable=False, prefix=()):
        """Runs a command (one string: for /bin/bash -c) in a sandbox; prefix: a command that starts `warren run`."""
        if len(command) == 1:
            command = ("/bin/bash", "-c", command[0])
        return self.finish([*prefix, *self.argv(command, options, env, writable)], input, os.environ.copy(), timeout, "in the sandbox")

    def native(self, *command, input=None, env=None, timeout=None, writable=False):
        if len(command) == 1:
            command = ("/bin/bash", "-c", command[0])
        return self.finish(self.native_argv(command, writable), input, {**ENV, **(env or {})}, timeout, "natively")

    def good(self, *command, **more):
        """In the sandbox, with a status of 0; the Result."""
        result = self.sandbox(*command, **more)
        if result.status:
            raise Failure(f"status {result.status}; its output:\n{tail(result.out)}\n{tail(result.err)}")
        return result

    def same(self, *command, scrub=lambda text: text, fresh=True, **more):
        """Natively and in the sandbox: the same status, output and errors, after scrub. The sandbox's Result."""
        options = more.pop("options", ())
        native = self.native(*command, **more)
        if native.status == 120:
            raise Failure(f"the native run could not be set up: {native.err}")
        if fresh:
            self.fresh_work()
        here = self.sandbox(*command, options=options, **more)
        if native.status != here.status:
            raise Failure(f"status {here.status}, natively {native.status}; its output:\n{tail(here.out)}\n{tail(here.err)}")
        for kind in ("out", "err"):
            a, b = scrub(getattr(native, kind)), scrub(getattr(here, kind))
            if a != b:
                raise Failure(f"another {'output' if kind == 'out' else 'standard error'} than natively:\n" + difference(a, b))
        here.native_seconds = native.seconds
        return here

    def terminal(self, *command, options=(), env=None, size=(24, 80)):
        return Terminal(self.argv(command, ("--tty", *options), env), size)


def difference(a, b):
    import difflib
    lines = list(difflib.unified_diff(a.split("\n"), b.split("\n"), "native", "sandbox", lineterm="", n=1))
    return "\n".join("    | " + line[:200] for line in lines[:40])


def check(condition, text):
    if not condition:
        raise Failure(text)


class Terminal:
    """A command on a pseudo-terminal of this machine, in the manner of expect(1)."""
    def __init__(self, argv, size):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.execv(argv[0], argv)
            finally:
                os._exit(127)
        atexit.register(self.kill)
        self.resize(*size)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, timeout=20):
        """Waits until the pattern matches what came since the last match; takes that away; the match."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.search(pattern, self.seen, re.S)
            if match:
                self.seen = self.seen[match.end():]
                return match
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise Failure(f"'{pattern}' did not appear on the terminal within {timeout} s; there was:\n{tail(repr(self.seen)[-1500:])}")
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                raise Failure(f"the terminal was closed before '{pattern}' appeared; there was:\n{tail(repr(self.seen)[-1500:])}")
            self.seen += data.decode(errors="replace")

    def end(self, timeout=20):
        """Reads to the end; the exit status."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError:
                    data = b""
                if not data:
                    break
                self.seen += data.decode(errors="replace")
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise Failure(f"the command did not end within {timeout} s; there was:\n{tail(repr(self.seen)[-1500:])}")

    def kill(self):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except OSError:
                pass
            self.pid = 0
