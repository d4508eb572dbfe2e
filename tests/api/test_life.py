"""Restarts, failures of the sandbox's kernel, and a count that nothing is leaked."""
import json, os, signal, socket, sqlite3, threading, time, unittest

from harness import ASAN, BIN, FAKE, ROOTFS, Warrend, WebSocket


def keeper(w, sandbox):
    row = sqlite3.connect(w.state + "/state/state.db").execute("SELECT runtime FROM sandboxes WHERE id=?", (sandbox,)).fetchone()
    return json.loads(row[0])["keeper"]["pid"]


class Life(unittest.TestCase):
    def setUp(self):
        self.w = Warrend()

    def tearDown(self):
        self.assertEqual(self.w.stop(), 0)

    def test_killed_daemon_finds_its_sandboxes(self):
        ids = [self.w.create() for _ in range(3)]
        token, pid = self.w.token, keeper(self.w, ids[0])
        self.w.exec(ids[0], "/bin/sh", "-c", "echo kept > /tmp/warren-kept-test")
        self.w.kill()
        os.kill(pid, 0)  # still there
        os.kill(keeper(self.w, ids[2]), signal.SIGKILL)
        self.w.start()
        self.assertEqual(self.w.token, token)
        self.assertEqual(self.w.exec(ids[0], "/bin/cat", "/tmp/warren-kept-test")[1]["stdout"], "kept\n")
        self.assertEqual(self.w.exec(ids[1], "/bin/echo", "again")[1]["stdout"], "again\n")
        self.w.exec(ids[0], "/bin/rm", "/tmp/warren-kept-test")
        for _ in range(20):
            lost = self.w.get("/v1/sandboxes/" + ids[2])[1]
            if lost["state"] == "ended":
                break
            time.sleep(0.1)
        self.assertEqual(lost["state"], "ended")
        self.assertTrue(lost["reason"], lost)
        self.assertEqual(self.w.exec(ids[2], "/bin/true")[0], 409)

    def test_stopped_daemon_leaves_them_running(self):
        sandbox = self.w.create()
        pid = keeper(self.w, sandbox)
        self.w.process.terminate()
        self.assertEqual(self.w.process.wait(10), 0)
        os.kill(pid, 0)
        self.w.start()
        self.assertEqual(self.w.exec(sandbox, "/bin/echo", "again")[1]["stdout"], "again\n")

    def test_killed_sandbox_has_a_reason(self):
        sandbox = self.w.create()
        result = []
        thread = threading.Thread(target=lambda: result.append(self.w.exec(sandbox, "/bin/sleep", "100")))
        thread.start()
        time.sleep(0.4)
        os.kill(keeper(self.w, sandbox), signal.SIGKILL)
        thread.join(10)
        self.assertEqual(result[0][0], 409, result)
        for _ in range(30):
            body = self.w.get("/v1/sandboxes/" + sandbox)[1]
            if body["state"] == "ended":
                break
            time.sleep(0.1)
        self.assertEqual(body["state"], "ended")
        self.assertIn("KILL", body["reason"])
        self.assertEqual(self.w.call("DELETE", "/v1/sandboxes/" + sandbox)[0], 204)

    def test_nothing_is_leaked(self):
        sandbox = self.w.create()
        self.w.exec(sandbox, "/bin/true")
        self.round(sandbox, 20)  # whatever is made once is made now
        before = self.w.settled(self.w.held(), 0, 1)
        self.round(sandbox, 200)
        now = self.w.settled(before, 3072)
        self.assertLessEqual(now["fds"], before["fds"])
        self.assertLessEqual(now["children"], before["children"])
        self.assertTrue(ASAN or now["kib"] <= before["kib"] + 3072, (before, now))

    def round(self, sandbox, count):
        w = self.w
        for i in range(count):
            kind = i % 8
            if kind == 0:
                w.call("POST", "/v1/sandboxes", raw=b'{"rootfs":')
            elif kind == 1:
                w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, "x": [1] * 1000})
            elif kind == 2:
                w.call("POST", "/v1/sandboxes", {"rootfs": "/nonexistent"})
            elif kind == 3:
                w.get("/v1/sandboxes", token="bad")
            elif kind == 4:
                w.exec(sandbox, "/nope")
            elif kind == 5:  # vanishes in the middle of its body
                s = socket.create_connection(("127.0.0.1", w.port))
                s.sendall(f"POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {w.token}\r\nContent-Length: 1000\r\n\r\n{{".encode())
                s.close()
            elif kind == 6:  # vanishes from its terminal
                WebSocket(w, f"/v1/sandboxes/{sandbox}/terminal?cmd=cat").close()
            else:  # vanishes from a stream
                s = socket.create_connection(("127.0.0.1", w.port))
                body = b'{"argv":["/usr/bin/yes"]}'
                s.sendall(f"POST /v1/sandboxes/{sandbox}/exec?stream=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {w.token}\r\n"
                          f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                s.recv(1000)
                s.close()

    def test_many_made_and_removed(self):
        sandbox = self.w.create()
        self.w.exec(sandbox, "/bin/true")  # libuv opens a spare descriptor with its first stream
        self.w.call("DELETE", "/v1/sandboxes/" + sandbox)
        before = self.w.settled(self.w.held(), 0, 1)
        for _ in range(10):
            sandbox = self.w.create(resources={"memory_bytes": 256 << 20, "pids": 100})
            self.assertEqual(self.w.exec(sandbox, "/bin/echo", "x")[1]["stdout"], "x\n")
            self.assertEqual(self.w.call("DELETE", "/v1/sandboxes/" + sandbox)[0], 204)
        now = self.w.settled(before, 2048)
        self.assertLessEqual((now["fds"], now["children"]), (before["fds"], before["children"]))
        self.assertEqual(os.listdir(self.w.state + "/state/sandboxes"), [])


@unittest.skipUnless(FAKE, "only the fake sentry can be told to fail")
class FailingKernel(unittest.TestCase):
    def test_refuses(self):
        w = Warrend(env={"FAKE_SENTRY": "refuse"})
        before = w.settled(w.held(), 0, 1)
        for _ in range(5):
            status, body, _ = w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS})
            self.assertEqual(status, 502, body)
            self.assertIn("told to refuse", body["detail"])
        now = w.settled(before, 2048)
        self.assertLessEqual((now["fds"], now["children"]), (before["fds"], before["children"]))
        self.assertEqual(w.get("/v1/sandboxes")[1]["items"], [])
        self.assertEqual(w.stop(), 0)

    def test_client_goes_while_it_starts(self):
        w = Warrend(env={"FAKE_SENTRY": "silent"})
        body = json.dumps({"rootfs": ROOTFS}).encode()
        s = socket.create_connection(("127.0.0.1", w.port))
        s.sendall(f"POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {w.token}\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.5)
        s.close()
        for _ in range(50):
            if w.get("/healthz")[1]["sandboxes"] == 0:
                break
            time.sleep(0.1)
        self.assertEqual(w.get("/healthz")[1]["sandboxes"], 0)
        self.assertEqual(w.stop(), 0)


if __name__ == "__main__":
    unittest.main()
