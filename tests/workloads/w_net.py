"""Servers and clients over loopback."""
from harness import check, workload


@workload()
def net_http(t):
    """python's http.server with urllib, http.client and curl, over 127.0.0.1 and ::1"""
    r = t.same("python3 /guest/net_http.py")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def net_asyncio(t):
    """asyncio: 300 connections at once, cancelled reads, datagrams"""
    r = t.same("python3 /guest/net_asyncio.py")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def net_tools(t):
    """ip, ss, nc and getent see one network"""
    r = t.good("nc -l 127.0.0.1 4321 > got & for i in $(seq 100); do ss -Hltn | grep -q 4321 && break; sleep 0.05; done;"
               " ss -Hltnp; echo hello | nc -N 127.0.0.1 4321; wait; cat got; ip -o -4 addr show lo; ip -6 -o addr show lo;"
               " ip route get 127.0.0.1; getent ahostsv4 localhost; ss -s | head -1")
    for part in ("127.0.0.1:4321", '"nc"', "hello", "inet 127.0.0.1/8", "inet6 ::1/128", "local 127.0.0.1 dev lo", "Total:"):
        check(part in r.out, f"{part} is missing in {r.out}")


@workload("full")
def net_node(t):
    """node: an HTTP server under 20 clients, TCP with half-close over ::1, UDP, look-ups, refusals"""
    r = t.same("node /guest/net_node.js")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full", timeout=240)
def net_redis(t):
    """redis over TCP: a megabyte, a pipeline of 20,000, redis-benchmark with 50 clients"""
    r = t.same("sh /guest/net_redis.sh")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full")
def net_tcpdump(t):
    """tcpdump: loopback and any, to a file and back, filters, rings of versions 3 and 2"""
    r = t.same("sh /guest/net_tcpdump.sh")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"
