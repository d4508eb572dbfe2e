"""A supervisor in a few lines: starts a sentry and its gofers, and speaks the control protocol with it."""
import array, json, os, socket, struct, subprocess, sys, tempfile, threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/tests/lib")
import rootfs
BIN = os.environ.get("WARREN_LIBEXEC") or TOP + "/build/bin"
ROOTFS = rootfs.find() or "/"
TIMEOUT = 20


def alive(pid):
    """Is it there, and not merely waiting to be reaped?"""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def status(pid, field):
    with open(f"/proc/{pid}/status") as f:
        return next(line.split(None, 1)[1].strip() for line in f if line.startswith(field + ":"))


class Client:
    """One control connection."""
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(path)
        self.last = 0

    def send_bytes(self, body, fds=(), size=None):
        data = struct.pack("<I", len(body) if size is None else size) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([data], rights)
        if sent < len(data):
            self.socket.sendall(data[sent:])

    def send(self, op, fds=(), **fields):
        self.last += 1
        self.send_bytes(json.dumps({"id": self.last, "op": op, **fields}).encode(), fds)
        return self.last

    def exactly(self, size):
        data = b""
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            if not chunk:
                raise EOFError("the sentry closed the connection")
            data += chunk
        return data

    def receive(self):
        return json.loads(self.exactly(struct.unpack("<I", self.exactly(4))[0]))

    def ask(self, op, fds=(), **fields):
        number = self.send(op, fds, **fields)
        answer = self.receive()
        assert answer["id"] == number, answer
        return answer

    def close(self):
        self.socket.close()


class Sentry(Client):
    """A sandbox of its own, and one connection to it."""
    def __init__(self, *options, container=True, root=ROOTFS, read_only=True, mounts=()):
        self.folder = tempfile.TemporaryDirectory(prefix="warren-control-")
        self.path = self.folder.name + "/socket"
        self.root, self.gofers = root, []
        self.log = open(self.folder.name + "/log", "w+b", buffering=0)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(16)
        ready, theirs = os.pipe()
        self.starter = subprocess.Popen(
            [BIN + "/warren-sentry", "--control-fd", str(listener.fileno()), "--ready-fd", str(theirs), "--log-fd", str(self.log.fileno()),
             "--id", "test", *options], pass_fds=(listener.fileno(), theirs, self.log.fileno()), stdin=subprocess.DEVNULL)
        os.close(theirs)
        listener.close()
        with os.fdopen(ready) as f:
            self.ready = json.loads(f.readline())
        self.starter.wait(TIMEOUT)
        assert self.ready.get("ready"), self.ready
        self.keeper = self.ready["keeper_pid"]
        with open(f"/proc/{self.keeper}/task/{self.keeper}/children") as f:
            self.children = [int(pid) for pid in f.read().split()]
        self.pid = next(pid for pid in self.children if status(pid, "Name") == "warren-sentry")
        super().__init__(self.path)
        if container:
            answer = self.create("c", read_only=read_only, mounts=mounts)
            assert answer["ok"], answer

    def gofer(self, root):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.gofers.append(subprocess.Popen([BIN + "/warren-gofer", "--root", root, "--fd", str(theirs.fileno())],
                                            pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL))
        theirs.close()
        return ours

    def create(self, name, read_only=True, mounts=(), trees=(), **root):
        """`trees`: host directories of mounts, from descriptor 1 on; `root`: more about the root, as "overlay"."""
        sockets = [self.gofer(tree) for tree in (self.root, *trees)]
        answer = self.ask("create", [s.fileno() for s in sockets], container=name, root={"gofer": 0, "ro": read_only, **root},
                          mounts=list(mounts), hostname="box")
        for s in sockets:
            s.close()
        return answer

    def exec(self, *argv, client=None, container="c", stdin=None, **fields):
        """The answer, and our ends of stdout and stderr; stdin is a descriptor, or nothing comes."""
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        os.close(pipes[0][1])
        theirs = [pipes[0][0] if stdin is None else stdin, pipes[1][1], pipes[2][1]]
        answer = (client or self).ask("exec", theirs, container=container, argv=list(argv),
                                      **{"env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"], **fields})
        for fd in (pipes[0][0], pipes[1][1], pipes[2][1]):
            os.close(fd)
        return answer, pipes[1][0], pipes[2][0]

    def run(self, *argv, **more):
        """Exit (or the error), stdout, stderr."""
        answer, out, err = self.exec(*argv, **more)
        texts = [b"", b""]

        def drain(index, fd):
            while chunk := os.read(fd, 65536):
                texts[index] += chunk
            os.close(fd)
        thread = threading.Thread(target=drain, args=(1, err))
        thread.start()
        drain(0, out)
        thread.join()
        if not answer["ok"]:
            return answer["error"], texts[0], texts[1]
        return self.wait(answer["process"]), texts[0], texts[1]

    def wait(self, process, **more):
        answer = self.ask("wait", process=process, **{"release": True, **more})
        return answer.get("exit", answer)

    def logged(self):
        with open(self.log.name) as f:
            return f.read()

    def end(self):
        self.close()
        try:
            os.kill(self.keeper, 9)
        except ProcessLookupError:
            pass
        for gofer in self.gofers:
            gofer.wait(TIMEOUT)
        self.log.close()
        self.folder.cleanup()
