"""The world of the peer tests: a sandbox on a TAP device, a router, and Linux with the same programs, all in namespaces of their own.

    sandbox eth0 10.9.0.2 fd09::2 --TAP-- 10.9.0.1 fd09::1 router 10.8.0.1 fd08::1 --veth-- 10.8.0.2 fd08::2 Linux

The router is where this script runs. Both sides see the same root file system (each over a tree of its own that takes the writes), a folder
/work of their own on this host, and the programs of tests/network/side in /work/side. Nothing of the host's is touched, and the end of this
script, however it comes, ends everything: it is process 1 of a PID namespace."""
import fcntl, os, shutil, signal, struct, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [TOP + "/tests/control", TOP + "/tests/lib"]
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C", "TERM": "dumb"}
TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454ca, 0x400454d0, 0x400454d8
VNET_SIZE = 12


def enter():
    """Runs this script again in namespaces of its own."""
    if os.environ.get("WARREN_PEER_WORLD") == "1":
        return
    os.environ["WARREN_PEER_WORLD"] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private",
                          sys.executable, *sys.argv])


def host(*argv):
    r = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {r.stdout.strip()}")
    return r.stdout


class Failed(Exception):
    pass


class Process:
    """A command on one of the sides; its output is gathered."""
    def __init__(self, side, command):
        self.side, self.command, self.out, self.code = side, command, b"", None
        self.ended = threading.Event()

    def gather(self, fd):
        while chunk := os.read(fd, 65536):
            self.out += chunk
        os.close(fd)

    def text(self):
        return self.out.decode(errors="replace")

    def wait(self, timeout):
        if not self.ended.wait(timeout):
            self.kill()
            raise Failed(f"stuck on {self.side.name} after {timeout} s: {self.command}: {self.text()[-300:]}")
        return self.code


class LinuxProcess(Process):
    def __init__(self, side, command):
        super().__init__(side, command)
        ours, theirs = os.pipe()
        self.p = subprocess.Popen([*side.prefix, "sh", "-c", command], env=ENV, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                  start_new_session=True)
        os.close(theirs)
        threading.Thread(target=self.follow, args=(ours,), daemon=True).start()

    def follow(self, fd):
        self.gather(fd)
        self.code = self.p.wait()
        self.ended.set()

    def kill(self, sig=signal.SIGKILL):
        try:
            os.killpg(self.p.pid, sig)
        except ProcessLookupError:
            pass


class GuestProcess(Process):
    def __init__(self, side, command):
        from harness import Client
        super().__init__(side, command)
        self.client = Client(side.sentry.path)
        self.client.socket.settimeout(None)
        nothing = os.open("/dev/null", os.O_RDONLY)
        ours, theirs = os.pipe()
        answer = self.client.ask("exec", [nothing, theirs, theirs], container="c", argv=["sh", "-c", command],
                                 env=[f"{k}={v}" for k, v in ENV.items()])
        os.close(nothing)
        os.close(theirs)
        if not answer["ok"]:
            raise Failed(f"exec: {answer}")
        self.process = answer["process"]
        threading.Thread(target=self.follow, args=(ours,), daemon=True).start()

    def follow(self, fd):
        try:
            self.gather(fd)
            end = self.client.ask("wait", process=self.process, release=True)["exit"]
            self.code = end["code"] if "code" in end else -end["signal"]
        except (OSError, EOFError, KeyError) as e:
            self.code, self.out = -99, self.out + f" the sentry: {e}".encode()
        self.client.close()
        self.ended.set()

    def kill(self, sig=signal.SIGKILL):
        self.side.sentry.ask("signal", process=self.process, signal=sig, group=True)


class Side:
    def __init__(self, name, v4, v6, work):
        self.name, self.v4, self.v6, self.work = name, v4, v6, work
        self.running = []
        os.mkdir(work)
        shutil.copytree(HERE + "/side", work + "/side")

    def start(self, command):
        p = self.process(self, command)
        self.running.append(p)
        return p

    def sh(self, command, timeout=60):
        p = self.start(command)
        code = p.wait(timeout)
        self.running.remove(p)
        if code:
            raise Failed(f"status {code} on {self.name}: {command[:200]}: {p.text()[-600:].strip()}")
        return p.text()

    def serve(self, command, port, kind="t"):
        """Starts a server and waits until something listens on the port (kind u: UDP)."""
        p = self.start(command)
        for _ in range(300):
            if p.ended.is_set():
                raise Failed(f"ended on {self.name} with status {p.code}: {command[:200]}: {p.text()[-600:].strip()}")
            try:
                if self.sh(f"ss -Hln{kind} sport = :{port}"):
                    return p
            except Failed:
                pass
            time.sleep(0.1)
        raise Failed(f"nothing listens on port {port} of {self.name}: {command[:200]}: {p.text()[-600:].strip()}")

    def stop(self):
        """Ends what a case has left running."""
        for p in self.running:
            if not p.ended.is_set():
                p.kill()
        for p in self.running:
            if not p.ended.wait(30):
                raise Failed(f"cannot be killed on {self.name}: {p.command[:200]}")
        self.running = []

    def has(self, program):
        return self.start(f"command -v {program} || ls /usr/lib/postgresql/*/bin/{program}").wait(60) == 0

    def address(self, family):
        return self.v4 if family == 4 else self.v6


class World:
    def __init__(self, rootfs):
        self.dir = tempfile.mkdtemp(prefix="warren-peer-")
        self.rootfs = rootfs
        os.chmod(self.dir, 0o755)
        host("ip", "link", "set", "lo", "up")
        self.make_linux()
        self.make_sandbox()
        quiet = "ipv4/icmp_ratelimit 0 ipv4/icmp_msgs_per_sec 1000000 ipv6/icmp/ratelimit 0"  # traceroute asks faster than they answer
        self.sysctl([], quiet + " ipv4/ip_forward 1 ipv6/conf/all/forwarding 1")
        self.sysctl(self.in_linux, quiet)

    def make_linux(self):
        side = self.linux = Side("linux", "10.8.0.2", "fd08::2", self.dir + "/linux")
        side.process = LinuxProcess
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        pid, mine = self.holder.pid, os.readlink("/proc/self/ns/net")
        while os.readlink(f"/proc/{pid}/ns/net") == mine:
            time.sleep(0.01)
        self.in_linux = ["nsenter", "-t", str(pid), "--net", "--"]
        host("ip", "link", "add", "r0", "type", "veth", "peer", "name", "l0", "netns", str(pid))
        self.configure([], "r0", "10.8.0.1/24", "fd08::1/64")
        self.configure(self.in_linux, "lo", None, None)
        self.configure(self.in_linux, "l0", "10.8.0.2/24", "fd08::2/64")
        host(*self.in_linux, "ip", "route", "add", "default", "via", "10.8.0.1")
        host(*self.in_linux, "ip", "-6", "route", "add", "default", "via", "fd08::1")
        root, upper = self.dir + "/root", self.dir + "/upper"
        os.mkdir(root), os.mkdir(upper)
        host("mount", "-t", "tmpfs", "none", upper)
        os.mkdir(upper + "/u"), os.mkdir(upper + "/w")
        host("mount", "-t", "overlay", "none", "-o", f"lowerdir={self.rootfs},upperdir={upper}/u,workdir={upper}/w", root)
        os.makedirs(root + "/work", exist_ok=True)
        host("mount", "--bind", side.work, root + "/work")
        host("mount", "-t", "proc", "none", root + "/proc")
        host("mount", "--rbind", "/dev", root + "/dev")
        side.prefix = [*self.in_linux, "chroot", root]
        side = self.router = Side("router", "10.8.0.1", "fd08::1", self.dir + "/router")
        side.process, side.prefix = LinuxProcess, ["chroot", root]

    def make_sandbox(self):
        from harness import Sentry
        side = self.guest = Side("sandbox", "10.9.0.2", "fd09::2", self.dir + "/sandbox")
        side.process = GuestProcess
        self.tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH22x", b"t0", 0x2 | 0x1000 | 0x4000))
        fcntl.ioctl(self.tap, TUNSETVNETHDRSZ, struct.pack("i", VNET_SIZE))
        fcntl.ioctl(self.tap, TUNSETOFFLOAD, 0x1 | 0x2 | 0x4)  # checksums, segments of IPv4 and IPv6
        self.configure([], "t0", "10.9.0.1/24", "fd09::1/64")
        self.sentry = side.sentry = Sentry(container=False, root=self.rootfs)
        fds = [self.sentry.gofer(self.rootfs), self.sentry.gofer(side.work)]
        answer = self.sentry.ask("create", [fds[0].fileno(), fds[1].fileno(), self.tap], container="c", hostname="box",
                                 root={"gofer": 0, "overlay": "memory"}, mounts=[{"target": "/work", "gofer": 1}],
                                 network={"tap": 2, "vnet_size": VNET_SIZE, "address": "10.9.0.2", "prefix": 24, "gateway": "10.9.0.1",
                                          "mtu": 1500, "mac": "02:57:00:00:00:02", "dns": []})
        for fd in fds:
            fd.close()
        if not answer["ok"]:
            raise RuntimeError(f"create: {answer}")
        os.close(self.tap)  # the sentry's alone from here on
        side.sh("ip -6 addr add fd09::2/64 dev eth0 nodad && ip -6 route add default via fd09::1")

    def configure(self, where, device, v4, v6):
        if v4:
            host(*where, "ip", "addr", "add", v4, "dev", device)
            host(*where, "ip", "addr", "add", v6, "dev", device, "nodad")
        host(*where, "ip", "link", "set", device, "up")

    def sysctl(self, where, settings):
        words = settings.split()
        for name, value in zip(words[::2], words[1::2]):
            host(*where, "sh", "-c", f"echo {value} > /proc/sys/net/{name}")

    def arena(self):
        """What lives in the sentry: {type: (count, bytes)}."""
        answer = self.sentry.ask("arena")
        assert answer["ok"], answer
        return {t["name"]: (t["count"], t["bytes"]) for t in answer["types"]}

    def end(self):
        for side in (self.guest, self.linux, self.router):
            side.stop()
        log = self.sentry.logged()
        self.sentry.end()
        self.holder.kill()
        subprocess.run(["umount", "-R", self.dir + "/root", self.dir + "/upper"], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)
        return log
