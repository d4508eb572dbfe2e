"""web.py server PORT | client HOST PORT REQUESTS: python's own HTTP server and client. The server answers GET /N with N bytes that follow from N,
POST with the SHA-256 of what came, and /git/… with `git http-backend` on /work/git."""
import hashlib, http.client, http.server, os, socket, subprocess, sys, concurrent.futures


def content(n):
    return (b"%d," % n * (n // 2 + 1))[:n]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536

    def log_message(self, *a):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, body, status=200, headers=()):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def git(self):
        path, _, query = self.path.partition("?")
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": "/work/git", "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path[4:], "QUERY_STRING": query,
               "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""), "REMOTE_USER": "peer", "REMOTE_ADDR": "peer",
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
               "HOME": "/root"}
        r = subprocess.run(["git", "-c", "safe.directory=*", "http-backend"], input=self.body(), stdout=subprocess.PIPE, env=env)
        head, _, body = r.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n") if line]
        status = next((int(v.split()[0]) for k, v in headers if k == "Status"), 200)
        self.answer(body, status, [h for h in headers if h[0] != "Status"])

    def do_GET(self):
        self.git() if self.path.startswith("/git/") else self.answer(content(int(self.path[1:])))

    def do_POST(self):
        self.git() if self.path.startswith("/git/") else self.answer(hashlib.sha256(self.body()).hexdigest().encode())


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    request_queue_size = 256
    daemon_threads = True


def worker(args):
    host, port, count, k = args
    c = http.client.HTTPConnection(host, port, timeout=60)
    for i in range(count):
        n = (i * 7919 + k * 104729) % 200000
        c.request("GET", f"/{n}")
        if c.getresponse().read() != content(n):
            raise SystemExit(f"GET /{n}: the answer is wrong")
        if i % 10 == 0:
            data = os.urandom(n)
            c.request("POST", "/", body=iter([data[:1000], data[1000:]]) if i % 20 and n > 1000 else data, encode_chunked=bool(i % 20 and n > 1000),
                      headers={"Transfer-Encoding": "chunked"} if i % 20 and n > 1000 else {})
            if c.getresponse().read().decode() != hashlib.sha256(data).hexdigest():
                raise SystemExit(f"POST of {n} bytes: they arrived changed")
    c.close()
    return count


if sys.argv[1] == "server":
    Server(("::", int(sys.argv[2])), Handler).serve_forever()
total = int(sys.argv[4])
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print("ok", sum(pool.map(worker, [(sys.argv[2], int(sys.argv[3]), total // 16, k) for k in range(16)])))
