"""Further containers in a sandbox, through the daemon."""
import os, time, unittest

from harness import FAKE, ROOTFS, Warrend


@unittest.skipIf(FAKE, "the fake kernel has one container")
class Containers(unittest.TestCase):
    def setUp(self):
        self.w = Warrend()
        self.id = self.w.create()
        self.path = f"/v1/sandboxes/{self.id}/containers"

    def tearDown(self):
        self.assertEqual(self.w.stop(), 0)

    def make(self, name, **more):
        return self.w.call("POST", self.path, {"name": name, "rootfs": ROOTFS, **more})[:2]

    def names(self):
        return [c["name"] for c in self.w.get(self.path)[1]["items"]]

    def test_life(self):
        self.assertEqual(self.make("web", hostname="webhost"), (201, {"name": "web", "status": "created"}))
        self.assertEqual(self.names(), ["c1", "web"])
        self.assertEqual(self.w.exec(self.id, "/bin/hostname", container="web")[1]["stdout"], "webhost\n")
        self.w.exec(self.id, "/bin/sh", "-c", "echo x > /mark", container="web")
        self.assertEqual(self.w.exec(self.id, "/bin/cat", "/mark")[1]["exit"], {"code": 1})
        self.assertEqual(self.w.exec(self.id, "/bin/cat", "/mark", container="web")[1]["stdout"], "x\n")
        self.assertFalse(os.path.exists(ROOTFS + "/mark"))
        self.assertEqual(self.w.call("DELETE", self.path + "/web")[0], 204)
        self.assertEqual(self.names(), ["c1"])
        self.assertEqual(self.w.exec(self.id, "/bin/true")[1]["exit"], {"code": 0})

    def test_refusals(self):
        self.assertEqual(self.make("a")[0], 201)
        for status, code, answer in (
                (409, "container_exists", self.make("a")), (409, "container_exists", self.make("c1")), (422, "refused", self.make("a/b")),
                (404, "no_such_container", self.make("b", namespaces={"pid": "nope"})),
                (403, "path_not_allowed", self.w.call("POST", self.path, {"name": "b", "rootfs": "/etc"})[:2]),
                (400, "missing_field", self.w.call("POST", self.path, {"name": "b"})[:2]),
                (400, "unknown_field", self.make("b", env={})),
                (400, "unknown_field", self.make("b", namespaces={"net": "c1"})),
                (404, "no_such_container", self.w.call("DELETE", self.path + "/nope")[:2]),
                (409, "first_container", self.w.call("DELETE", self.path + "/c1")[:2]),
                (404, "no_such_sandbox", self.w.call("DELETE", "/v1/sandboxes/sb-nope/containers/a")[:2]),
                (404, "no_such_sandbox", self.w.get("/v1/sandboxes/sb-nope/containers")[:2])):
            self.assertEqual((answer[0], answer[1]["code"]), (status, code), answer)
        self.assertEqual(self.w.exec(self.id, "/bin/true", container="nope")[0], 422)
        self.assertEqual(self.names(), ["c1", "a"])

    def test_shared_namespace(self):
        self.assertEqual(self.make("a", namespaces={"uts": "c1", "ipc": "c1"})[0], 201)
        first = self.w.exec(self.id, "/bin/hostname")[1]["stdout"]
        self.assertEqual(self.w.exec(self.id, "/bin/hostname", container="a")[1]["stdout"], first)

    def test_many_after_each_other(self):
        """places of ended gofers are used again, and none is left when the sandbox goes"""
        for i in range(40):
            self.assertEqual(self.make("a")[0], 201)
            self.assertEqual(self.w.call("DELETE", self.path + "/a")[0], 204)
        for i in range(20):
            self.assertEqual(self.make(f"n{i}")[0], 201)
        self.assertEqual(len(self.names()), 21)

    def test_restarted_daemon_finds_them(self):
        self.make("a")
        self.w.exec(self.id, "/bin/sh", "-c", "echo kept > /mark", container="a")
        self.w.kill()
        self.w.start()
        self.assertEqual(self.names(), ["c1", "a"])
        self.assertEqual(self.w.exec(self.id, "/bin/cat", "/mark", container="a")[1]["stdout"], "kept\n")
        self.assertEqual(self.w.call("DELETE", self.path + "/a")[0], 204)


if __name__ == "__main__":
    unittest.main()
