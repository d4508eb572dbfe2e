"""Files that are read often are mapped by the sentry (vfs/hostview.c): what happens when somebody on the host cuts one short, and that
the mapping goes with the file."""
import os, shutil, tempfile, unittest

from test_control import WithSentry

SIZE = 200000
MORE_THAN_FIRST_VIEW = 64


class Views(WithSentry):
    def setUp(self):
        super().setUp()
        self.tree = tempfile.mkdtemp(prefix="warren-views-", dir="/var/tmp")  # not tmpfs: those have no views
        os.chmod(self.tree, 0o755)
        self.file = self.tree + "/file"
        with open(self.file, "wb") as f:
            f.write(bytes(i // 512 % 251 for i in range(SIZE)))
        self.inode = os.stat(self.file).st_ino
        answer = self.s.create("v", trees=[self.tree], mounts=[{"target": "/mnt", "gofer": 1}])
        self.assertTrue(answer["ok"], answer)

    def tearDown(self):
        self.s.ask("delete", container="v")
        shutil.rmtree(self.tree, ignore_errors=True)

    def read(self, block, count=1):
        end, out, err = self.s.run("dd", "if=/mnt/file", "bs=512", f"skip={block}", f"count={count}", container="v")
        self.assertEqual(end, {"code": 0}, err)
        return out

    def mapped(self):
        with open(f"/proc/{self.s.pid}/maps") as f:
            return [line for line in f if line.split()[4] == str(self.inode)]

    def make_view(self):
        self.assertEqual(self.read(0, MORE_THAN_FIRST_VIEW)[-1], MORE_THAN_FIRST_VIEW - 1)
        if not self.mapped():
            self.skipTest("the file system of /var/tmp is none of those that files are mapped from")

    def test_a_view_can_only_be_read(self):
        self.make_view()
        self.assertEqual([line.split()[1] for line in self.mapped()], ["r--s"])

    def test_cut_short_by_the_host(self):
        self.make_view()
        os.truncate(self.file, 1000)
        self.assertEqual(self.read(200), b"")
        self.assertEqual(self.read(1)[:100], bytes([1]) * 100)
        self.assertEqual(self.s.run("true", container="v")[0], {"code": 0})
        with open(self.file, "r+b") as f:
            f.seek(200 * 512)
            f.write(b"again")
        self.assertEqual(self.read(200)[:5], b"again")

    def test_it_goes_with_the_file(self):
        self.make_view()
        self.assertEqual(self.s.run("cat", "/mnt/file", container="v")[1][:1], b"\0")
        self.s.ask("delete", container="v")
        self.assertEqual(self.mapped(), [])
        self.setUp()


if __name__ == "__main__":
    unittest.main()
