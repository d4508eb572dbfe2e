"""Database servers on unix sockets."""
import re

from harness import workload


def scrub(text):
    return re.sub(r"(server process with PID) \d+", r"\1 N", text)


@workload("full", timeout=400)
def postgres(t):
    """PostgreSQL: initdb, pgbench, parallel queries, cancel, kill -9 and recovery, on a gofer tree"""
    r = t.same("bash /guest/postgres.sh /work 50", scrub=scrub)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full", slow=True, timeout=900)
def postgres_long(t):
    """the same on tmpfs, with more transactions"""
    r = t.same("bash /guest/postgres.sh /tmp 2000", scrub=scrub)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full", timeout=240)
def redis(t):
    """redis: pipelines, scripts, RDB and AOF persistence by fork, kill -9 and reload, publish, blocking pops, redis-benchmark"""
    r = t.same("bash /guest/redis.sh /work")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"
