"""Sandboxes written to files and made again from them. See guest.h for what runs inside."""
import os, shutil, subprocess, tempfile, time, unittest

import image
from image import Box, Restored, ROOTFS, TOP

LOST = 4  # seconds; guest_time.c


def build_guest():
    """The program, compiled once."""
    folder = os.environ.get("WARREN_TEST_TMP") or os.path.join(TOP, "build/tests/checkpoint")
    os.makedirs(folder, exist_ok=True)
    here = os.path.dirname(os.path.abspath(__file__))
    sources = sorted(os.path.join(here, f) for f in os.listdir(here) if f.startswith("guest") and f.endswith(".c"))
    program = os.path.join(folder, "guest")
    newest = max(os.path.getmtime(f) for f in sources + [os.path.join(here, "guest.h")])
    if not os.path.exists(program) or os.path.getmtime(program) < newest:
        subprocess.check_call(["cc", "-O1", "-static", "-pthread", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                               "-Wno-unused-parameter", "-o", program + ".new", *sources])
        os.rename(program + ".new", program)
    return program


class Case(unittest.TestCase):
    def setUp(self):
        self.image = tempfile.mkdtemp(prefix="warren-image-")
        self.addCleanup(shutil.rmtree, self.image)
        self.root = tempfile.mkdtemp(prefix="warren-root-")
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(build_guest(), self.root + "/guest")
        for name in ("dev", "proc", "sys", "tmp", "data", "data/dir"):
            os.mkdir(f"{self.root}/{name}")
        for name, text in (("text", "hello world\n"), ("big", "b" * 65536), ("dir/one", "1"), ("dir/two", "2")):
            with open(f"{self.root}/data/{name}", "w") as f:
                f.write(text)
        os.chmod(self.root, 0o755)
        for where, _, files in os.walk(self.root):  # the sandbox has a user of its own
            for name in files:
                os.chmod(os.path.join(where, name), 0o777)

    def box(self, **options):
        box = Box(root=options.pop("root", self.root), read_only=options.pop("read_only", False), **options)
        self.addCleanup(box.end)
        return box

    def save(self, box):
        answer = box.checkpoint(self.image)
        self.assertTrue(answer["ok"], (answer, box.logged()))
        return answer

    def again(self, box, what, pause=0):
        """The old sandbox ends, the new one begins."""
        root = box.root
        box.ask("shutdown")
        time.sleep(pause)
        new = Restored(self.image, what, root=root, overlay=box.overlay)
        self.addCleanup(new.end)
        return new

    def situation(self, name, times=1, pause=0, settle=0.2, box=None, started=False):
        """Brings a situation about, restores it `times` times, and lets it say that all is well."""
        box = box or self.box()
        if not started:
            box.start("/guest", name)
            box.expect("ready")
        for _ in range(times):
            time.sleep(settle)
            box = self.again(box, self.save(box), pause)
        box.type("go\n")
        box.expect("ok")
        self.assertEqual(box.wait(box.process), {"code": 0})
        self.assertNotIn("error", box.logged())


class Cpu(Case):
    def test_registers(self):
        self.situation("registers")

    def test_avx(self):
        self.situation("avx")

    def test_threads(self):
        self.situation("threads")

    def test_patched_call(self):
        self.situation("patched")

    def test_patched_call_three_times(self):
        self.situation("patched", times=3)


class Waiting(Case):
    def test_futex(self):
        self.situation("futex", times=2)

    def test_pipes(self):
        self.situation("pipes")

    def test_epoll(self):
        self.situation("epoll")

    def test_sockets(self):
        self.situation("sockets")


class Network(Case):
    def test_tcp(self):
        self.situation("tcp", times=2)

    def test_udp(self):
        self.situation("udp")

    def test_packet_ring(self):
        self.situation("ring2", times=2)

    def test_packet_ring_of_blocks(self):
        self.situation("ring3", times=2)


class Time(Case):
    def test_sleepers(self):
        self.situation("sleepers", pause=LOST)

    def test_clocks(self):
        self.situation("clocks", pause=LOST)

    def test_timers(self):
        self.situation("timers", pause=LOST)

    def test_signals(self):
        self.situation("signals")


class Memory(Case):
    def test_private(self):
        self.situation("private")

    def test_code(self):
        self.situation("code")

    def test_faults(self):
        self.situation("faults")

    def test_shared(self):
        self.situation("shared", times=2)


class Files(Case):
    def test_tmpfs(self):
        self.situation("tmpfs")

    def test_tree(self):
        self.situation("tree", times=2)
        with open(self.root + "/data/written") as f:
            self.assertEqual(f.read(), "before\nafter\n")

    def test_overlay_in_memory(self):
        self.situation("overlay memory", times=2, box=self.box(overlay="memory"))

    def test_overlay_in_a_folder(self):
        upper = tempfile.mkdtemp(prefix="warren-upper-")
        self.addCleanup(shutil.rmtree, upper)
        self.situation("overlay folder", times=2, box=self.box(overlay=upper))

    def test_changed_file(self):
        """A file that is open and was changed meanwhile: no restore."""
        box = self.box()
        box.start("/guest", "tree")
        box.expect("ready")
        what = self.save(box)
        box.ask("shutdown")
        with open(self.root + "/data/text", "a") as f:
            f.write("more")
        new = Restored(self.image, what, root=self.root, boot_only=True)
        self.addCleanup(new.end)
        answer = new.resume(what)
        self.assertFalse(answer["ok"])
        self.assertIn("/data/text", answer["error"]["message"])
        self.assertIn("has changed", answer["error"]["message"])

    def test_removed(self):
        self.situation("removed", times=2)

    def test_refused(self):
        """Its name is gone, but the file has another one, which we do not know: refused, and all goes on."""
        os.link(self.root + "/data/dir/one", self.root + "/data/linked")
        box = self.box()
        box.start("/guest", "linked")
        box.expect("ready")
        answer = box.checkpoint(self.image)
        self.assertEqual(answer["error"]["errno"], "EOPNOTSUPP")
        self.assertIn("the name is gone", answer["error"]["message"])
        box.type("go\n")
        box.expect("ready")
        box = self.again(box, self.save(box))
        box.type("go\n")
        box.expect("ok")

    def test_removed_in_an_overlay_folder(self):
        upper = tempfile.mkdtemp(prefix="warren-upper-")
        self.addCleanup(shutil.rmtree, upper)
        self.situation("overlay memory", times=2, box=self.box(overlay=upper))


class Containers(Case):
    def test_two(self):
        """Two containers of one sandbox, each on a tree of its own; the process is in the second."""
        other = self.root + "-other"
        shutil.copytree(self.root, other)
        self.addCleanup(shutil.rmtree, other)
        with open(other + "/data/text", "w") as f:
            f.write("hello world of the other\n")
        box = self.box()
        box.root = other
        self.assertTrue(box.create("d", read_only=False)["ok"])
        box.start("/guest", "tree", container="d")
        box.expect("ready")
        what = self.save(box)
        self.assertEqual(len(what["gofers"]), 2)
        box.ask("shutdown")
        new = Restored(self.image, what, trees=dict(zip(sorted(what["gofers"]), (self.root, other))))
        self.addCleanup(new.end)
        new.type("go\n")
        new.expect("ok")
        self.assertEqual([c["id"] for c in new.ask("list")["containers"]], ["c", "d"])
        with open(other + "/data/written") as f:
            self.assertEqual(f.read(), "before\nafter\n")

    def test_wrong_tree(self):
        box = self.box()
        box.start("/guest", "futex")
        box.expect("ready")
        what = self.save(box)
        box.ask("shutdown")
        new = Restored(self.image, what, root="/usr", boot_only=True)
        self.addCleanup(new.end)
        self.assertIn("is another than the sandbox had", new.resume(what)["error"]["message"])


class Failures(Case):
    """A checkpoint that cannot be written: everything goes on, and the next one is good."""
    def after_failure(self, name):
        box = self.box()
        box.start("/guest", name)
        box.expect("ready")
        for _ in range(2):
            answer = box.checkpoint(self.image, pages="/dev/full")
            self.assertEqual(answer["error"]["errno"], "ENOSPC", answer)
            time.sleep(0.1)
        self.situation(name, box=box, started=True)

    def test_threads(self):
        self.after_failure("threads")

    def test_patched_call(self):
        self.after_failure("patched")

    def test_protection(self):
        self.after_failure("private")

    def test_removed(self):
        self.after_failure("removed")

    def test_goes_on_without(self):
        """Frozen and thawed, never restored."""
        box = self.box()
        box.start("/guest", "patched")
        box.expect("ready")
        self.assertFalse(box.checkpoint(self.image, pages="/dev/full")["ok"])
        box.type("go\n")
        box.expect("ok")
        self.assertEqual(box.wait(box.process), {"code": 0})


class Terminal(Case):
    @unittest.skipUnless(ROOTFS != "/", "no Debian tree")
    def test_shell(self):
        box = self.box(root=ROOTFS, read_only=True)
        box.start("/bin/sh", tty=True)
        box.expect("$ ")
        box.type("x=before; cd /usr; echo made\\it\n")
        box.expect("madeit")
        box = self.again(box, self.save(box))
        box.type("echo $x $(pwd) $((6*7)) done\\done\n")
        self.assertIn("before /usr 42", box.expect("donedone"))
        answer = box.ask("resize", process=box.process, cols=100, rows=40)
        self.assertTrue(answer["ok"], answer)
        box.type("exit 3\n")
        self.assertEqual(box.wait(box.process), {"code": 3})

    @unittest.skipUnless(os.path.exists(ROOTFS + "/usr/bin/python3"), "no python3 in the Debian tree")
    def test_python_with_100_megabytes(self):
        box = self.box(root=ROOTFS, read_only=True)
        box.start("/usr/bin/python3", "-i", tty=True)
        box.expect(">>> ")
        box.type("import hashlib, random; d = random.Random(7).randbytes(100 << 20); "
                 "h = hashlib.sha256(d).digest(); print('made' + 'it')\n")
        box.expect("madeit", timeout=60)
        box = self.again(box, self.save(box))
        box.type("print(hashlib.sha256(d).digest() == h, len(d), 'do' + 'ne')\n")
        self.assertIn("True 104857600", box.expect("done", timeout=60))
        box.type("import subprocess; print(subprocess.run(['echo', 'from a', 'child']).returncode, 'en' + 'd')\n")
        self.assertIn("from a child", box.expect("end"))
        box.type("exit()\n")
        self.assertEqual(box.wait(box.process), {"code": 0})


class Images(Case):
    """What is not an image, or not a whole one."""
    def setUp(self):
        super().setUp()
        box = self.box()
        box.start("/guest", "futex")
        box.expect("ready")
        self.what = self.save(box)
        box.ask("shutdown")

    def change(self, name, fn):
        with open(f"{self.image}/{name}", "rb") as f:
            data = bytearray(f.read())
        data = fn(data)
        with open(f"{self.image}/{name}", "wb") as f:
            f.write(data)

    def refused(self, text):
        with self.assertRaises(RuntimeError) as caught:
            self.addCleanup(Restored(self.image, self.what, root=self.root, boot_only=True).end)
        self.assertIn(text, str(caught.exception))

    def test_whole(self):
        new = Restored(self.image, self.what, root=self.root)
        self.addCleanup(new.end)
        new.type("go\n")
        new.expect("ok")

    def test_pages_cut(self):
        self.change("pages", lambda d: d[:-4096])
        self.refused("cut short")

    def test_every_sentry_page_matters(self):
        def flip(d):
            d[-5000] ^= 1
            return d
        self.change("pages", flip)
        self.refused("damaged")

    def test_guest_page_changed(self):
        """Guest memory comes first in the file; it is read last."""
        def flip(d):
            d[100] ^= 1
            return d
        self.change("pages", flip)
        try:
            new = Restored(self.image, self.what, root=self.root, boot_only=True)
        except RuntimeError as e:  # in one chunk with the sentry's own
            self.assertIn("damaged", str(e))
            return
        self.addCleanup(new.end)
        self.assertIn("damaged", new.resume(self.what)["error"]["message"])

    def test_manifest_cut(self):
        self.change("manifest", lambda d: d[:-1])
        self.refused("manifest is damaged")

    def test_empty_manifest(self):
        self.change("manifest", lambda d: b"")
        self.refused("not the image")

    def test_other_magic(self):
        self.change("manifest", lambda d: b"X" + d[1:])
        self.refused("not the image")

    def test_other_version(self):
        self.change("manifest", lambda d: d[:8] + b"\x63" + d[9:])
        self.refused("version 99")

    def test_other_build(self):
        self.change("manifest", lambda d: d[:16] + bytes([d[16] ^ 1]) + d[17:])
        self.refused("another build")

    def test_missing_stream(self):
        new = Restored(self.image, self.what, root=self.root, boot_only=True)
        self.addCleanup(new.end)
        answer = new.resume({**self.what, "streams": self.what["streams"][:-1]})
        self.assertIn("no descriptor came for stream 2", answer["error"]["message"])

    def test_frozen(self):
        """Before its resources are there it does nothing else."""
        new = Restored(self.image, self.what, root=self.root, boot_only=True)
        self.addCleanup(new.end)
        self.assertEqual(new.ask("list")["error"]["errno"], "EBUSY")
        self.assertTrue(new.ask("ping")["ok"])

    def test_two_from_one(self):
        """An image makes any number of sandboxes."""
        news = [Restored(self.image, self.what, root=self.root) for _ in range(2)]
        for new in news:
            self.addCleanup(new.end)
            new.type("go\n")
            new.expect("ok")
