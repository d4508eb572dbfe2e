"""git and databases."""
import re

from harness import check, workload


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
