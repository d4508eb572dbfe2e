"""File servers on /dev/fuse: Debian's own programs of libfuse3, used by ordinary programs."""
from harness import check, workload


def both(r):
    check(r.out.endswith("-- whole\n"), "the script did not come to its end, natively neither:\n" + r.out[-1500:] + r.err[-1500:])
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload("full", timeout=180)
def fuse_bindfs(t):
    """bindfs: files, links, mappings, git and sqlite3 on it; one that changes owners and modes; unmounted"""
    return both(t.same("bash /guest/fuse.sh bindfs"))


@workload("full", timeout=180)
def fuse_squashfuse(t):
    """squashfuse: an image of Python's modules, compared and imported from"""
    return both(t.same("bash /guest/fuse.sh squashfuse"))


@workload("full", timeout=180)
def fuse_overlayfs(t):
    """fuse-overlayfs: copy-up, whiteouts, opaque directories, and the same use"""
    return both(t.same("bash /guest/fuse.sh overlay"))


@workload("full", slow=True, timeout=180)
def fuse_sshfs(t):
    """sshfs over an sshd of its own"""
    return both(t.same("bash /guest/fuse.sh sshfs", writable=True))


@workload("full")
def fuse_user(t):
    """bindfs and squashfuse by somebody who is not root, through fusermount3"""
    return both(t.same("bash /guest/fuse.sh user", writable=True))
