"""A sandbox that can be checkpointed and restored, spoken to over the control protocol."""
import array, json, os, select, socket, subprocess, sys, tempfile, time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(here) + "/control")
from harness import BIN, TOP, ROOTFS, TIMEOUT, Client, Sentry


class Box(Sentry):
    """Sentry with its streams kept, so that another can take them over."""
    def __init__(self, overlay=None, **options):
        self.overlay = overlay
        super().__init__(**options)

    def create(self, name, read_only=True, mounts=(), trees=()):
        if not self.overlay:
            return super().create(name, read_only, mounts, trees)
        sockets = [self.gofer(tree) for tree in [self.root] + [self.overlay] * (self.overlay != "memory")]
        answer = self.ask("create", [s.fileno() for s in sockets], container=name, hostname="box", root={
            "gofer": 0, "overlay": "memory" if self.overlay == "memory" else {"gofer": 1}})
        for s in sockets:
            s.close()
        return answer

    def start(self, *argv, tty=False, **fields):
        """Starts a process; its name. self.input, self.output: our ends."""
        if tty:
            ours, theirs = socket.socketpair()
            answer = self.ask("exec", [theirs.fileno()], container="c", argv=list(argv), tty=True, cols=80, rows=24,
                              env=["PATH=/usr/bin:/bin", "TERM=dumb", "PS1=$ "], **fields)
            theirs.close()
            self.terminal = ours
            self.output = self.input = ours.fileno()
        else:
            pipes = [os.pipe(), os.pipe(), os.pipe()]
            answer = self.ask("exec", [pipes[0][0], pipes[1][1], pipes[2][1]], argv=list(argv),
                              **{"container": "c", "env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"], **fields})
            for fd in (pipes[0][0], pipes[1][1], pipes[2][1]):
                os.close(fd)
            self.input, self.output, self.errors = pipes[0][1], pipes[1][0], pipes[2][0]
        assert answer["ok"], answer
        self.process = answer["process"]
        return self.process

    def type(self, text):
        os.write(self.input, text.encode())

    def expect(self, text, timeout=30):
        """Reads output until `text` is in it; what was read."""
        got, end = b"", time.monotonic() + timeout
        while text.encode() not in got:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.output], [], [], left)[0]:
                raise AssertionError(f"wanted {text!r}, got {got!r}; log: {self.logged()!r}")
            chunk = os.read(self.output, 65536)
            if not chunk:
                raise AssertionError(f"wanted {text!r}, got {got!r} and the end; log: {self.logged()!r}")
            got += chunk
        return got.decode(errors="replace")

    def checkpoint(self, folder, pages=None):
        """Writes the image; the answer. `pages`: another file for them."""
        flags = os.O_CREAT | os.O_TRUNC | os.O_RDWR
        fds = [os.open(name, flags, 0o600) for name in (pages or folder + "/pages", folder + "/manifest")]
        answer = self.ask("checkpoint", fds, pages=0, manifest=1)
        for fd in fds:
            os.close(fd)
        return answer


class Restored(Box):
    """A new sentry made from an image. `what`: the answer to the checkpoint."""
    def __init__(self, folder, what, root=ROOTFS, overlay=None, boot_only=False, trees=None):
        """`trees`: the host's folders by number, where they are more than a root and its overlay."""
        self.overlay, self.trees = overlay, trees
        files = [os.open(f"{folder}/{name}", os.O_RDONLY) for name in ("manifest", "pages")]
        for fd in files:
            os.set_inheritable(fd, True)
        try:
            self.boot(files, root)
        finally:
            for fd in files:
                os.close(fd)
        if not boot_only:
            try:
                answer = self.resume(what)
            except (OSError, EOFError) as e:
                answer = {"ok": False, "error": str(e)}
            assert answer["ok"], (answer, self.logged())

    def boot(self, files, root):
        self.folder = tempfile.TemporaryDirectory(prefix="warren-restore-")
        self.path, self.root, self.gofers = self.folder.name + "/socket", root, []
        self.log = open(self.folder.name + "/log", "w+b", buffering=0)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(16)
        ready, theirs = os.pipe()
        self.starter = subprocess.Popen(
            [BIN + "/warren-sentry", "--control-fd", str(listener.fileno()), "--ready-fd", str(theirs), "--log-fd",
             str(self.log.fileno()), "--id", "restored", "--image-manifest", str(files[0]), "--image-pages", str(files[1])],
            pass_fds=(listener.fileno(), theirs, self.log.fileno(), *files), stdin=subprocess.DEVNULL)
        os.close(theirs)
        listener.close()
        with os.fdopen(ready) as f:
            self.ready = json.loads(f.readline())
        self.starter.wait(TIMEOUT)
        if not self.ready.get("ready"):
            self.log.close()
            self.folder.cleanup()
            raise RuntimeError(self.ready.get("error"))
        self.keeper = self.ready["keeper_pid"]
        Client.__init__(self, self.path)

    def resume(self, what):
        fds, gofers, streams = [], [], []
        for tree in what["gofers"]:
            s = self.gofer(self.trees[tree] if self.trees else self.overlay if tree else self.root)
            gofers.append({"tree": tree, "fd": len(fds)})
            fds.append(s.detach())
        for stream in what["streams"]:
            if stream["stream"] == 3:
                ours, theirs = socket.socketpair()
                self.terminal, theirs = ours, theirs.detach()
                self.input = self.output = ours.fileno()
            elif stream["stream"] == 0:
                theirs, self.input = os.pipe()
            elif stream["stream"] == 1:
                self.output, theirs = os.pipe()
            else:
                self.errors, theirs = os.pipe()
            streams.append({**stream, "fd": len(fds)})
            fds.append(theirs)
            self.process = stream["process"]
        answer = self.ask("restore", fds, gofers=gofers, streams=streams)
        for fd in fds:
            os.close(fd)
        return answer
