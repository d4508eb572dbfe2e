"""A threaded HTTP server and clients of several kinds over both loopbacks; prints what must be the same everywhere."""
import hashlib, http.client, http.server, socket, socketserver, subprocess, threading, urllib.request

DATA = bytes(range(256)) * 20000


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA)))
        self.end_headers()
        self.wfile.write(DATA)

    def do_POST(self):
        body = hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Server6(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


want = hashlib.sha256(DATA).hexdigest()
for server, host in ((http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler), "127.0.0.1"), (Server6(("::1", 0), Handler), "[::1]")):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    print("urllib", hashlib.sha256(urllib.request.urlopen(f"http://{host}:{port}/").read()).hexdigest() == want)
    keep = http.client.HTTPConnection(host.strip("[]"), port)
    for _ in range(20):
        keep.request("POST", "/", DATA)
        assert keep.getresponse().read().decode() == want
    print("post, kept alive")
    results = []
    def get():
        results.append(hashlib.sha256(urllib.request.urlopen(f"http://{host}:{port}/").read()).hexdigest() == want)
    threads = [threading.Thread(target=get) for _ in range(20)]
    [t.start() for t in threads], [t.join() for t in threads]
    print("at once", all(results), len(results))
    curl = subprocess.run(["curl", "-gsS", f"http://{host}:{port}/"], capture_output=True)
    print("curl", curl.returncode, hashlib.sha256(curl.stdout).hexdigest() == want, curl.stderr.decode())
    server.shutdown()
    server.server_close()
print("localhost", sorted({a[4][0] for a in socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)}))
