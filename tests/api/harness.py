"""What the tests of the HTTP interface share: a warrend of their own, a client, a WebSocket, a count of what is held."""
import base64, http.client, json, os, select, shutil, signal, socket, struct, subprocess, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("WARREN_BIN", os.path.join(ROOT, "build", "bin"))
ASAN = b"__asan_init" in open(os.path.join(BIN, "warrend"), "rb").read()
FAKE = os.environ.get("WARREN_LIBEXEC", "").endswith("fake")
ROOTFS = os.environ.get("WARREN_TEST_ROOTFS", "/usr" if FAKE else "")


class Warrend:
    def __init__(self, *options, env=None):
        self.state = tempfile.mkdtemp(prefix="warren-api-test-")
        self.options, self.env, self.port, self.process = options, env or {}, 0, None
        self.start()

    def start(self):
        self.log = open(os.path.join(self.state, "warrend.log"), "ab+")
        at = self.log.seek(0, 2)
        self.process = subprocess.Popen(
            [os.path.join(BIN, "warrend"), "--listen", f"127.0.0.1:{self.port}", "--state-dir", self.state + "/state",
             "--allow-rootfs", ROOTFS, *self.options], stdin=subprocess.DEVNULL, stderr=self.log, env={**os.environ, **self.env})
        deadline = time.time() + 10
        while time.time() < deadline and self.process.poll() is None:
            self.log.seek(at)
            for line in self.log.read().decode().splitlines():
                if '"event":"listening"' in line:
                    self.port = int(json.loads(line)["address"].rsplit(":", 1)[1])
                    self.token = open(self.state + "/state/token").read().strip()
                    return
            time.sleep(0.02)
        raise AssertionError("warrend did not start: " + self.log_text())

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Removes all sandboxes, ends the daemon in order, returns its status."""
        if self.process.poll() is not None:
            self.start()
        for item in self.get("/v1/sandboxes?limit=1000")[1]["items"]:
            self.call("DELETE", "/v1/sandboxes/" + item["id"])
        self.process.terminate()
        try:
            status = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
            status = "did not end on SIGTERM"
        self.log.close()
        shutil.rmtree(self.state, ignore_errors=True)
        return status

    def call(self, method, path, body=None, token=True, headers=None, raw=None, timeout=30):
        """-> status, JSON (or bytes when it is none), headers"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        head = dict(headers or {})
        if token:
            head.setdefault("Authorization", "Bearer " + (self.token if token is True else token))
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            head.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, raw, head)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        try:
            data = json.loads(data) if data else None
        except ValueError:
            pass
        return answer.status, data, dict(answer.getheaders())

    def get(self, path, **more):
        return self.call("GET", path, **more)

    def create(self, **more):
        status, body, _ = self.call("POST", "/v1/sandboxes", {"rootfs": ROOTFS, **more})
        assert status == 201, (status, body, self.log_text())
        return body["id"]

    def exec(self, sandbox, *argv, **more):
        return self.call("POST", f"/v1/sandboxes/{sandbox}/exec", {"argv": list(argv), **more})[:2]

    def held(self):
        """Descriptors, children and resident KiB of the daemon."""
        pid = self.process.pid
        status = open(f"/proc/{pid}/status").read()
        children = open(f"/proc/{pid}/task/{pid}/children").read().split()
        return {"fds": len(os.listdir(f"/proc/{pid}/fd")), "children": len(children),
                "kib": int(status.split("VmRSS:")[1].split()[0])}

    def settled(self, before, slack_kib, seconds=8):
        slack_kib = slack_kib if not ASAN else 1 << 20  # its quarantine holds freed memory
        """Waits until no more is held than before. -> what is held"""
        deadline = time.time() + seconds
        while True:
            now = self.held()
            if (now["fds"] <= before["fds"] and now["children"] <= before["children"]
                    and now["kib"] <= before["kib"] + slack_kib) or time.time() > deadline:
                return now
            time.sleep(0.1)


class WebSocket:
    def __init__(self, warrend, path, headers=None, token=True, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", warrend.port))
        head = {"Host": f"127.0.0.1:{warrend.port}", "Upgrade": "websocket", "Connection": "Upgrade",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        if token:
            head["Authorization"] = "Bearer " + warrend.token
        head.update(headers or {})
        self.socket.sendall(f"GET {path} HTTP/1.1\r\n".encode() +
                            "".join(f"{k}: {v}\r\n" for k, v in head.items() if v is not None).encode() + b"\r\n")
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(4096)
            if not data:
                break
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.status = int(text.split()[1]) if text else 0
        self.headers = {k.lower(): v.strip() for k, _, v in (l.partition(":") for l in text.decode().split("\r\n")[1:])}
        self.closed = None  # the close code

    def send(self, payload, opcode=2):
        if isinstance(payload, str):
            payload, opcode = payload.encode(), 1
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + struct.pack(">H", size) if size < 65536 \
            else bytes([0x80 | 127]) + struct.pack(">Q", size)
        self.socket.sendall(head + b"\0\0\0\0" + payload)

    def _need(self, size):
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data

    def frame(self):
        """-> opcode, payload"""
        self._need(2)
        size, at = self.buffer[1] & 127, 2
        if size == 126:
            self._need(4)
            size, at = struct.unpack(">H", self.buffer[2:4])[0], 4
        elif size == 127:
            self._need(10)
            size, at = struct.unpack(">Q", self.buffer[2:10])[0], 10
        self._need(at + size)
        opcode, payload = self.buffer[0] & 15, self.buffer[at:at + size]
        self.buffer = self.buffer[at + size:]
        return opcode, payload

    def until(self, text, seconds=15):
        """Collects terminal bytes until `text` is among them."""
        seen = b""
        self.socket.settimeout(seconds)
        while text not in seen:
            opcode, payload = self.frame()
            if opcode == 2:
                seen += payload
            elif opcode == 8:
                raise AssertionError(f"closed before {text!r}; seen {seen[-300:]!r}")
        return seen

    def rest(self, seconds=15):
        """-> terminal bytes to the end, the JSON messages; sets closed"""
        seen, messages = b"", []
        self.socket.settimeout(seconds)
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == 2:
                    seen += payload
                elif opcode == 1:
                    messages.append(json.loads(payload))
                elif opcode == 8:
                    self.closed = struct.unpack(">H", payload[:2])[0]
                    self.send(payload[:2], 8)
        except EOFError:
            pass
        except ConnectionResetError:
            pass
        return seen, messages

    def close(self):
        self.socket.close()
