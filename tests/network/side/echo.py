"""echo.py server PORT | client HOST PORT CONNECTIONS ROUNDS | idle HOST PORT CONNECTIONS: many connections at once, one epoll each side.
The client opens all, then sends on every one and checks every byte, ROUNDS times, and prints "ok N"; idle opens them, has each answered once,
prints "open N" and keeps them until its standard output's reader is gone or it is killed."""
import resource, select, socket, sys, time

_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 100000), hard))


def server(port):
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", port))
    s.listen(4096)
    s.setblocking(False)
    ep = select.epoll()
    ep.register(s, select.EPOLLIN)
    conns = {}
    while True:
        for fd, ev in ep.poll():
            if fd == s.fileno():
                while True:
                    try:
                        c, _ = s.accept()
                    except BlockingIOError:
                        break
                    except OSError:
                        continue
                    conns[c.fileno()] = c
                    ep.register(c, select.EPOLLIN)
                continue
            try:
                d = conns[fd].recv(65536)
                if d:
                    conns[fd].setblocking(True)
                    conns[fd].sendall(d)
                    continue
            except OSError:
                pass
            conns.pop(fd).close()


def connect_all(host, port, count):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ep, conns, started = select.epoll(), {}, 0
    pending = set()
    deadline = time.monotonic() + 120
    while started < count or pending:
        while started < count and len(pending) < 500:
            c = socket.socket(family)
            c.setblocking(False)
            c.connect_ex((host, port))
            conns[c.fileno()] = c
            pending.add(c.fileno())
            ep.register(c, select.EPOLLOUT)
            started += 1
        for fd, ev in ep.poll(1):
            err = conns[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if err:
                sys.exit(f"connection {len(conns)}: error {err}")
            pending.discard(fd)
            ep.unregister(fd)
        if time.monotonic() > deadline:
            sys.exit(f"stuck: {len(pending)} of {started} connections are not open")
    return ep, conns


def one_round(ep, conns, r):
    waiting = {}
    for fd, c in conns.items():
        message = (b"%d %d " % (fd, r)) * 8
        c.sendall(message)
        waiting[fd] = message
        ep.register(fd, select.EPOLLIN)
    deadline = time.monotonic() + 120
    while waiting:
        for fd, ev in ep.poll(1):
            got = conns[fd].recv(65536)
            if not got or not waiting[fd].startswith(got):
                sys.exit(f"descriptor {fd}: {got!r} came, {waiting[fd]!r} was expected")
            waiting[fd] = waiting[fd][len(got):]
            if not waiting[fd]:
                del waiting[fd]
                ep.unregister(fd)
        if time.monotonic() > deadline:
            sys.exit(f"stuck: {len(waiting)} answers are missing")


if sys.argv[1] == "server":
    server(int(sys.argv[2]))
host, port, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
start = time.monotonic()
ep, conns = connect_all(host, port, count)
opened = time.monotonic()
if sys.argv[1] == "idle":
    one_round(ep, conns, 0)
    print("open", len(conns), flush=True)
    time.sleep(3600)
for r in range(int(sys.argv[5])):
    one_round(ep, conns, r)
print(f"ok {len(conns)} opened in {opened - start:.2f} s, a round in {(time.monotonic() - opened) / int(sys.argv[5]):.2f} s")
