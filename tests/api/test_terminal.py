"""Terminals over WebSockets: bytes, control messages, handshake, clients that misbehave."""
import json, socket, time, unittest

from harness import Warrend, WebSocket, FAKE


class Terminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = Warrend("--allow-origin", "https://elsewhere.example")
        cls.id = cls.w.create()
        cls.path = f"/v1/sandboxes/{cls.id}/terminal"

    @classmethod
    def tearDownClass(cls):
        assert cls.w.stop() == 0

    def test_session(self):
        t = WebSocket(self.w, self.path + "?cols=100&rows=40&cmd=/bin/sh")
        self.assertEqual((t.status, t.headers["sec-websocket-accept"]), (101, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        t.send(b"stty size; echo mar''ker\r")
        self.assertIn(b"40 100", t.until(b"marker\r\n"))
        t.send(json.dumps({"type": "resize", "cols": 120, "rows": 50}))
        time.sleep(0.3)
        t.send(b"stty size; echo mar''ker2\r")
        self.assertIn(b"50 120", t.until(b"marker2\r\n"))
        t.send(b"exit 7\r")
        _, messages = t.rest()
        self.assertEqual(messages, [{"type": "exit", "code": 7}])
        self.assertEqual(t.closed, 1000)

    def test_interrupt_and_signal(self):
        t = WebSocket(self.w, self.path + "?cmd=" + "echo%20go;%20sleep%20100")
        t.until(b"go")
        time.sleep(0.3)  # dash, natively too, forgets an interrupt that comes while it starts the sleep (onsig, vforked)
        t.send(b"\x03")
        _, messages = t.rest()
        self.assertTrue(messages[0].get("signal") == 2 or messages[0].get("code") == 130, messages)
        t = WebSocket(self.w, self.path + "?cmd=" + "echo%20go;%20exec%20sleep%20100")
        t.until(b"go")
        t.send(json.dumps({"type": "signal", "signal": "TERM"}))
        self.assertEqual(t.rest()[1], [{"type": "exit", "signal": 15}])

    def test_quick_end_and_large_output(self):
        t = WebSocket(self.w, self.path + "?cmd=echo%20quick")
        seen, messages = t.rest()
        self.assertIn(b"quick", seen)
        self.assertEqual(messages, [{"type": "exit", "code": 0}])
        t = WebSocket(self.w, self.path + "?cmd=seq%201%20200000")
        seen, messages = t.rest(30)
        self.assertEqual(seen, b"".join(b"%d\r\n" % i for i in range(1, 200001)))

    def test_tokens(self):
        for path, headers, status in [("", {}, 401), ("?token=" + self.w.token, {}, 101), ("?token=x", {}, 401),
                                      ("", {"Sec-WebSocket-Protocol": "warren.terminal.v1, warren.token." + self.w.token}, 101)]:
            t = WebSocket(self.w, self.path + path, headers, token=False)
            self.assertEqual(t.status, status)
            if headers:
                self.assertEqual(t.headers["sec-websocket-protocol"], "warren.terminal.v1")
            t.close()

    def test_handshake(self):
        for headers, status in [({"Upgrade": None}, 426), ({"Sec-WebSocket-Version": "8"}, 400), ({"Sec-WebSocket-Key": "x"}, 400),
                                ({"Sec-WebSocket-Key": None}, 400), ({"Origin": "http://evil.example"}, 403),
                                ({"Origin": "null"}, 403), ({"Origin": f"http://127.0.0.1:{self.w.port}"}, 101),
                                ({"Origin": "https://elsewhere.example"}, 101)]:
            t = WebSocket(self.w, self.path, headers)
            self.assertEqual(t.status, status, headers)
            t.close()
        self.assertEqual(WebSocket(self.w, "/v1/sandboxes/sb-none/terminal").status, 404)
        self.assertEqual(WebSocket(self.w, self.path + "?cols=0").status, 400)

    def test_bad_frames(self):
        for payload, code in [("not json", 1008), ('{"type":"dance"}', 1008), ('{"type":"resize","cols":0,"rows":-1}', 1008)]:
            t = WebSocket(self.w, self.path + "?cmd=cat")
            t.send(payload)
            t.rest()
            self.assertEqual(t.closed, code, payload)
        t = WebSocket(self.w, self.path + "?cmd=cat")
        t.send(b"x" * 70000)
        t.rest()
        self.assertEqual(t.closed, 1009)
        t = WebSocket(self.w, self.path + "?cmd=cat")
        t.socket.sendall(b"\xff" * 50)  # reserved bits, unmasked
        t.rest()
        self.assertIn(t.closed, (1002, None))

    def test_client_that_never_reads(self):
        before = self.w.held()
        t = WebSocket(self.w, self.path + "?cmd=yes", receive_buffer=4096)
        self.assertEqual(t.status, 101)
        time.sleep(2)
        now = self.w.held()
        self.assertLess(now["kib"], before["kib"] + 8192)
        first = now["kib"]
        time.sleep(1)
        self.assertLess(self.w.held()["kib"], first + 1024)
        self.assertEqual(self.w.exec(self.id, "/bin/echo", "alive")[1]["stdout"], "alive\n")
        t.close()
        self.assertLessEqual(self.w.settled(before, 8192)["fds"], before["fds"])

    def test_program_that_never_reads(self):
        before = self.w.held()
        t = WebSocket(self.w, self.path + "?cmd=stty%20raw%20-echo;%20echo%20go;%20exec%20sleep%2060")
        t.until(b"go")
        t.socket.settimeout(1)
        sent = 0
        try:
            while sent < 64 << 20:
                t.send(b"x" * 32768)
                sent += 32768
        except (socket.timeout, TimeoutError):
            pass
        self.assertLess(sent, 64 << 20)
        self.assertLess(self.w.held()["kib"], before["kib"] + 16384)
        t.close()  # behind unread bytes: noticed at the next ping
        self.assertLessEqual(self.w.settled(before, 16384, 30)["fds"], before["fds"])

    def test_vanishing_client_hangs_up(self):
        t = WebSocket(self.w, self.path + "?cmd=trap%20%27echo%20hup>/tmp/hup-$$;%20mv%20/tmp/hup-$$%20/tmp/hup%27%20HUP;%20echo%20go;"
                                          "%20while%20sleep%200.1;%20do%20:;%20done")
        self.w.exec(self.id, "/bin/rm", "-f", "/tmp/hup")
        t.until(b"go")
        t.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        t.close()  # a reset, no close frame
        for _ in range(50):
            if self.w.exec(self.id, "/bin/cat", "/tmp/hup")[1].get("stdout") == "hup\n":
                break
            time.sleep(0.1)
        else:
            self.fail("the process was not hung up on")
        self.w.exec(self.id, "/bin/sh", "-c", "rm -f /tmp/hup; pkill -KILL -f 'hup-[$]' || true")


if __name__ == "__main__":
    unittest.main()
