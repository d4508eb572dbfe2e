"""`warren checkpoint` and `warren run --restore`: the folder, its seal, the command's streams and terminal."""
import json, os, pty, select, shutil, subprocess, tempfile, time, unittest

from image import BIN, ROOTFS
from test_checkpoint import Case

WARREN = BIN + "/warren"


class Warren(Case):
    def setUp(self):
        super().setUp()
        self.work = tempfile.mkdtemp(prefix="warren-cli-")
        self.addCleanup(shutil.rmtree, self.work)
        self.folder = self.work + "/image"
        self.env = {**os.environ, "WARREN_IMAGE_KEY": self.work + "/keys/key"}

    def start(self, *args, **streams):
        streams = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")} | streams
        run = subprocess.Popen([WARREN, "run", *args], env=self.env, bufsize=0, **streams)
        self.addCleanup(self.stop, run)
        return run

    def stop(self, run):
        if run.poll() is None:
            run.terminate()
            run.wait(30)
        for stream in (run.stdin, run.stdout, run.stderr):
            if stream:
                stream.close()

    def read_until(self, fd, text, timeout=40):
        got, end = b"", time.monotonic() + timeout
        while text.encode() not in got:
            left = end - time.monotonic()
            ready = left > 0 and select.select([fd], [], [], left)[0]
            chunk = os.read(fd, 65536) if ready else b""
            if not chunk:
                self.fail(f"wanted {text!r}, got {got!r}")
            got += chunk
        return got.decode(errors="replace")

    def checkpoint(self, run, folder=None):
        return subprocess.run([WARREN, "checkpoint", "--image", folder or self.folder, f"run-{run.pid}"], env=self.env,
                              capture_output=True, text=True, timeout=60)

    def saved(self, *args):
        """An image of a guest that waits for its "go"."""
        run = self.start("--rootfs", self.root, *(args or ("--", "/guest", "futex")))
        self.read_until(run.stdout.fileno(), "ready")
        done = self.checkpoint(run)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(run.wait(30), 0)

    def restored(self):
        run = self.start("--restore", self.folder)
        run.stdin.write(b"go\n")
        self.read_until(run.stdout.fileno(), "ok")
        self.assertEqual(run.wait(30), 0)

    def refused(self, *texts):
        run = subprocess.run([WARREN, "run", "--restore", self.folder], env=self.env, capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=60)
        self.assertEqual(run.returncode, 125)
        for text in texts:
            self.assertIn(text, run.stderr)


class Cli(Warren):
    def test_streams(self):
        self.saved()
        self.assertEqual(os.stat(self.folder).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(self.env["WARREN_IMAGE_KEY"]).st_mode & 0o777, 0o600)
        self.restored()
        self.restored()

    def test_volume_and_overlay(self):
        volume = tempfile.mkdtemp(prefix="warren-volume-")
        self.addCleanup(shutil.rmtree, volume)
        os.mkdir(self.root + "/vol")
        self.saved("--overlay", "memory", "--volume", volume + ":/vol", "--", "/guest", "overlay memory")
        self.restored()

    def test_exit_status(self):
        """What the command ends with is what the restored run ends with."""
        run = self.start("--rootfs", ROOTFS, "--overlay", "memory", "--", "/bin/sh", "-c", "echo ready; read x; exit 7")
        self.read_until(run.stdout.fileno(), "ready")
        self.assertEqual(self.checkpoint(run).returncode, 0)
        self.assertEqual(run.wait(30), 0)
        run = self.start("--restore", self.folder)
        run.stdin.write(b"x\n")
        self.assertEqual(run.wait(30), 7)

    def test_terminal(self):
        """A shell on our terminal, then on another one."""
        for args in (["--rootfs", ROOTFS, "--overlay", "memory", "--tty", "--env", "PS1=$ ", "--", "/bin/sh"],
                     ["--restore", self.folder]):
            ours, theirs = pty.openpty()
            run = self.start(*args, stdin=theirs, stdout=theirs, stderr=theirs)
            os.close(theirs)
            self.addCleanup(os.close, ours)
            if args[0] == "--rootfs":
                self.read_until(ours, "$ ")
                os.write(ours, b"x=before; echo made\\it\n")
                self.read_until(ours, "madeit")
                done = self.checkpoint(run)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(run.wait(30), 0)
            else:
                os.write(ours, b"echo $x and af\\ter; exit 4\n")
                self.read_until(ours, "before and after")
                self.assertEqual(run.wait(30), 4)

    def test_busy_shell(self):
        """Caught at some moment of forks and execs, three times over, and nothing is lost."""
        script = "i=0; while [ $i -lt 150 ]; do i=$((i+1)); /bin/echo line $i; done | tail -n 1; echo end"
        run = self.start("--rootfs", ROOTFS, "--overlay", "memory", "--", "/bin/sh", "-c", f"echo ready; {script}")
        self.read_until(run.stdout.fileno(), "ready")
        for n in range(3):
            time.sleep(0.05 * (n + 1))
            if self.checkpoint(run, f"{self.folder}{n}").returncode != 0:
                break  # it was quicker
            self.assertEqual(run.wait(30), 0)
            run = self.start("--restore", f"{self.folder}{n}")
        self.assertIn("line 150\nend", self.read_until(run.stdout.fileno(), "end"))
        self.assertEqual(run.wait(30), 0)

    def test_seal(self):
        self.saved()
        for name, message in (("manifest", "seal does not fit"), ("sandbox.json", "seal does not fit"),
                              ("seal", "seal does not fit"), ("pages", "damaged")):
            with open(f"{self.folder}/{name}", "r+b") as f:
                byte = f.read(1)
                f.seek(0)
                f.write(bytes([byte[0] ^ 1]))
            self.refused(message)
            with open(f"{self.folder}/{name}", "r+b") as f:
                f.write(byte)
        self.restored()
        os.unlink(self.folder + "/seal")
        self.refused("no seal")

    def test_key(self):
        self.saved()
        with open(self.env["WARREN_IMAGE_KEY"], "r+b") as f:
            key = f.read()
            f.seek(0)
            f.write(os.urandom(32))
        self.refused("another key")
        with open(self.env["WARREN_IMAGE_KEY"], "wb") as f:
            f.write(key)
        os.chmod(self.env["WARREN_IMAGE_KEY"], 0o644)
        self.refused("for its owner alone")
        os.unlink(self.env["WARREN_IMAGE_KEY"])
        self.refused("the key of images")

    def test_refusals(self):
        """The checkpoint that cannot be leaves no folder, and the command running."""
        os.link(self.root + "/data/dir/one", self.root + "/data/linked")
        run = self.start("--rootfs", self.root, "--", "/guest", "linked")
        self.read_until(run.stdout.fileno(), "ready")
        done = self.checkpoint(run)
        self.assertEqual(done.returncode, 125)
        self.assertIn("the name is gone", done.stderr)
        self.assertFalse(os.path.exists(self.folder))
        os.mkdir(self.folder)
        self.assertIn("File exists", self.checkpoint(run).stderr)
        self.assertIn("No such file", self.checkpoint(run, self.work + "/none/image").stderr)
        run.stdin.write(b"go\ngo\n")
        self.read_until(run.stdout.fileno(), "ok")
        self.assertEqual(run.wait(30), 0)

    def test_killed(self):
        """A `warren run` that was killed cannot be found any more, and leaves nothing for good."""
        run = self.start("--rootfs", self.root, "--", "/guest", "futex")
        self.read_until(run.stdout.fileno(), "ready")
        run.kill()
        run.wait(30)
        self.assertIn("no sandbox", self.checkpoint(run).stderr)
        self.assertFalse(os.path.exists(self.folder))
        other = self.start("--rootfs", self.root, "--", "/guest", "futex")
        self.read_until(other.stdout.fileno(), "ready")
        self.assertFalse(os.path.exists(f"/run/warren/run-{run.pid}.sock"))

    def test_nothing_there(self):
        run = subprocess.run([WARREN, "checkpoint", "--image", self.folder, "run-1"], env=self.env, capture_output=True,
                             text=True, timeout=60)
        self.assertEqual(run.returncode, 125)
        self.assertIn("no sandbox 'run-1'", run.stderr)
        self.refused("No such file or directory")
        os.mkdir(self.folder)
        self.refused("key of images")

    def test_other_tree(self):
        """An image whose root file system is elsewhere now."""
        self.saved()
        os.rename(self.root, self.root + "-gone")
        shutil.copytree(self.root + "-gone", self.root)
        self.addCleanup(shutil.rmtree, self.root + "-gone")
        self.refused("another than the sandbox had")


@unittest.skipUnless(ROOTFS != "/", "no Debian tree")
class Daemon(Warren):
    """A sandbox of warrend's: written on its word, taken up by `warren run`."""
    def setUp(self):
        super().setUp()
        self.images = self.work + "/images"
        os.mkdir(self.images)
        self.folder = self.images + "/one"
        log = open(self.work + "/warrend.log", "wb")
        self.addCleanup(log.close)
        self.warrend = subprocess.Popen(
            [BIN + "/warrend", "--state-dir", self.work + "/state", "--listen", "127.0.0.1:0", "--allow-rootfs",
             os.path.realpath(ROOTFS), "--allow-images", self.images], env=self.env, stdin=subprocess.DEVNULL, stderr=log)
        self.addCleanup(self.end_warrend)
        for _ in range(200):
            with open(log.name) as f:
                found = [json.loads(line) for line in f if '"listening"' in line]
            if found:
                break
            time.sleep(0.05)
        self.env |= {"WARREN_URL": "http://" + found[0]["address"]}
        with open(self.work + "/state/token") as f:
            self.env |= {"WARREN_TOKEN": f.read().strip()}

    def end_warrend(self):
        for line in self.warren("ps").stdout.splitlines()[1:]:
            self.warren("rm", line.split()[0])
        self.warrend.terminate()
        self.warrend.wait(30)

    def warren(self, *args):
        return subprocess.run([WARREN, *args], env=self.env, capture_output=True, text=True, timeout=60)

    def test_daemon(self):
        made = self.warren("create", "--rootfs", os.path.realpath(ROOTFS))
        self.assertEqual(made.returncode, 0, made.stderr)
        name = made.stdout.strip()
        ticks = subprocess.Popen([WARREN, "exec", name, "--", "/bin/sh", "-c",
                                  "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo tick $i; sleep 0.1; done; exit 9"],
                                 env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(ticks.wait)
        self.addCleanup(ticks.stdout.close)
        self.read_until(ticks.stdout.fileno(), "tick 3\n")
        elsewhere = self.warren("checkpoint", "--image", self.work + "/elsewhere", name)
        self.assertIn("does not allow this image", elsewhere.stderr)
        done = self.warren("checkpoint", "--image", self.folder, name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for _ in range(100):
            if "ended" in self.warren("ps").stdout:
                break
            time.sleep(0.1)
        else:
            self.fail(self.warren("ps").stdout)
        self.assertIn("not run", self.warren("checkpoint", "--image", self.images + "/two", name).stderr)
        run = self.start("--restore", self.folder)
        self.assertIn("tick 100\n", self.read_until(run.stdout.fileno(), "tick 100\n"))
        self.assertEqual(run.wait(30), 9)
