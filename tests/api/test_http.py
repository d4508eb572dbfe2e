"""The HTTP interface: operations, validation, authentication, bad input."""
import json, os, socket, stat, subprocess, time, unittest

from harness import BIN, ROOTFS, Warrend, FAKE


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.w = Warrend()
        cls.id = cls.w.create(env={"COLOUR": "red"})
        cls.w.exec(cls.id, "/bin/true")  # libuv opens a spare descriptor with its first stream

    @classmethod
    def tearDownClass(cls):
        status = cls.w.stop()
        assert status == 0, status

    def problem(self, result, status, code):
        self.assertEqual((result[0], result[1].get("code")), (status, code), result[1])
        self.assertEqual(result[2]["Content-Type"], "application/problem+json")
        self.assertEqual(result[1]["status"], status)
        return result[1]

    def test_health_page_and_document(self):
        status, body, _ = self.w.get("/healthz", token=False)
        self.assertEqual((status, body["status"]), (200, "ok"))
        status, body, headers = self.w.get("/", token=False)
        self.assertEqual(status, 200)
        self.assertIn(b"xterm.js", body)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        for name in ("xterm.js", "xterm.css", "addon-fit.js", "page.js", "page.css"):
            self.assertEqual(self.w.get("/assets/" + name, token=False)[0], 200, name)
        self.problem(self.w.get("/assets/other.js", token=False), 404, "no_such_path")
        self.assertIn(b"openapi: 3.1.0", self.w.get("/openapi.yaml", token=False)[1])

    def test_token(self):
        self.problem(self.w.get("/v1/sandboxes", token=False), 401, "no_token")
        for bad in ("wrong", self.w.token[:-1], self.w.token + "x", "x" * 5000):
            self.problem(self.w.get("/v1/sandboxes", token=bad), 401, "bad_token")
        self.assertEqual(stat.S_IMODE(os.stat(self.w.state + "/state/token").st_mode), 0o600)
        self.assertNotIn(self.w.token, self.w.log_text())
        # only a terminal takes it from the URL
        self.assertEqual(self.w.get("/v1/sandboxes?token=" + self.w.token, token=False)[0], 401)

    def test_get_and_list(self):
        status, body, _ = self.w.get("/v1/sandboxes/" + self.id)
        self.assertEqual((status, body["state"], body["env"]), (200, "running", {"COLOUR": "red"}))
        self.assertIn(self.id, [s["id"] for s in self.w.get("/v1/sandboxes")[1]["items"]])
        self.problem(self.w.get("/v1/sandboxes/sb-none"), 404, "no_such_sandbox")
        self.problem(self.w.get("/v1/sandboxes?limit=0"), 400, "out_of_range")
        self.problem(self.w.get("/v1/sandboxes?limit=x"), 400, "wrong_type")
        self.problem(self.w.get("/v1/sandboxes?colour=1"), 400, "unknown_parameter")
        self.problem(self.w.get("/v1/nothing"), 404, "no_such_path")
        self.problem(self.w.call("PUT", "/v1/sandboxes"), 405, "method_not_allowed")

    def test_pages(self):
        other = self.w.create()
        first = self.w.get("/v1/sandboxes?limit=1")[1]
        self.assertEqual(len(first["items"]), 1)
        second = self.w.get("/v1/sandboxes?limit=1000&cursor=" + first["next_cursor"])[1]
        self.assertNotIn(first["items"][0]["id"], [s["id"] for s in second["items"]])
        self.assertIn(other, [s["id"] for s in second["items"]])
        self.assertIsNone(second["next_cursor"])
        self.assertEqual(self.w.call("DELETE", "/v1/sandboxes/" + other)[0], 204)
        self.problem(self.w.get("/v1/sandboxes/" + other), 404, "no_such_sandbox")

    def test_exec(self):
        status, body = self.w.exec(self.id, "/bin/sh", "-c", "echo out $COLOUR $X; echo err >&2; exit 3", env={"X": "1"})
        self.assertEqual((status, body["exit"], body["stdout"], body["stderr"]), (200, {"code": 3}, "out red 1\n", "err\n"))
        status, body = self.w.exec(self.id, "/bin/cat", stdin="hällo\n")
        self.assertEqual((body["stdout"], body["exit"]), ("hällo\n", {"code": 0}))
        status, body = self.w.exec(self.id, "/bin/sh", "-c", "kill -9 $$")
        self.assertEqual(body["exit"], {"signal": 9, "code": 137})
        status, body = self.w.exec(self.id, "/bin/sh", "-c", "printf '\\377'")
        self.assertEqual((body["stdout"], body["stdout_encoding"]), ("/w==", "base64"))
        status, body = self.w.exec(self.id, "/bin/pwd", cwd="/tmp")
        self.assertEqual(body["stdout"], "/tmp\n")

    def test_exec_large_output_and_input(self):
        status, body = self.w.exec(self.id, "/usr/bin/seq", "1", "300000")
        self.assertEqual(len(body["stdout"]), 1988895)
        self.assertFalse(body["stdout_truncated"])
        status, body = self.w.exec(self.id, "/usr/bin/seq", "1", "300000", max_output_bytes=1000)
        self.assertEqual((len(body["stdout"]), body["stdout_truncated"], body["exit"]), (1000, True, {"code": 0}))
        status, body = self.w.exec(self.id, "/usr/bin/wc", "-c", stdin="x" * 900000)
        self.assertEqual(body["stdout"].strip(), "900000")
        status, body = self.w.exec(self.id, "/bin/true", stdin="x" * 900000)
        self.assertEqual(body["exit"], {"code": 0})

    def test_exec_failures(self):
        self.problem((*self.w.exec(self.id, "/nope"), {"Content-Type": "application/problem+json"}), 422,
                     "not_found_in_sandbox")
        self.assertEqual(self.w.exec("sb-none", "/bin/true")[0], 404)
        status, body = self.w.exec(self.id, "/bin/true", env={"A=B": "x"})
        self.assertEqual(status, 400)

    def test_exec_stream(self):
        status, body, headers = self.w.call("POST", f"/v1/sandboxes/{self.id}/exec?stream=1",
                                            {"argv": ["/bin/sh", "-c", "printf '\\303'; sleep 0.2; printf '\\251\\n'; echo e >&2; printf '\\377'; exit 4"]})
        self.assertEqual((status, headers["Content-Type"]), (200, "application/x-ndjson"))
        lines = [json.loads(l) for l in body.decode().splitlines()]
        self.assertIn("process", lines[0])
        out = "".join(l.get("data", "") for l in lines if l.get("stream") == "stdout")
        self.assertEqual(out, "é\n")
        self.assertIn({"stream": "stdout", "data_base64": "/w=="}, lines)
        self.assertIn({"stream": "stderr", "data": "e\n"}, lines)
        self.assertEqual(lines[-1], {"exit": {"code": 4}})

    def test_exec_stream_large(self):
        body = self.w.call("POST", f"/v1/sandboxes/{self.id}/exec?stream=1", {"argv": ["/usr/bin/seq", "1", "500000"]})[1]
        lines = [json.loads(l) for l in body.decode().splitlines()]
        out = "".join(l["data"] for l in lines if l.get("stream") == "stdout")
        self.assertEqual(out, "".join(f"{i}\n" for i in range(1, 500001)))

    def test_bad_json(self):
        post = lambda raw, **more: self.w.call("POST", "/v1/sandboxes", raw=raw, **more)
        body = self.problem(post(b'{"rootfs":\n  }'), 400, "malformed_json")
        self.assertEqual((body["line"], body["column"]), (2, 3))
        for raw in (b"", b"{", b"[" * 100000, b'{"a":1,"a":2}', b'"\xff"', b"nul", b'{"rootfs":"/a\\u0000b"}', b"{}x"):
            self.assertEqual(post(raw)[0], 400, raw[:20])
        self.problem(post(b"[]"), 400, "wrong_type")
        self.problem(post(b"{}"), 400, "missing_field")
        self.problem(post(b'{"rootfs":"/usr"}', headers={"Content-Type": "text/plain"}), 415, "wrong_content_type")
        self.problem(self.w.call("DELETE", "/v1/sandboxes/" + self.id, raw=b"{}"), 400, "unexpected_body")

    def test_validation(self):
        cases = [({"rootfs": 1}, "wrong_type", "/rootfs"), ({"rootfs": "x"}, "bad_format", "/rootfs"),
                 ({"rootfs": "/a", "bogus": 1}, "unknown_field", "/bogus"),
                 ({"rootfs": "/a", "resources": {"memory_bytes": 1}}, "out_of_range", "/resources/memory_bytes"),
                 ({"rootfs": "/a", "resources": {"memory_bytes": 1.5}}, "wrong_type", "/resources/memory_bytes"),
                 ({"rootfs": "/a", "resources": {"x/y~": 1}}, "unknown_field", "/resources/x~1y~0"),
                 ({"rootfs": "/a", "env": {"A": 1}}, "wrong_type", "/env/A"),
                 ({"rootfs": "/a", "read_only": "yes"}, "wrong_type", "/read_only"),
                 ({"rootfs": "/a", "network": "host"}, "bad_format", "/network"),
                 ({"rootfs": "/a", "network": True}, "wrong_type", "/network"),
                 ({"rootfs": "/a", "ports": [{"host_port": 80}]}, "missing_field", "/ports/0"),
                 ({"rootfs": "/a", "ports": [{"host_port": 0, "guest_port": 80}]}, "out_of_range", "/ports/0/host_port"),
                 ({"rootfs": "/a", "ports": [{"host_port": 80, "guest_port": 65536}]}, "out_of_range", "/ports/0/guest_port"),
                 ({"rootfs": "/a", "ports": [{"host_port": 1, "guest_port": 1, "protocol": "sctp"}]}, "bad_format",
                  "/ports/0/protocol"),
                 ({"rootfs": "/a", "ports": [{"host_port": 1, "guest_port": 1}] * 65}, "out_of_range", "/ports"),
                 ({"rootfs": "/a", "volumes": [{"source": "/a"}]}, "missing_field", "/volumes/0"),
                 ({"rootfs": "/a", "volumes": [{}] * 15}, "out_of_range", "/volumes"),
                 ({"rootfs": "/a", "hostname": ""}, "out_of_range", "/hostname")]
        for body, code, pointer in cases:
            found = self.problem(self.w.call("POST", "/v1/sandboxes", body), 400, code)
            self.assertEqual(found["pointer"], pointer)

    def test_ports(self):
        one = [{"host_port": 18080, "guest_port": 80}]
        for network in ({}, {"network": "none"}):
            self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, "ports": one, **network}), 400, "bad_format")
        for host in ("localhost", "1.2.3", "1.2.3.4:80", "::1::", "[::1]"):
            ports = [{"host_ip": host, "host_port": 18080, "guest_port": 80}]
            self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, "network": "sandbox", "ports": ports}),
                         400, "bad_format")

    def test_rootfs(self):
        self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": "/proc"}), 403, "path_not_allowed")
        self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS + "/.." * 20 + "/proc"}), 403, "path_not_allowed")
        self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS + "/nonexistent"}), 422, "no_such_directory")
        self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, "volumes": [{"source": "/etc", "target": "/x"}]}),
                     403, "path_not_allowed")

    @unittest.skipIf(FAKE, "the fake sentry has no overlay")
    def test_overlay(self):
        mark = f"/tmp/overlay-mark-{os.getpid()}"
        write = ("/bin/sh", "-c", f"echo x > {mark} && cat {mark}")
        for asked, reaches in (({}, False), ({"overlay": True}, False), ({"overlay": False}, True)):
            sandbox = self.w.create(**asked)
            try:
                self.assertEqual(self.w.exec(sandbox, *write)[1]["stdout"], "x\n")
                self.assertEqual(os.path.exists(ROOTFS + mark), reaches, asked)
            finally:
                self.w.call("DELETE", "/v1/sandboxes/" + sandbox)
                if os.path.exists(ROOTFS + mark):
                    os.unlink(ROOTFS + mark)
        self.problem(self.w.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, "overlay": "yes"}), 400, "wrong_type")

    def test_large_body(self):
        self.problem(self.w.call("POST", "/v1/sandboxes", raw=b"x" * ((1 << 20) + 1)), 413, "too_large")

        def chunks():
            for _ in range(40):
                yield b"y" * 65536
        result = self.w.call("POST", "/v1/sandboxes", raw=chunks())
        self.problem(result, 413, "too_large")

    def test_garbage(self):
        for data in (b"\0" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100000, b"POST /v1/sandboxes HTTP/1.1\r\nContent-Length: -5\r\n\r\n"):
            s = socket.create_connection(("127.0.0.1", self.w.port), timeout=2)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except OSError:
                pass
            s.close()
        self.assertEqual(self.w.get("/healthz", token=False)[0], 200)

    def test_stats(self):
        self.assertIn("tasks", self.w.get(f"/v1/sandboxes/{self.id}/stats")[1])

    def test_second_daemon_on_the_same_state(self):
        run = subprocess.run([BIN + "/warrend", "--listen", "127.0.0.1:0", "--state-dir", self.w.state + "/state"],
                             capture_output=True, timeout=20)
        self.assertEqual(run.returncode, 1)
        self.assertIn(b"another warrend", run.stderr)

    def test_client_of_a_long_exec_goes_away(self):
        marker = f"{time.time():.6f}"
        before = self.w.held()
        s = socket.create_connection(("127.0.0.1", self.w.port))
        body = json.dumps({"argv": ["/bin/sh", "-c", f"sleep 600; : {marker}"]}).encode()
        s.sendall(f"POST /v1/sandboxes/{self.id}/exec HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.w.token}\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        time.sleep(0.5)
        self.assertGreater(self.w.held()["fds"], before["fds"])
        s.close()
        now = self.w.settled(before, 4096)
        self.assertLessEqual(now["fds"], before["fds"])
        status, body = self.w.exec(self.id, "/bin/sh", "-c", f"sleep 0.2; grep -al '{marker[:-1]}[{marker[-1]}]' /proc/[0-9]*/cmdline | wc -l")
        self.assertEqual(body["stdout"].strip(), "0")


if __name__ == "__main__":
    unittest.main()
