"""The `warren` command: run by itself, and the clients of the daemon."""
import shlex
import fcntl, os, pty, select, signal, struct, subprocess, termios, time, unittest

from harness import BIN, ROOTFS, Warrend

WARREN = BIN + "/warren"


def run(*command, options=(), **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    if "input" in more:
        more.pop("stdin")
    return subprocess.run([WARREN, "run", "--rootfs", ROOTFS, *options, "--", *command], capture_output=True, timeout=60, **more)


class Run(unittest.TestCase):
    def test_status(self):
        # the command is init of its PID namespace: as on Linux, it cannot kill itself
        for command, status in [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("sh -c 'kill -9 $$'; exit $?", 137),
                                ("sh -c 'kill -TERM $$'; exit $?", 143)]:
            self.assertEqual(run("/bin/sh", "-c", command).returncode, status, command)
        self.assertEqual(run("/nope").returncode, 127)
        self.assertEqual(run("/tmp").returncode, 126)
        bad = subprocess.run([WARREN, "run", "--rootfs", "/nonexistent", "--", "/bin/true"], capture_output=True, timeout=20)
        self.assertEqual(bad.returncode, 125)
        self.assertIn(b"/nonexistent: No such file or directory", bad.stderr)

    def test_help(self):
        for words in (["--help"], ["run", "--help"], ["checkpoint", "-h"], ["ps", "--help"]):
            result = subprocess.run([WARREN, *words], capture_output=True, timeout=20)
            self.assertEqual((result.returncode, result.stderr), (0, b""), words)
            self.assertIn(b"warren run --rootfs DIR", result.stdout)

    def test_streams(self):
        result = run("/bin/sh", "-c", "cat; echo err >&2", input=b"x" * 3000000)
        self.assertEqual((result.stdout, result.stderr), (b"x" * 3000000, b"err\n"))
        self.assertEqual(run("/usr/bin/seq", "1", "500000").stdout, b"".join(b"%d\n" % i for i in range(1, 500001)))
        self.assertEqual(run("/bin/true", input=b"x" * 3000000).returncode, 0)

    def test_files_stay_blocking(self):
        with open("/dev/null") as null, open(f"/tmp/warren-cli-{os.getpid()}", "w+b") as out:
            os.unlink(out.name)
            subprocess.run([WARREN, "run", "--rootfs", ROOTFS, "--", "/bin/echo", "x"], stdin=null, stdout=out, timeout=20)
            self.assertFalse(fcntl.fcntl(out, fcntl.F_GETFL) & os.O_NONBLOCK)
            out.seek(0)
            self.assertEqual(out.read(), b"x\n")

    def test_reader_goes_away(self):
        result = subprocess.run(f"{shlex.quote(WARREN)} run --rootfs {shlex.quote(ROOTFS)} -- /usr/bin/yes | head -1", shell=True, capture_output=True, timeout=30)
        self.assertEqual(result.stdout, b"y\n")

    def test_environment_and_directory(self):
        result = run("/bin/sh", "-c", "echo $A $B; pwd; echo $HOME", options=("--env", "A=1", "--env", "B", "--workdir", "/tmp"),
                     env={**os.environ, "B": "two"})
        self.assertEqual(result.stdout, b"1 two\n/tmp\n/root\n")

    def test_signals(self):
        for number, status in [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]:
            p = subprocess.Popen([WARREN, "run", "--rootfs", ROOTFS, "--", "/bin/sh", "-c", f"trap 'exit {status}' TERM HUP; echo go; while :; do sleep 0.1; done"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            self.assertEqual(p.stdout.readline(), b"go\n")
            p.send_signal(number)
            self.assertEqual(p.wait(10), status)
            p.stdout.close()

    def test_killed_command_takes_its_sandbox_along(self):
        p = subprocess.Popen([WARREN, "run", "--rootfs", ROOTFS, "--", "/bin/sh", "-c", "echo go; sleep 100"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)
        p.stdout.readline()
        marker = f"run-{p.pid}"
        alive = lambda: subprocess.run(["pgrep", "-f", "--", f"--id {marker}"], capture_output=True).stdout.split()
        p.kill()
        p.wait()
        p.stdout.close()
        for _ in range(50):
            if not alive():
                return
            time.sleep(0.1)
        self.fail(f"left: {alive()}")

    def test_terminal(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execv(WARREN, ["warren", "run", "--rootfs", ROOTFS, "--tty", "--", "/bin/sh"])
        before = termios.tcgetattr(fd)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))

        def until(text, seconds=15):
            seen, end = b"", time.time() + seconds
            while text not in seen and time.time() < end:
                if select.select([fd], [], [], 0.1)[0]:
                    seen += os.read(fd, 4096)
            self.assertIn(text, seen)
            return seen
        os.write(fd, b"stty size; echo re''ady\r")
        self.assertIn(b"33 99", until(b"ready\r\n"))
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 44, 88, 0, 0))
        time.sleep(0.5)
        os.write(fd, b"stty size; sleep 100\r")
        until(b"44 88")
        time.sleep(0.3)
        os.write(fd, b"\x03")
        os.write(fd, b"echo ba''ck\r")
        until(b"back")
        os.write(fd, b"exit 5\r")
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5)
        os.close(fd)

    def test_bad_options(self):
        for arguments in (["run"], ["run", "--rootfs", "/"], ["run", "--rootfs", "/", "--memory", "x", "--", "a"], ["run", "--bogus"],
                          ["run", "--rootfs", "/", "--volume", "a", "--", "a"], ["dance"], ["run", "--rootfs", "/", "--", b"/bin/echo", b"\xff"], [], ["ps", "--memory", "1"]):
            result = subprocess.run([WARREN, *arguments], capture_output=True, timeout=10)
            self.assertEqual(result.returncode, 125, arguments)
            self.assertTrue(result.stderr)


class Remote(unittest.TestCase):
    def test_all(self):
        w = Warrend()
        env = {**os.environ, "WARREN_URL": f"http://127.0.0.1:{w.port}"}
        go = lambda *a, **k: subprocess.run([WARREN, *a], capture_output=True, timeout=30, env={**env, **k}, text=True)
        self.assertEqual(go("ps").returncode, 125)
        token = ("--token-file", w.state + "/state/token")
        made = go("create", *token, "--rootfs", ROOTFS, "--env", "A=b")
        self.assertEqual(made.returncode, 0, made.stderr)
        sandbox = made.stdout.strip()
        self.assertIn(sandbox, go("ps", WARREN_TOKEN=w.token).stdout)
        result = go("exec", *token, sandbox, "--", "/bin/sh", "-c", "echo $A; echo e >&2; exit 3")
        self.assertEqual((result.stdout, result.stderr, result.returncode), ("b\n", "e\n", 3))
        self.assertEqual(go("exec", *token, sandbox, "--", "/nope").returncode, 127)
        self.assertEqual(go("rm", *token, sandbox).returncode, 0)
        self.assertEqual(go("rm", *token, sandbox).returncode, 125)
        self.assertEqual(w.stop(), 0)


if __name__ == "__main__":
    unittest.main()
