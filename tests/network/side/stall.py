"""stall.py server PORT SECONDS | client HOST PORT MIB SECONDS: a stream whose reader rests for SECONDS, so that the window is shut, and then reads
on. The server answers with the SHA-256 of what came. "never" instead of SECONDS: the server accepts and never reads."""
import hashlib, os, socket, sys, time

if sys.argv[1] == "server":
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.bind(("::", int(sys.argv[2])))
    s.listen(128)
    kept = []
    while True:
        c, _ = s.accept()
        if sys.argv[3] == "never":
            kept.append(c)
            continue
        h = hashlib.sha256(c.recv(1000))
        time.sleep(float(sys.argv[3]))
        while d := c.recv(65536):
            h.update(d)
        c.sendall(h.hexdigest().encode())
        c.close()
host, port, mib = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
c = socket.create_connection((host, port), 60)
c.settimeout(600)
data = os.urandom(mib << 20)
start = time.monotonic()
c.sendall(data)
c.shutdown(socket.SHUT_WR)
said = b""
while d := c.recv(100):
    said += d
if said.decode() != hashlib.sha256(data).hexdigest():
    sys.exit(f"the bytes arrived changed: {said!r}")
print(f"ok {mib} MiB in {time.monotonic() - start:.1f} s")
