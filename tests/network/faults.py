"""What goes wrong between a sandbox and the world: floods, idle and stuck peers, links that go down. Nothing may hang, and nothing may stay in
the sentry once all sockets are closed. The peers are programs of Linux, the server is in the sandbox unless said otherwise."""
import os, re, subprocess, sys, time

from world import Failed, HERE, host

# what belongs to connections, packets and sockets; the rest of the network (devices, routes, neighbours) stays
OURS = re.compile(r"tcp|inet_sock|net_sock|pkt|net_data|sock_error|sock_membership|udp|time_wait|struct socket$")
POOL = {"struct pkt": 256}  # what the stack keeps for the next packets
ECHO = "python3 /work/side/echo.py"


def ours(w):
    return {name: count for name, (count, _) in w.arena().items() if OURS.search(name) and count}


def arena_bytes(w):
    return sum(size for _, size in w.arena().values())


def settle(w, before, timeout, but=()):
    """Waits until no more of ours lives than before."""
    deadline = time.monotonic() + timeout
    while True:
        more = {k: v for k, v in ours(w).items() if v > max(before.get(k, 0), POOL.get(k, 0)) and k not in but}
        if not more:
            return
        if time.monotonic() > deadline:
            raise Failed(f"{timeout} s after all sockets are closed there is still: {more}")
        time.sleep(0.5)


def reachable(w, port, count=20):
    """A server of the sandbox answers Linux, on new connections."""
    said = w.linux.sh(f"{ECHO} client 10.9.0.2 {port} {count} 1", 120)
    if not said.startswith(f"ok {count}"):
        raise Failed(said)


def netstat(w, name):
    text = w.guest.sh("cat /proc/net/netstat").splitlines()
    for names, values in zip(text[::2], text[1::2]):
        if name in names.split():
            return int(values.split()[names.split().index(name)])
    return 0


def flood(network, port, count, hosts=65000):
    return subprocess.Popen([sys.executable, HERE + "/side/flood.py", network, "10.9.0.2", str(port), str(count), str(hosts)], stdout=subprocess.PIPE)


def syn_flood(w, long):
    """Sources somewhere in the world."""
    w.guest.serve(f"{ECHO} server 7001", 7001)
    cookies = netstat(w, "SyncookiesSent")
    host("ip", "route", "replace", "blackhole", "10.77.0.0/16")
    f = flood("10.77.0.0", 7001, 200000 if long else 30000)
    rounds = 0
    while f.poll() is None or not rounds:
        reachable(w, 7001)
        rounds += 1
    return f"{f.stdout.read().decode().strip()} SYNs, {rounds * 20} connections meanwhile, {netstat(w, 'SyncookiesSent') - cookies} cookies"


def syn_flood_neighbours(w, long):
    """Sources that should be neighbours of the sandbox, so that each answer asks for an address that nobody has."""
    w.guest.serve(f"{ECHO} server 7001", 7001)
    f = flood("10.9.0.0", 7001, 20000 if long else 5000, 240)
    rounds = 0
    while f.poll() is None or not rounds:
        reachable(w, 7001)
        rounds += 1
    return f"{f.stdout.read().decode().strip()} SYNs, {rounds * 20} connections meanwhile"


def half_open(w, long):
    w.guest.serve(f"{ECHO} server 7001", 7001)
    host("ip", "route", "replace", "blackhole", "10.77.0.0/16")
    flood("10.77.0.0", 7001, 1000).wait(60)
    time.sleep(0.5)
    count, size = w.arena().get("struct tcp_request", (0, 0))
    if count < 900:
        raise Failed(f"1,000 half-open connections are not there: {ours(w)}")
    reachable(w, 7001)
    w.guest.stop()
    settle(w, {}, 10, but=("struct tcp_time_wait",))
    return f"{count} requests of {size // count} bytes"


def idle(w, long):
    count = 10000 if long else 3000
    w.guest.serve(f"{ECHO} server 7001", 7001)
    reachable(w, 7001)
    before, start, pages = ours(w), arena_bytes(w), w.sentry.ask("stats")["arena_bytes"]
    client = w.linux.start(f"{ECHO} idle 10.9.0.2 7001 {count}")
    while b"open" not in client.out:
        if client.ended.wait(0.2):
            raise Failed(f"the client ended: {client.text()}")
    each = (arena_bytes(w) - start) / count
    paged = (w.sentry.ask("stats")["arena_bytes"] - pages) / count
    if each > 4096:
        raise Failed(f"an idle connection costs {each:.0f} bytes; objects: "
                     f"{ {k: v - before.get(k, 0) for k, v in ours(w).items() if v > before.get(k, 0)} }")
    reachable(w, 7001)
    client.kill()
    client.wait(60)
    settle(w, before, 60, but=("struct tcp_time_wait",))
    return f"{count} connections, {each:.0f} bytes each in objects, {paged:.0f} in pages"


def never_read(w, long):
    """Twenty clients send to a server that never reads."""
    w.guest.serve("python3 /work/side/stall.py server 7002 never", 7002)
    w.guest.serve(f"{ECHO} server 7001", 7001)
    before, start = ours(w), arena_bytes(w)
    clients = [w.linux.start("python3 /work/side/stall.py client 10.9.0.2 7002 32 0") for _ in range(20)]
    time.sleep(4)
    if any(c.ended.is_set() for c in clients):
        raise Failed(f"a client has ended: {[c.text() for c in clients if c.ended.is_set()][:2]}")
    held = arena_bytes(w) - start
    if held > 20 * 600000:  # SO_RCVBUF is 131,072, and blocks of 32 KiB may be held by a few bytes each
        raise Failed(f"20 connections with receive buffers of 128 KiB hold {held >> 10} KiB")
    reachable(w, 7001)
    w.linux.stop()
    w.guest.stop()
    settle(w, {}, 30, but=("struct tcp_time_wait",))
    return f"20 connections hold {held >> 10} KiB"


def never_reads_us(w, long):
    """Twenty clients in the sandbox send to a server that never reads; they are killed, and their connections end with the peer's."""
    w.linux.serve("python3 /work/side/stall.py server 7002 never", 7002)
    before, start = ours(w), arena_bytes(w)
    clients = [w.guest.start("python3 /work/side/stall.py client 10.8.0.2 7002 32 0") for _ in range(20)]
    time.sleep(6)
    if any(c.ended.is_set() for c in clients):
        raise Failed(f"a client has ended: {[c.text() for c in clients if c.ended.is_set()][:2]}")
    held = arena_bytes(w) - start
    w.guest.stop()
    w.linux.stop()
    settle(w, {}, 30, but=("struct tcp_time_wait",))
    return f"20 connections held {held >> 10} KiB"


def zero_window(w, long):
    rest = 90 if long else 2  # the server takes one after the other: the second waits twice as long
    said = []
    for server, client in ((w.guest, w.linux), (w.linux, w.guest)):
        server.serve(f"python3 /work/side/stall.py server 7003 {rest}", 7003)
        runs = [client.start(f"python3 /work/side/stall.py client {server.address(family)} 7003 8 {rest}") for family in (4, 6)]
        for run in runs:
            if run.wait(2 * rest + 120):
                raise Failed(f"{client.name}: {run.text()}")
            said.append(run.text().strip())
        server.stop()
    return "; ".join(said)


def transfer_with(w, disturb):
    """Both ways over both families while something happens to the link."""
    runs = []
    for server, client in ((w.guest, w.linux), (w.linux, w.guest)):
        server.serve("python3 /work/side/stall.py server 7004 2", 7004)
        runs += [client.start(f"python3 /work/side/stall.py client {server.address(family)} 7004 32 0") for family in (4, 6)]
        server.sh("until [ $(ss -Htn state established sport = :7004 | wc -l) = 2 ]; do sleep 0.1; done", 60)
    disturb()
    for run in runs:
        if run.wait(120):
            raise Failed(f"{run.side.name}: {run.text()}")
    return "; ".join(run.text().strip() for run in runs)


def link_down(w, long):
    """The host's end of the device goes down, so that every write to it fails, and up again."""
    def disturb():
        host("ip", "link", "set", "t0", "down")
        time.sleep(20 if long else 3)
        host("ip", "link", "set", "t0", "up")
        host("ip", "-6", "addr", "replace", "fd09::1/64", "dev", "t0", "nodad")
    return transfer_with(w, disturb)


def guest_link_down(w, long):
    def disturb():
        w.guest.sh("ip link set eth0 down")
        time.sleep(20 if long else 3)
        w.guest.sh("ip link set eth0 up && ip route replace default via 10.9.0.1 && ip -6 addr replace fd09::2/64 dev eth0 nodad && "
                   "ip -6 route replace default via fd09::1")
    return transfer_with(w, disturb)


def smaller_mtu(w, long):
    """A narrower link on the way: fragmentation needed, packet too big."""
    def mtu(size):
        host("ip", "link", "set", "r0", "mtu", str(size))
        host(*w.in_linux, "ip", "link", "set", "l0", "mtu", str(size))
    try:
        return transfer_with(w, lambda: mtu(1300))
    finally:
        mtu(1500)


def nothing_left(w, long):
    w.guest.stop(), w.linux.stop()
    settle(w, {}, 20, but=("struct tcp_time_wait",))
    if long:
        settle(w, {}, 90)
    return "no socket, connection or packet is left" + (", nor one in TIME_WAIT" if long else "")


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def device_gone(w, long):
    """The device is taken away for good: the sandbox lives on, idle, with its loopback."""
    w.guest.serve(f"{ECHO} server 7001", 7001)
    w.linux.serve("python3 /work/side/stall.py server 7002 1", 7002)
    runs = [w.guest.start("bash -c 'exec 3<>/dev/udp/10.9.0.1/9; while sleep 0.1; do echo x >&3; done'"),
            w.guest.start("python3 /work/side/stall.py client 10.8.0.2 7002 512 0")]
    time.sleep(0.5)
    host("ip", "link", "del", "t0")
    w.guest.sh(f"ip link show eth0; {ECHO} client 127.0.0.1 7001 20 2")
    for run in runs:
        run.kill()
    w.guest.stop()
    time.sleep(1)
    before = cpu_ticks(w.sentry.pid)
    time.sleep(2)
    used = cpu_ticks(w.sentry.pid) - before
    if used > os.sysconf("SC_CLK_TCK"):
        raise Failed(f"the sentry, with nothing to do, used {used} ticks in 2 s")
    return f"{used} ticks in 2 s"


FAULTS = (syn_flood, syn_flood_neighbours, half_open, idle, never_read, never_reads_us, zero_window, link_down, guest_link_down, smaller_mtu,
          nothing_left, device_gone)


def run(w, results, long):
    for fn in FAULTS:
        title = "faults: " + fn.__name__.replace("_", " ")
        if results.wanted(title):
            results.attempt(title, fn, w, long)
            w.guest.stop(), w.linux.stop()
