"""git and databases."""
import os, re

from harness import Skip, check, workload


def scrub_git(text):
    return re.sub(r"\b[0-9a-f]{7,40}\b", "HASH", text)


@workload()
def git(t):
    """git: init, commits, branches, merge with a conflict, rebase, stash, clone, push, fetch, tags, gc, fsck, bisect, worktree, blame"""
    t.same("sh /guest/git.sh", scrub=scrub_git)


@workload(slow=True, timeout=500)
def git_10000(t):
    """clone and fsck of a repository with more than 10,000 objects, status of its 10,000 files"""
    r = t.same("sh /guest/git_big.sh", scrub=scrub_git)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def sqlite3(t):
    """the sqlite3 shell: transactions in all journal modes, WAL from several processes, integrity checks, a crash in a transaction"""
    t.same("sh /guest/sqlite.sh")


@workload(slow=True, timeout=300)
def data_on_tmpfs(t):
    """git and sqlite3 once more, on tmpfs"""
    t.same("cd /tmp && sh /guest/git.sh", scrub=scrub_git)
    t.same("cd /tmp && sh /guest/sqlite.sh")


@workload(slow=True, timeout=300)
def sqlite3_speed(t):
    """a speed test after sqlite's own: 100,000 inserts, indexed look-ups, updates, joins, deletes, vacuum"""
    r = t.same("sh /guest/sqlite_speed.sh /work")
    s = t.same("sh /guest/sqlite_speed.sh /tmp")
    return f"gofer {r.seconds:.2f} s, natively {r.native_seconds:.2f} s; tmpfs {s.seconds:.2f} s, natively {s.native_seconds:.2f} s"


def speedtest1(t, size):
    if not os.path.exists(t.root + "/opt/sqlite/speedtest1"):
        raise Skip("the tree was made without it (tests/rootfs/customize.full); to try again remove " + t.root)
    # what it tells but for the times, among it a hash of all results; the file is left in the same state
    command = "; ".join(f"/opt/sqlite/speedtest1 --verify --size {size} {options} {{0}}/db 2>&1 && sqlite3 {{0}}/db 'pragma integrity_check; pragma page_count' && rm -f {{0}}/db*"
                        for options in ("--testset main", "--testset cte", "--testset orm", "--testset fp", "--testset main --journal wal --mmap 100000000", "--testset main --multithread --exclusive"))

    def scrub(text):
        return re.sub(r" *\d+\.\d+s", " T", text)
    a = t.same(command.format("/work"), scrub=scrub)
    b = t.same(command.format("/tmp"), scrub=scrub)
    check(a.out.count("TOTAL") == 6, a.out[-2000:])
    return f"gofer {a.seconds:.2f} s, natively {a.native_seconds:.2f} s; tmpfs {b.seconds:.2f} s, natively {b.native_seconds:.2f} s"


@workload("full")
def sqlite3_speedtest1(t):
    """sqlite's own speed test, a tenth of its size, in six modes"""
    return speedtest1(t, 5)


@workload("full", slow=True, timeout=900)
def sqlite3_speedtest1_long(t):
    """sqlite's own speed test at its full size"""
    return speedtest1(t, 100)
