"""A gofer that stops answering: whoever waits for it can be killed, the others notice nothing, and when it goes on all is true."""
import os, signal, shutil, tempfile, time, unittest

from test_control import WithSentry, until


def tree_of(pid):
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            todo += [int(p) for p in f.read().split()]
    return found


class GoferStops(WithSentry):
    def setUp(self):
        super().setUp()
        self.tree = tempfile.mkdtemp(prefix="warren-stops-")
        os.chmod(self.tree, 0o777)
        for name in ("read", "gone", "old", "mode", "size", "linked"):
            with open(f"{self.tree}/{name}", "w") as f:
                f.write("x" * 5000)
        os.makedirs(self.tree + "/list/deep")
        os.mkdir(self.tree + "/empty")
        answer = self.s.create("d", trees=[self.tree], mounts=[{"target": "/mnt", "gofer": 1}])
        self.assertTrue(answer["ok"], answer)
        self.gofer = self.s.gofers[-1].pid
        self.waiting = []

    def tearDown(self):
        self.signal(signal.SIGCONT)
        time.sleep(0.2)
        self.s.ask("delete", container="d")
        shutil.rmtree(self.tree, ignore_errors=True)

    def signal(self, number):
        for pid in tree_of(self.gofer):
            os.kill(pid, number)

    def begin(self, script):
        """A process in the container that comes to wait for the gofer -> its control name and its pid inside"""
        answer, out, err = self.s.exec("/bin/sh", "-c", "echo $$; exec " + script + " >/dev/null 2>&1", container="d")
        self.assertTrue(answer["ok"], answer)
        pid = int(os.read(out, 20))
        os.close(out)
        os.close(err)
        self.waiting.append(answer["process"])
        return pid

    def inside(self, script):
        end, out, err = self.s.run("/bin/sh", "-c", script, container="d")
        self.assertEqual((end, err), ({"code": 0}, b""), script)
        return out.decode()

    def state(self, pid):
        return self.inside(f"grep State /proc/{pid}/status").split()[1]

    SCRIPTS = ("cat /mnt/read", "cat /mnt/missing", "ls -l /mnt/list", "mkdir /mnt/new", "rm -f /mnt/gone", "mv /mnt/old /mnt/renamed",
               "chmod 600 /mnt/mode", "truncate -s 7 /mnt/size", "ln /mnt/linked /mnt/link", "ln -s x /mnt/symlink",
               "touch /mnt/list/created", "rmdir /mnt/empty", "stat -f /mnt")

    def stop_and_wait(self):
        self.inside("stat /mnt/gone /mnt/old /mnt/mode /mnt/size /mnt/linked /mnt/list /mnt/empty >/dev/null")
        self.signal(signal.SIGSTOP)
        pids = [self.begin(script) for script in self.SCRIPTS]
        for pid in pids:
            # those that find the directory's lock held sleep uninterruptibly too, but "D" is who waits for the gofer
            until(lambda: self.inside(f"cat /proc/{pid}/comm").strip() != "sh" and self.state(pid) in "SD")
        return pids

    def kill_all(self, pids):
        self.inside("kill -9 " + " ".join(str(p) for p in pids))
        for process in self.waiting[:len(pids)]:
            self.assertEqual(self.s.wait(process), {"signal": 9, "core": False})

    def test_killed_and_continued(self):
        pids = self.stop_and_wait()
        self.assertIn("D", [self.state(pid) for pid in pids])
        self.assertEqual(self.s.run("/bin/true")[0], {"code": 0})
        self.kill_all(pids)
        # while it stands still the tree may be asked for again, and given up again
        self.waiting = []
        self.kill_all([self.begin("cat /mnt/read"), self.begin("ls /mnt/list")])
        self.signal(signal.SIGCONT)
        self.assertEqual(self.inside("cat /mnt/read | wc -c"), "5000\n")
        for folder in ("", "/list", "/new"):
            if os.path.isdir(self.tree + folder):
                self.assertEqual(sorted(self.inside(f"ls -A /mnt{folder}").split()), sorted(os.listdir(self.tree + folder)))
        for name in os.listdir(self.tree):
            there = os.lstat(f"{self.tree}/{name}")
            seen = self.inside(f"stat -c '%f %h %s' /mnt/{name}").split()
            self.assertEqual(seen, ["%x" % there.st_mode, str(there.st_nlink), str(there.st_size)], name)
        for name in ("gone", "old", "renamed", "new", "link", "symlink", "empty", "missing", "list/created"):
            self.assertEqual(self.inside(f"[ -e /mnt/{name} -o -L /mnt/{name} ] && echo yes || echo no") == "yes\n",
                             os.path.lexists(f"{self.tree}/{name}"), name)
        # and it can be worked with, by the names in question too
        self.inside("cd /mnt && rm -rf new renamed link symlink list && mkdir new && echo y >new/renamed && mv new/renamed old && ln old link")
        with open(self.tree + "/link") as f:
            self.assertEqual(f.read(), "y\n")

    def test_ends(self):
        """the container ends, and is deleted, while its gofer stands still"""
        self.stop_and_wait()
        self.assertTrue(self.s.ask("delete", container="d")["ok"])
        self.assertEqual(self.s.run("/bin/true")[0], {"code": 0})

    def test_gofer_ends(self):
        """what was given up is forgotten when the gofer ends"""
        pids = self.stop_and_wait()
        self.kill_all(pids[:6])
        self.signal(signal.SIGKILL)
        for process, script in zip(self.waiting[6:], self.SCRIPTS[6:]):
            self.assertIn("code", self.s.wait(process), script)


if __name__ == "__main__":
    unittest.main()
