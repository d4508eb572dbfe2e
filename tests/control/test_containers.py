"""Several containers in one sandbox: each its own, and gone without a trace."""
import os, signal, socket, tempfile, threading, time, unittest

from harness import Client
from test_control import WithSentry, until


class Containers(WithSentry):
    def state(self, name):
        answer = self.s.ask("state", container=name)
        return answer["state"]["status"] if answer["ok"] else answer["error"]["errno"]

    def errno(self, op, **fields):
        answer = self.s.ask(op, **fields)
        return answer.get("error", {}).get("errno")

    def start(self, name, *argv, **fields):
        """A process whose output nobody wants."""
        answer, out, err = self.s.exec(*argv, container=name, **fields)
        os.close(out)
        os.close(err)
        return answer

    def make(self, name, **fields):
        """`create` as it is in the protocol, with any fields."""
        sock = self.s.gofer(fields.pop("tree", self.s.root))
        answer = self.s.ask("create", [sock.fileno()], container=name, root={"gofer": 0, "ro": True, **fields.pop("root", {})}, **fields)
        sock.close()
        return answer

    def test_life(self):
        """created, started, asked, stopped, deleted: and what is refused on the way"""
        self.assertTrue(self.make("d")["ok"])
        self.assertEqual(self.state("d"), "created")
        self.assertEqual(self.errno("start", container="d"), "ESRCH")
        self.assertEqual(self.errno("wait", container="d"), "ESRCH")
        self.assertEqual(self.errno("signal", container="d", signal=9), "ESRCH")
        p = self.start("d", "/bin/sh", "-c", "exit 7", init=True, hold=True)
        self.assertEqual(p["pid"], 1)
        self.assertEqual(self.state("d"), "created")
        self.assertEqual(self.start("d", "/bin/true", init=True)["error"]["errno"], "EBUSY")
        waits = self.s.send("wait", container="d")
        number = self.s.send("start", container="d")
        answers = {a["id"]: a for a in (self.s.receive(), self.s.receive())}
        self.assertTrue(answers[number]["ok"])
        self.assertEqual(answers[waits]["exit"], {"code": 7})
        self.assertEqual(self.state("d"), "stopped")
        self.assertEqual(self.errno("start", container="d"), "ESRCH")
        self.assertEqual(self.start("d", "/bin/true")["error"]["errno"], "ESRCH")
        self.assertEqual(self.s.ask("wait", container="d")["exit"], {"code": 7})
        self.assertEqual(self.s.wait(p["process"]), {"code": 7})
        self.assertEqual(self.s.ask("wait", container="d")["exit"], {"code": 7})  # though the process is released
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        self.assertEqual(self.state("d"), "ENOENT")

    def test_held_does_nothing(self):
        self.make("d", root={"overlay": "memory", "ro": False})
        self.start("d", "/bin/sh", "-c", "echo > /started; exec sleep 1000", init=True, hold=True)
        time.sleep(0.3)
        self.assertEqual(self.s.run("/bin/ls", "/started", container="d")[0], {"code": 2})
        self.assertEqual(self.state("d"), "created")
        self.assertTrue(self.s.ask("start", container="d")["ok"])
        self.assertEqual(self.errno("start", container="d"), "EALREADY")
        self.assertEqual(self.state("d"), "running")
        self.assertTrue(until(lambda: self.s.run("/bin/ls", "/started", container="d")[0] == {"code": 0}))

    def test_held_is_killed(self):
        self.make("d")
        self.start("d", "/bin/sleep", "1000", init=True, hold=True)
        self.assertTrue(self.s.ask("signal", container="d", signal=signal.SIGKILL)["ok"])
        self.assertEqual(self.s.ask("wait", container="d")["exit"], {"signal": 9, "core": False})
        self.make("e")
        self.start("e", "/bin/sleep", "1000", init=True, hold=True)
        self.assertTrue(self.s.ask("delete", container="e")["ok"])
        self.assertEqual(self.start("c", "/bin/true", hold=True)["error"]["errno"], "EINVAL")

    def test_own_namespaces(self):
        self.make("d", hostname="dd")
        ids = {}
        for name in ("c", "d"):
            ids[name] = dict(line.split("=") for line in self.s.run(
                "/bin/sh", "-c", "for n in pid mnt uts ipc net cgroup; do echo $n=$(readlink /proc/self/ns/$n); done",
                container=name)[1].decode().split())
        self.assertEqual([n for n in ids["c"] if ids["c"][n] == ids["d"][n]], ["net"])
        self.assertEqual(self.s.run("/bin/hostname", container="d")[1], b"dd\n")
        self.start("d", "/bin/sleep", "1111")
        self.assertNotIn(b"1111", self.s.run("/bin/sh", "-c", "cat /proc/[0-9]*/cmdline")[1])
        self.assertIn(b"1111", self.s.run("/bin/sh", "-c", "cat /proc/[0-9]*/cmdline", container="d")[1])

    def test_own_roots(self):
        with tempfile.TemporaryDirectory() as tree:
            os.mkdir(tree + "/x")
            self.make("d", root={"overlay": "memory", "ro": False})
            self.make("e", root={"overlay": "memory", "ro": False})
            self.assertEqual(self.s.run("/bin/sh", "-c", "echo d > /mark", container="d")[0], {"code": 0})
            self.assertEqual(self.s.run("/bin/cat", "/mark", container="e")[0], {"code": 1})
            self.assertEqual(self.s.run("/bin/cat", "/mark", container="d")[1], b"d\n")

    def test_shared_namespaces(self):
        self.make("d", hostname="dd")
        self.assertEqual(self.make("x", namespaces={"uts": "d"}, hostname="y")["error"]["errno"], "EINVAL")
        self.assertTrue(self.make("e", namespaces={"pid": "d", "uts": "d", "ipc": "d"})["ok"])
        # nobody is in d's PID namespace yet
        self.assertEqual(self.start("e", "/bin/true")["error"]["errno"], "ESRCH")
        self.start("d", "/bin/sleep", "1111", init=True)
        p = self.start("e", "/bin/sh", "-c", "sleep 2222 & exec sleep 3333", init=True)
        self.assertGreater(p["pid"], 1)
        seen = lambda text: text in self.s.run("/bin/sh", "-c", "cat /proc/[0-9]*/cmdline", container="d")[1]
        self.assertTrue(until(lambda: seen(b"2222") and seen(b"3333")))
        self.assertEqual(self.s.run("/bin/hostname", container="e")[1], b"dd\n")
        # the first process ends: so does what e has in the shared namespace, and nothing else
        self.assertTrue(self.s.ask("signal", container="e", signal=9)["ok"])
        self.assertEqual(self.s.ask("wait", container="e")["exit"], {"signal": 9, "core": False})
        self.assertTrue(until(lambda: not seen(b"2222")))
        self.assertEqual((self.state("d"), self.state("e")), ("running", "stopped"))
        # the namespace goes with its first process: both containers end
        self.make("f", namespaces={"pid": "d"})
        self.start("f", "/bin/sleep", "1000", init=True)
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        self.assertEqual(self.s.ask("wait", container="f")["exit"], {"signal": 9, "core": False})
        self.assertEqual(self.start("f", "/bin/true")["error"]["errno"], "ESRCH")
        self.assertEqual([self.s.ask("delete", container=n)["ok"] for n in "ef"], [True, True])

    def test_bad_namespaces(self):
        for namespaces, errno in (({"pid": "nope"}, "ENOENT"), ({"pid": 3}, "EINVAL"), ({"net": "c"}, "EINVAL"), ([], "EINVAL"),
                                  ({"pid": "d"}, "ENOENT")):
            self.assertEqual(self.make("d", namespaces=namespaces)["error"]["errno"], errno, namespaces)
        self.make("e")
        p = self.start("e", "/bin/true", init=True)
        self.s.wait(p["process"])
        self.assertEqual(self.make("d", namespaces={"pid": "e"})["error"]["errno"], "ESRCH")
        self.assertEqual(self.state("d"), "ENOENT")

    def test_network_is_shared(self):
        self.make("d")
        code = ("import socket,os; s=socket.socket(socket.AF_UNIX); s.bind('\\0between'); s.listen(); print('up',flush=True); "
                "c=s.accept()[0]; print(c.recv(9).decode())")
        answer, out, err = self.s.exec("python3", "-c", code, container="d")
        self.assertEqual(os.read(out, 10), b"up\n")
        self.assertEqual(self.s.run("python3", "-c", "import socket; s=socket.socket(socket.AF_UNIX); s.connect('\\0between'); s.send(b'hello')")[0],
                         {"code": 0})
        self.assertEqual(os.read(out, 10), b"hello\n")
        os.close(out)
        os.close(err)

    def test_exits_and_signals_are_separate(self):
        self.make("d")
        a, b = self.start("c", "/bin/sleep", "1000"), self.start("d", "/bin/sh", "-c", "sleep 1000; exit 3")
        self.assertTrue(self.s.ask("signal", container="c", signal=15, all=True)["ok"])
        self.assertEqual(self.s.wait(a["process"]), {"signal": 15, "core": False})
        self.assertEqual(self.state("d"), "running")
        self.assertTrue([p["running"] for p in self.s.ask("state", container="d")["state"]["processes"]], [True])
        self.assertTrue(self.s.ask("signal", process=b["process"], signal=9)["ok"])
        self.assertEqual(self.s.wait(b["process"]), {"signal": 9, "core": False})

    def test_terminals(self):
        """one for each of several processes in several containers"""
        self.make("d")
        screens = []
        for name in ("c", "d", "d"):
            ours, theirs = socket.socketpair()
            answer = self.s.ask("exec", [theirs.fileno()], container=name, argv=["/bin/sh", "-c", "tty; read x; echo got-$x"], tty=True)
            theirs.close()
            ours.settimeout(20)
            screens.append((ours, answer["process"]))
        for i, (ours, _) in enumerate(screens):
            ours.send(b"%d\n" % i)
        texts = []
        for i, (ours, process) in enumerate(screens):
            text = b""
            while chunk := ours.recv(4096):
                text += chunk
            texts.append(text.split(b"\r\n"))
            self.assertEqual(self.s.wait(process), {"code": 0})
            ours.close()
        self.assertEqual([[line for line in t if b"pts" in line] for t in texts], [[b"/dev/pts/0"], [b"/dev/pts/0"], [b"/dev/pts/1"]])
        self.assertEqual([t[-2] for t in texts], [b"got-0", b"got-1", b"got-2"])

    def test_delete_while_starting(self):
        """a removal that comes while processes start: each is there and killed, or refused; all is gone at the end"""
        other = Client(self.s.path)
        for delay in (0, 0, 0.001, 0.003, 0.01, 0.03):
            self.assertTrue(self.make("d")["ok"])
            devnull = os.open("/dev/null", os.O_RDWR)
            numbers = {other.send("exec", [devnull] * 3, container="d", argv=["/bin/sleep", "1000"]) for _ in range(8)}
            os.close(devnull)
            time.sleep(delay)
            self.assertTrue(self.s.ask("delete", container="d")["ok"])
            while numbers:
                a = other.receive()
                numbers.remove(a["id"])
                if not a["ok"]:
                    self.assertIn(a["error"]["errno"], ("ESRCH", "EBUSY", "ENOENT"))
            self.assertEqual(self.state("d"), "ENOENT")
        other.close()

    def test_delete_twice_at_once(self):
        self.make("d")
        self.start("d", "/bin/sh", "-c", "trap '' TERM; while :; do sleep 1000 & wait; done")
        clients = [Client(self.s.path) for _ in range(4)]
        for c in clients:
            c.send("delete", container="d")
        got = sorted(c.receive().get("error", {}).get("errno", "") for c in clients)
        self.assertEqual(got[0], "")
        self.assertTrue(set(got[1:]) <= {"EBUSY", "ENOENT"}, got)
        for c in clients:
            c.close()

    def test_same_name_at_once(self):
        clients = [Client(self.s.path) for _ in range(6)]
        for c in clients:
            sock = self.s.gofer(self.s.root)
            c.send("create", [sock.fileno()], container="d", root={"gofer": 0, "ro": True})
            sock.close()
        got = sorted(c.receive().get("error", {}).get("errno", "") for c in clients)
        self.assertEqual(got, [""] + ["EEXIST"] * 5)
        self.assertEqual(self.s.run("/bin/true", container="d")[0], {"code": 0})
        for c in clients:
            c.close()

    def test_unknown(self):
        for op, more in (("state", {}), ("start", {}), ("delete", {}), ("wait", {}), ("signal", {"signal": 9}), ("signal", {"signal": 9, "all": True})):
            self.assertEqual(self.errno(op, container="nope", **more), "ENOENT", op)
            self.assertEqual(self.errno(op, container="x" * 5000, **more), "ENOENT", op)
            self.assertEqual(self.errno(op, container=["c"], **more), "EINVAL", op)
            self.assertEqual(self.errno(op, **more), "EINVAL", op)
        self.assertEqual(self.errno("wait", container="c", process="p1"), "EINVAL")
        self.assertEqual(self.errno("signal", container="c", process="p1", signal=9), "EINVAL")
        self.assertEqual(self.errno("signal", container="c", signal=0), "EINVAL")
        for name in ("", "..", ".", "a/b", "a b", "\n", "x" * 64, "é"):
            self.assertEqual(self.make(name)["error"]["errno"], "EINVAL", name)

    def test_no_gofer(self):
        """the other end of the socket is closed, or nobody who speaks the protocol"""
        for words in (None, b"", b"hello", b"\0" * 4096):
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            if words is not None:
                theirs.send(words)
            theirs.close()
            self.assertFalse(self.s.ask("create", [ours.fileno()], container="d", root={"gofer": 0})["ok"])
            ours.close()
            self.assertEqual(self.state("d"), "ENOENT")
        self.assertTrue(self.make("d")["ok"])

    def test_gofer_dies_while_creating(self):
        """at whatever moment: the container is there and can be removed, or it is not there"""
        for after in (None, 0, 0.001, 0.005):
            sock = self.s.gofer(self.s.root)
            if after is None:
                self.s.gofers[-1].kill()
                self.s.gofers[-1].wait()
            number = self.s.send("create", [sock.fileno()], container="d", root={"gofer": 0, "ro": True})
            sock.close()
            time.sleep(after or 0)
            self.s.gofers[-1].kill()
            answer = self.s.receive()
            self.assertEqual(answer["id"], number)
            if answer["ok"]:
                self.assertTrue(self.s.ask("delete", container="d")["ok"])
            self.assertEqual(self.state("d"), "ENOENT")

    def test_gofer_dies_later(self):
        """its container's files are gone, its processes can be killed; others notice nothing"""
        self.make("d")
        gofer = self.s.gofers[-1]
        theirs, ours = os.pipe()
        p, out, err = self.s.exec("/bin/sh", "-c", "echo up; read x", container="d", stdin=theirs)
        self.assertEqual(os.read(out, 10), b"up\n")
        gofer.kill()
        gofer.wait()
        self.assertFalse(self.start("d", "/bin/ls", "/usr/bin")["ok"])
        self.assertEqual(self.s.run("/bin/ls", "/etc/passwd"), ({"code": 0}, b"/etc/passwd\n", b""))
        self.assertTrue(self.s.ask("signal", process=p["process"], signal=9)["ok"])
        self.assertEqual(self.s.wait(p["process"]), {"signal": 9, "core": False})
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        for fd in (ours, out, err):
            os.close(fd)

    def test_gofer_that_says_nothing(self):
        """a creation that waits for its gofer is in nobody's way, and is given up when the gofer ends"""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        other = Client(self.s.path)
        number = other.send("create", [theirs.fileno()], container="d", root={"gofer": 0})
        theirs.close()
        self.assertEqual(self.s.run("/bin/true")[0], {"code": 0})
        self.assertTrue(self.make("e")["ok"])
        ours.close()
        answer = other.receive()
        self.assertEqual((answer["id"], answer["ok"]), (number, False))
        self.assertEqual(self.state("d"), "ENOENT")
        other.close()

    def test_control_groups(self):
        """one for each container, seen as the root; it and what its processes have made in it goes with it"""
        self.make("d")
        sh = lambda text: self.s.run("/bin/sh", "-c", text, container="d")[1].decode()
        self.start("d", "/bin/sleep", "1000", init=True)
        self.assertEqual(sh("cat /proc/self/cgroup"), "0::/\n")
        self.assertIn("1\n", sh("cat /sys/fs/cgroup/cgroup.procs"))
        # as an init system does: everybody into a leaf, then controllers for the groups
        self.assertEqual(sh("cd /sys/fs/cgroup; mkdir leaf; for p in $(cat cgroup.procs); do echo $p > leaf/cgroup.procs; done 2>/dev/null; "
                            "echo +pids +memory +cpu > cgroup.subtree_control; cat cgroup.subtree_control"), "cpu memory pids\n")
        self.assertEqual(sh("cat /proc/self/cgroup"), "0::/leaf\n")
        # its own limits are not its own to change
        self.assertEqual(sh("echo 5 > /sys/fs/cgroup/pids.max || echo no") , "no\n")
        self.assertEqual(sh("echo 0 > /sys/fs/cgroup/leaf/pids.max; cat /sys/fs/cgroup/leaf/pids.max"), "")  # the shell may not fork now
        self.assertEqual(self.start("d", "/bin/true")["error"]["errno"], "EAGAIN")
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        self.assertTrue(self.make("d")["ok"])
        self.assertEqual(sh("cd /sys/fs/cgroup; ls -d leaf; cat cgroup.subtree_control pids.current"), "3\n")

    def test_limits(self):
        self.assertTrue(self.make("d", limits={"memory": 64 << 20, "pids": 20, "cpu_quota_us": 20000, "cpu_weight": 50})["ok"])
        sh = lambda text: self.s.run("/bin/sh", "-c", text, container="d")
        self.assertEqual(sh("cd /sys/fs/cgroup; cat memory.max pids.max cpu.max cpu.weight")[1], b"67108864\n20\n20000 100000\n50\n")
        # more memory than there is: only this container's process is killed
        exit, out, _ = self.s.run("python3", "-c", "a = []\nwhile True: a.append(bytearray(1 << 20))", container="d")
        self.assertEqual(exit, {"signal": 9, "core": False})
        self.assertIn(b"oom_kill 1", sh("cat /sys/fs/cgroup/memory.events")[1])
        self.assertTrue(self.s.ask("update", container="d", limits={"memory": None, "pids": None, "cpu_quota_us": None})["ok"])
        self.assertEqual(sh("cd /sys/fs/cgroup; cat memory.max pids.max cpu.max cpu.weight")[1], b"max\nmax\nmax 100000\n50\n")
        for limits in ({"memory": 0}, {"memory": "1G"}, {"pids": 0}, {"pids": 5000000}, {"cpu_quota_us": 10}, {"cpu_period_us": 2000000},
                       {"cpu_weight": 0}, {"cpu_weight": None}, {"swap": 1}, []):
            self.assertEqual(self.errno("update", container="d", limits=limits), "EINVAL", limits)
            self.assertEqual(self.make("x", limits=limits)["error"]["errno"], "EINVAL", limits)
        self.assertEqual(self.errno("update", container="nope", limits={}), "ENOENT")

    def test_nothing_stays(self):
        """objects, descriptors and gofers after twenty containers with processes, terminals and files"""
        def objects():
            return {t["name"]: t["count"] for t in self.s.ask("arena")["types"] if t["name"] not in ("stack", "struct coro", "string", "json")}
        fds = lambda: len(os.listdir(f"/proc/{self.s.pid}/fd"))

        def round(i):
            self.assertTrue(self.make("d", root={"overlay": "memory", "ro": False}, mounts=[{"target": "/mnt", "type": "tmpfs"}])["ok"])
            self.make("e", namespaces={"pid": "d"})
            self.start("d", "/bin/sh", "-c", "sleep 1000 & echo > /mnt/x; echo > /y; cd /sys/fs/cgroup; for i in 1 2 3 4 5; do mkdir x; ls x >/dev/null; echo 0 > x/cgroup.procs; mkdir x/y; done; wait", init=i % 2 == 0)
            self.start("e", "/bin/sleep", "1000", init=True, hold=i % 3 == 0)
            ours, theirs = socket.socketpair()
            self.s.ask("exec", [theirs.fileno()], container="d", argv=["/bin/sh"], tty=True)
            theirs.close()
            ours.close()
            for name in ("d", "e") if i % 2 else ("e", "d"):
                self.assertTrue(self.s.ask("delete", container=name)["ok"])
        for i in range(4):
            round(i)
        before, descriptors = objects(), fds()
        for i in range(12):
            round(i)
        less = lambda: {n: (before.get(n, 0), c) for n, c in objects().items() if c > before.get(n, 0) + 3}
        self.assertTrue(until(lambda: not less(), 15), less())
        self.assertTrue(until(lambda: fds() <= descriptors + 2), (descriptors, fds()))
        for gofer in self.s.gofers[1:]:
            self.assertEqual(gofer.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
