"""What supervisors ask of a sentry, and how it bears those who ask badly."""
import fcntl, json, os, select, signal, socket, struct, termios, time, unittest

from harness import Client, Sentry, alive, status


def until(condition, seconds=5):
    end = time.time() + seconds
    while not condition():
        if time.time() >= end:
            return False
        time.sleep(0.01)
    return True


class WithSentry(unittest.TestCase):
    def setUp(self):
        self.s = Sentry()
        self.addCleanup(self.s.end)


class Life(WithSentry):
    def test_confinement(self):
        uids = set()
        for pid in (self.s.keeper, *self.s.children):
            self.assertEqual(os.listdir(f"/proc/{pid}/root/"), [])
            self.assertEqual([status(pid, f) for f in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")],
                             ["0" * 16] * 3 + ["1", "2"])
            uids.add(status(pid, "Uid"))
            for name in ("pid", "mnt", "net", "ipc", "uts", "cgroup"):
                self.assertNotEqual(os.readlink(f"/proc/{pid}/ns/{name}"), os.readlink(f"/proc/self/ns/{name}"))
        self.assertEqual(len(uids), 1)
        self.assertGreater(int(uids.pop().split()[0]), 1 << 29)

    def test_shutdown(self):
        self.assertTrue(self.s.ask("shutdown")["ok"])
        self.assertTrue(until(lambda: not any(alive(p) for p in (self.s.keeper, *self.s.children))))
        self.assertEqual([g.wait(5) for g in self.s.gofers], [0])

    def test_keeper_takes_all_along(self):
        os.kill(self.s.keeper, signal.SIGKILL)
        self.assertTrue(until(lambda: not any(alive(p) for p in self.s.children)))

    def test_sentry_takes_all_along(self):
        os.kill(self.s.pid, signal.SIGKILL)
        self.assertTrue(until(lambda: not any(alive(p) for p in (self.s.keeper, *self.s.children))))
        self.assertIn("the sentry ended by signal 9", self.s.logged())

    def test_containers(self):
        self.assertEqual(self.s.create("c")["error"]["errno"], "EEXIST")
        self.assertTrue(self.s.create("d")["ok"])
        self.assertEqual(self.s.run("/bin/hostname", container="d"), ({"code": 0}, b"box\n", b""))
        answer, out, err = self.s.exec("/bin/sleep", "100", container="d")
        self.assertEqual([c["id"] for c in self.s.ask("list")["containers"]], ["c", "d"])
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        self.assertEqual(os.read(out, 1), b"")
        os.close(out)
        os.close(err)
        self.assertEqual(self.s.ask("delete", container="d")["error"]["errno"], "ENOENT")
        self.assertEqual([c["id"] for c in self.s.ask("list")["containers"]], ["c"])
        self.assertTrue(self.s.create("d")["ok"])


class Exec(WithSentry):
    def test_status_and_streams(self):
        self.assertEqual(self.s.run("/bin/sh", "-c", "echo out; echo err >&2; exit 3"), ({"code": 3}, b"out\n", b"err\n"))
        self.assertEqual(self.s.run("/bin/sh", "-c", "kill -9 $$")[0], {"signal": 9, "core": False})
        self.assertEqual(self.s.run("sh", "-c", "pwd; echo $A", cwd="/usr", env=["A=1", "PATH=/bin"])[1], b"/usr\n1\n")

    def test_errors(self):
        for argv, errno in ((["/nope"], "ENOENT"), (["/usr"], "EACCES"), (["/etc/passwd"], "EACCES"), (["nope"], "ENOENT"),
                            (["/etc/passwd/x"], "ENOTDIR")):
            self.assertEqual(self.s.run(*argv)[0]["errno"], errno, argv)
        self.assertEqual(self.s.run("/bin/true", cwd="/nope")[0]["errno"], "ENOENT")

    def test_all_output_comes_before_the_answer(self):
        exit, out, _ = self.s.run("/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done")
        self.assertEqual((exit, out), ({"code": 0}, b"".join(b"%d\n" % i for i in range(20000))))

    def test_stdin(self):
        theirs, ours = os.pipe()
        answer, out, err = self.s.exec("/bin/cat", stdin=theirs)
        for text in (b"one\n", b"two\n"):
            os.write(ours, text)
            self.assertEqual(os.read(out, 100), text)
        os.close(ours)
        self.assertEqual(self.s.wait(answer["process"]), {"code": 0})
        os.close(out)
        os.close(err)

    def test_reader_goes_away(self):
        answer, out, err = self.s.exec("/usr/bin/yes")
        self.assertEqual(os.read(out, 2), b"y\n")
        os.close(out)
        self.assertEqual(self.s.wait(answer["process"]), {"signal": 13, "core": False})
        os.close(err)

    def test_user(self):
        self.assertEqual(self.s.run("/usr/bin/id", user={"name": "daemon"})[1], b"uid=1(daemon) gid=1(daemon) groups=1(daemon)\n")
        self.assertEqual(self.s.run("/usr/bin/id", user={"uid": 12345, "gid": 7})[1], b"uid=12345 gid=7(lp) groups=7(lp)\n")
        self.assertEqual(self.s.run("/usr/bin/id", user={"name": "2:adm"})[1], b"uid=2(bin) gid=4(adm) groups=4(adm)\n")
        self.assertEqual(self.s.run("/usr/bin/id", user={"name": "nosuch"})[0]["errno"], "EINVAL")
        self.assertEqual(self.s.run("/usr/bin/id", user={"name": "root:nosuch"})[0]["errno"], "EINVAL")

    def test_signals(self):
        answer, out, err = self.s.exec("/bin/sh", "-c", "trap 'echo usr1' USR1; sleep 100 & echo go; while :; do wait; done")
        self.assertEqual(os.read(out, 10), b"go\n")
        self.s.ask("signal", process=answer["process"], signal=10)
        self.assertEqual(os.read(out, 10), b"usr1\n")
        self.assertTrue(self.s.ask("signal", process=answer["process"], signal=9, group=True)["ok"])
        self.assertEqual(self.s.wait(answer["process"]), {"signal": 9, "core": False})
        self.assertEqual(os.read(out, 10), b"")  # the sleep is gone too
        os.close(out)
        os.close(err)
        self.assertEqual(self.s.ask("signal", process=answer["process"], signal=9)["error"]["errno"], "ESRCH")

    def test_first_process_is_init(self):
        init, out, err = self.s.exec("/bin/sh", "-c", "echo $$; exec sleep 100", init=True)
        self.assertEqual(os.read(out, 10), b"1\n")
        other, out2, err2 = self.s.exec("/bin/sleep", "100")
        self.assertEqual(self.s.run("/bin/true", init=True)[0]["errno"], "EBUSY")
        self.s.ask("signal", process=init["process"], signal=9)
        self.assertEqual(self.s.wait(init["process"]), {"signal": 9, "core": False})
        self.assertEqual(self.s.wait(other["process"]), {"signal": 9, "core": False})
        self.assertEqual(self.s.run("/bin/true")[0]["errno"], "ESRCH")
        for fd in (out, err, out2, err2):
            os.close(fd)

    def test_many_wait_for_one(self):
        answer, out, err = self.s.exec("/bin/sleep", "0.2")
        other = Client(self.s.path)
        other.send("wait", process=answer["process"])
        self.assertEqual(self.s.wait(answer["process"], release=False), {"code": 0})
        self.assertEqual(other.receive()["exit"], {"code": 0})
        self.assertEqual(self.s.wait(answer["process"]), {"code": 0})
        self.assertEqual(self.s.wait(answer["process"])["error"]["errno"], "ESRCH")
        other.close()
        os.close(out)
        os.close(err)


class Terminal(WithSentry):
    def start(self, *argv, **more):
        ours, theirs = socket.socketpair()
        answer = self.s.ask("exec", [theirs.fileno()], container="c", argv=list(argv), env=["PATH=/usr/bin:/bin", "TERM=dumb"], tty=True, **more)
        theirs.close()
        self.assertTrue(answer["ok"], answer)
        ours.settimeout(10)
        self.addCleanup(ours.close)
        return ours, answer["process"]

    def read_until(self, sock, text):
        data = b""
        while text not in data:
            chunk = sock.recv(4096)
            self.assertTrue(chunk, data)
            data += chunk
        return data

    def test_size_and_name(self):
        sock, name = self.start("/bin/bash", "-c", "trap 'stty size' WINCH; tty; stty size; while :; do read -t 0.1 x && break; done; exit 5", cols=100, rows=30)
        self.read_until(sock, b"/dev/pts/0\r\n30 100\r\n")
        self.assertTrue(self.s.ask("resize", process=name, cols=90, rows=20)["ok"])
        self.read_until(sock, b"20 90\r\n")
        sock.send(b"x\r")
        self.assertEqual(self.s.wait(name), {"code": 5})
        self.read_until(sock, b"x\r\n")
        self.assertEqual(sock.recv(1), b"")

    def test_output_is_complete(self):
        sock, name = self.start("/bin/sh", "-c", "i=0; while [ $i -lt 5000 ]; do echo $i; i=$((i+1)); done")
        data = b""
        while chunk := sock.recv(65536):
            data += chunk
        self.assertEqual(data, b"".join(b"%d\r\n" % i for i in range(5000)))
        self.assertEqual(self.s.wait(name), {"code": 0})

    def test_interrupt(self):
        # exec: dash loses an interrupt between vfork and exec, natively too
        sock, name = self.start("/bin/sh", "-c", "echo go; exec sleep 100")
        self.read_until(sock, b"go\r\n")
        sock.send(b"\x03")
        self.assertEqual(self.s.wait(name), {"signal": 2, "core": False})

    def test_hang_up(self):
        sock, name = self.start("/bin/sh", "-c", "echo go; sleep 100")
        self.read_until(sock, b"go\r\n")
        sock.close()
        self.assertEqual(self.s.wait(name), {"signal": 1, "core": False})

    def test_no_terminal(self):
        answer, out, err = self.s.exec("/bin/sleep", "100")
        self.assertEqual(self.s.ask("resize", process=answer["process"], cols=1, rows=1)["error"]["errno"], "ENOTTY")
        os.close(out)
        os.close(err)


class Mounts(unittest.TestCase):
    def test_volumes(self):
        import tempfile
        with tempfile.TemporaryDirectory() as volume:
            os.chmod(volume, 0o777)
            s = Sentry(container=False)
            self.addCleanup(s.end)
            mounts = [{"target": "/mnt", "gofer": 1}, {"target": "/opt", "gofer": 2, "ro": True}, {"target": "/srv", "type": "tmpfs"}]
            self.assertTrue(s.create("c", mounts=mounts, trees=(volume, volume))["ok"])
            self.assertEqual(s.run("/bin/sh", "-c", "echo x >/mnt/f; cat /opt/f; echo y >/opt/f")[1:],
                             (b"x\n", b"/bin/sh: 1: cannot create /opt/f: Read-only file system\n"))
            with open(volume + "/f") as f:
                self.assertEqual(f.read(), "x\n")
            self.assertEqual(s.run("/bin/sh", "-c", "echo z >/srv/f; cat /srv/f; echo a >/tmp/b && cat /tmp/b; echo >/etc/x")[1:],
                             (b"z\na\n", b"/bin/sh: 1: cannot create /etc/x: Read-only file system\n"))
            answer = s.create("d", mounts=[{"target": "/no/such", "type": "tmpfs"}])
            self.assertEqual(answer["error"], {"errno": "EROFS", "message": "cannot mount on '/no/such': EROFS"})
            self.assertEqual([c["id"] for c in s.ask("list")["containers"]], ["c"])


class Abuse(WithSentry):
    def test_requests(self):
        for body in (b"{", b"[]", b'"x"', b"{}", b'{"id":1}', b'{"id":"x","op":"ping"}', b'{"id":1,"op":5}', b'{"id":1,"op":"ping","x":1}',
                     b"[" * 100000, b'{"id":1,"id":2}', b"\xff\xfe", b'{"id":1,"op":"create","container":"","root":{"gofer":0}}',
                     b'{"id":1,"op":"create","container":"%s","root":{"gofer":0}}' % (b"x" * 64),
                     b'{"id":1,"op":"create","container":"d","root":{"gofer":0}}', b'{"id":1,"op":"create","container":"d","root":7}',
                     b'{"id":1,"op":"create","container":"d","root":{"gofer":-1}}', b'{"id":1,"op":"exec","container":"c","argv":[]}',
                     b'{"id":1,"op":"exec","container":"c","argv":["a",1]}', b'{"id":1,"op":"exec","container":"c","argv":["/bin/true"]}',
                     b'{"id":1,"op":"exec","container":"c","argv":["a\\u0000b"]}',
                     b'{"id":1,"op":"exec","container":"c","argv":["x"],"env":["=x"]}', b'{"id":1,"op":"exec","container":"c","argv":["x"],"cwd":"x"}',
                     b'{"id":1,"op":"exec","container":"c","argv":["x"],"cols":0}', b'{"id":1,"op":"exec","container":"c","argv":["x"],"user":"root"}',
                     b'{"id":1,"op":"signal","process":7,"signal":9}'):
            self.s.send_bytes(body)
            self.assertEqual(self.s.receive()["error"]["errno"], "EINVAL", body)
        self.s.send_bytes(b'{"id":1,"op":"nope"}')
        self.assertEqual(self.s.receive()["error"]["errno"], "ENOSYS")
        self.assertTrue(self.s.ask("ping")["ok"])

    def test_framing(self):
        for size in (0, (1 << 20) + 1, 0xffffffff):
            client = Client(self.s.path)
            client.send_bytes(b"", size=size)
            self.assertRaises((EOFError, ConnectionResetError), client.receive)
            client.close()
        self.assertTrue(self.s.ask("ping")["ok"])

    def test_descriptors_do_not_stay(self):
        count = lambda: len(os.listdir(f"/proc/{self.s.pid}/fd"))
        # from here on is kept what is kept open: programs and libraries, and two stubs of dead processes (kernel/spare.c)
        for argv in (["/bin/true"], ["/nope"]) * 5:
            self.s.run(*argv)
        before = count()
        fds = [os.dup(0) for _ in range(16)]
        self.assertEqual(self.s.ask("exec", fds, container="c", argv=["/bin/true"])["error"]["errno"], "EINVAL")
        self.assertTrue(self.s.ask("ping", fds)["ok"])
        for _ in range(20):
            self.assertEqual(self.s.run("/bin/true")[0], {"code": 0})
            self.assertEqual(self.s.run("/nope")[0]["errno"], "ENOENT")
            Client(self.s.path).close()
        # three descriptors per process; stubs of dead processes may linger a moment
        self.assertTrue(until(lambda: count() <= before + 2), (before, count()))
        for fd in fds:
            os.close(fd)

    def test_memory_does_not_stay(self):
        def objects():
            return {t["name"]: t["count"] for t in self.s.ask("arena")["types"] if t["name"] not in ("stack", "struct coro", "string", "json")}

        for _ in range(3):
            self.s.run("/bin/sh", "-c", "echo a | cat")
        before = objects()
        for _ in range(30):
            self.s.run("/bin/sh", "-c", "echo a | cat")
            self.s.run("/nope")
        self.assertTrue(until(lambda: all(n <= before.get(name, 0) + 2 for name, n in objects().items())),
                        {name: (before.get(name, 0), n) for name, n in objects().items() if n > before.get(name, 0) + 2})

    def test_arena_points_nowhere_else(self):
        answer, out, err = self.s.exec("/bin/sh", "-c", "sleep 100 | cat & sleep 100 & wait")
        time.sleep(0.3)
        found = self.s.ask("arena")
        self.assertEqual((found["bad_pointers"], found["bad"]), (0, []))
        os.close(out)
        os.close(err)

    def test_client_that_does_not_read(self):
        slow = Client(self.s.path)
        for _ in range(8000):
            try:
                slow.send("arena")
            except (BrokenPipeError, ConnectionResetError):
                break
        self.assertTrue(until(lambda: "does not read" in self.s.logged(), 10))
        with self.assertRaises((EOFError, ConnectionResetError)):
            for _ in range(8000):
                slow.receive()
        slow.close()
        self.assertTrue(self.s.ask("ping")["ok"])

    def test_client_that_vanishes(self):
        for size in (2, 20):
            client = Client(self.s.path)
            client.socket.send(struct.pack("<I", 100)[:size] + b"{" * (size - 2))
            client.close()
        client = Client(self.s.path)
        answer, out, err = self.s.exec("/bin/sleep", "0.2", client=client)
        client.send("wait", process=answer["process"], release=True)
        client.close()
        self.assertEqual(os.read(out, 1), b"")
        self.assertTrue(self.s.ask("ping")["ok"])
        os.close(out)
        os.close(err)


if __name__ == "__main__":
    unittest.main()
