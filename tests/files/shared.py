"""tests/files/shared.py BUILD ROOT: what a sandbox and the host see of each other's changes to one tree. With --file-access shared the sandbox sees
the host's within a second or so (here: ten at most), with exclusive the host sees the sandbox's at once. ask.c is what runs inside."""
import os
import shutil
import subprocess
import sys
import time

BUILD, ROOT = sys.argv[1:3]
DATA = ROOT + "/shared"
failures = []


class Sandbox:
    def __init__(self, access):
        self.p = subprocess.Popen([BUILD + "/bin/warren", "run", "--rootfs", ROOT, "--file-access", access, "--", "/bin/ask"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        assert self.ask(None) == "ready"

    def ask(self, line):
        if line is not None:
            self.p.stdin.write(line + "\n")
        return self.p.stdout.readline().rstrip("\n")

    def sees(self, line, want, within=10):
        end = time.time() + within
        while (got := self.ask(line)) != want and time.time() < end:
            time.sleep(0.05)
        if got != want:
            failures.append(f"{line!r}: {got!r} instead of {want!r}")

    def end(self):
        self.p.stdin.close()
        if self.p.wait(20):
            failures.append(f"the sandbox ended with {self.p.returncode}")

    def sentry_fds(self):
        """what the descriptors of our sentry lead to"""
        keeper_children = []
        for d in os.listdir("/proc"):
            try:
                if d.isdigit() and os.readlink(f"/proc/{d}/exe").endswith("/warren-sentry") and self.descends(int(d)):
                    keeper_children = [os.readlink(f"/proc/{d}/fd/{f}") for f in os.listdir(f"/proc/{d}/fd")]
            except OSError:
                pass
        return keeper_children

    def descends(self, pid):
        while pid > 1:
            if pid == self.p.pid:
                return True
            with open(f"/proc/{pid}/stat") as f:
                pid = int(f.read().rsplit(")", 1)[1].split()[1])
        return False


def host(name, text, mode="w"):
    with open(f"{DATA}/{name}", mode) as f:
        f.write(text)


def read(name):
    with open(f"{DATA}/{name}") as f:
        return f.read()


def check(what, got, want):
    if got != want:
        failures.append(f"{what}: {got!r} instead of {want!r}")


def contents_by_the_host(s):
    host("a", "one")
    s.sees("cat /shared/a", "one")
    host("a", "two two")  # another size, the same inode
    s.sees("cat /shared/a", "two two")
    s.sees("stat /shared/a", "100644 7 1")
    host("a", " and more", "a")
    s.sees("cat /shared/a", "two two and more")
    os.truncate(DATA + "/a", 3)
    s.sees("cat /shared/a", "two")
    s.sees("stat /shared/a", "100644 3 1")


def names_by_the_host(s):
    s.sees("stat /shared/new", "-ENOENT")
    host("new", "x")
    s.sees("cat /shared/new", "x")
    host("other", "replaced")
    os.rename(DATA + "/other", DATA + "/new")  # another inode under the name
    s.sees("cat /shared/new", "replaced")
    s.sees("stat /shared/other", "-ENOENT")
    os.unlink(DATA + "/new")
    s.sees("cat /shared/new", "-ENOENT")
    os.mkdir(DATA + "/new")  # of another kind
    s.sees("stat /shared/new/x", "-ENOENT")
    host("new/x", "inside")
    s.sees("cat /shared/new/x", "inside")
    s.sees("list /shared/new", "x")
    host("new/y", "")
    s.sees("list /shared/new", "x y")
    os.unlink(DATA + "/new/x")
    s.sees("list /shared/new", "y")
    os.symlink("new/y", DATA + "/l")
    s.sees("readlink /shared/l", "new/y")
    os.unlink(DATA + "/l")
    os.symlink("a", DATA + "/l")
    s.sees("readlink /shared/l", "a")
    s.sees("cat /shared/l", "two")
    os.link(DATA + "/a", DATA + "/b")
    s.sees("stat /shared/a", "100644 3 2")
    os.chmod(DATA + "/a", 0o600)
    s.sees("stat /shared/b", "100600 3 2")


def many_by_the_host(s):
    os.mkdir(DATA + "/many")
    for i in range(200):
        host(f"many/{i:03}", "old")
    for i in range(200):
        s.sees(f"cat /shared/many/{i:03}", "old", 5)
    kept = sum("/many/" in f for f in s.sentry_fds())
    check(f"descriptors kept of closed files, of which there are {kept},", kept <= 70, True)
    for i in range(0, 200, 2):
        os.unlink(DATA + f"/many/{i:03}")
        host(f"many/{i + 1:03}", "newer")
    s.sees("list /shared/many", " ".join(f"{i:03}" for i in range(1, 200, 2)))
    for i in range(200):
        s.sees(f"cat /shared/many/{i:03}", "newer" if i % 2 else "-ENOENT")


def open_files(s):
    host("h", "before")
    s.sees("hold /shared/h", "0")
    s.sees("held", "before")
    host("h", "after!!!")
    s.sees("held", "after!!!")
    s.sees("map", "0")
    s.sees("mapped", "after!!!")
    with open(DATA + "/h", "r+") as f:
        f.write("mapped")
    s.sees("mapped", "mapped!!")
    s.sees("poke poked", "poked")
    check("the host's view of a mapping", read("h")[:5], "poked")
    os.rename(DATA + "/h", DATA + "/h2")  # it stays open under whatever name
    s.sees("stat /shared/h", "-ENOENT")
    host("h2", "moved")
    s.sees("held", "moved")


def changes_from_inside(s):
    check("put", s.ask("put /shared/in one"), "3")
    check("at once on the host", read("in"), "one")
    check("append", s.ask("append /shared/in two"), "3")
    check("appended", read("in"), "onetwo")
    check("ln", s.ask("ln /shared/in /shared/in2"), "0")
    check("put by the other name", s.ask("put /shared/in2 x"), "1")
    check("one file", s.ask("cat /shared/in"), "x")
    check("its size", s.ask("stat /shared/in"), "100644 1 2")
    check("truncate", s.ask("truncate /shared/in 4000"), "0")
    check("size by the other name", s.ask("stat /shared/in2"), "100644 4000 2")
    check("size on the host", os.stat(DATA + "/in2").st_size, 4000)
    check("rm", s.ask("rm /shared/in"), "0")
    check("one name is left", s.ask("stat /shared/in2"), "100644 4000 1")
    check("put again", s.ask("put /shared/in2 again"), "5")
    check("hold", s.ask("hold /shared/in2"), "0")
    check("rm of what is open", s.ask("rm /shared/in2"), "0")
    check("it is there", s.ask("held"), "again")
    check("it is not", s.ask("cat /shared/in2"), "-ENOENT")
    check("gone on the host", os.path.exists(DATA + "/in2"), False)
    check("put anew", s.ask("put /shared/in2 anew"), "4")
    check("another file", s.ask("held") + " " + s.ask("cat /shared/in2"), "again anew")
    check("mkdir", s.ask("mkdir /shared/dir"), "0")
    check("list of a new directory", s.ask("list /shared/dir"), "")
    check("mv", s.ask("mv /shared/in2 /shared/dir/in3"), "0")
    check("list", s.ask("list /shared/dir"), "in3")
    check("moved on the host", read("dir/in3"), "anew")
    check("put over", s.ask("put /shared/over old"), "3")
    check("cat it", s.ask("cat /shared/over"), "old")
    check("mv over", s.ask("mv /shared/dir/in3 /shared/over"), "0")
    check("cat what is there now", s.ask("cat /shared/over"), "anew")
    check("rmdir", s.ask("rmdir /shared/dir"), "0")
    check("list of what is gone", s.ask("list /shared/dir"), "-ENOENT")


def space_comes_back(s):
    """a closed file's descriptor is not kept beyond its name"""
    for i in range(50):
        s.ask(f"put /shared/space{i} x")
        s.ask(f"cat /shared/space{i}")
    check("kept", any("/space" in f for f in s.sentry_fds()), True)
    for i in range(50):
        s.ask(f"rm /shared/space{i}")
    check("descriptors of removed files", [f for f in s.sentry_fds() if "(deleted)" in f and "/space" in f], [])


def attributes(s):
    """who has none is remembered; a tree of the host's has them, and not on all files"""
    for i in range(3, 30):
        check(f"attribute of {i}", s.ask(f"getx /shared/attrs/{i}"), "seven" if i % 7 == 0 else "-ENODATA")
        check(f"list of {i}", s.ask(f"listx /shared/attrs/{i}"), "7" if i % 7 == 0 else "0")
        check(f"label of {i}", s.ask(f"label /shared/attrs/{i}"), "-EOPNOTSUPP")
    for name in "attrs/5", "attrs/14", "attrs/made":
        s.ask(f"append /shared/{name} x")
        check(f"set on {name}", s.ask(f"setx /shared/{name} mine"), "0")
        check(f"get from {name}", s.ask(f"getx /shared/{name}"), "mine")
        check(f"{name} on the host", os.getxattr(f"{DATA}/{name}", "user.x"), b"mine")
        check(f"link to {name}", s.ask(f"ln /shared/{name} /shared/{name}.b"), "0")
        check(f"set by the link of {name}", s.ask(f"setx /shared/{name}.b other"), "0")
        check(f"get from {name} again", s.ask(f"getx /shared/{name}"), "other")
        check(f"remove from {name}", s.ask(f"rmx /shared/{name}"), "0")
        check(f"get by the link of {name}", s.ask(f"getx /shared/{name}.b"), "-ENODATA")
        check(f"removed from {name} on the host", os.listxattr(f"{DATA}/{name}"), [])


def host_attributes(s):
    s.sees("getx /shared/a", "-ENODATA")
    os.setxattr(DATA + "/a", "user.x", b"host's")
    s.sees("getx /shared/a", "host's")
    os.removexattr(DATA + "/a", "user.x")
    s.sees("getx /shared/a", "-ENODATA")


def make_attributes():
    os.mkdir(DATA + "/attrs")
    for i in range(30):
        host(f"attrs/{i}", str(i))
        if i % 7 == 0:
            os.setxattr(f"{DATA}/attrs/{i}", "user.x", b"seven")


os.mkdir(DATA)
make_attributes()
sandbox = Sandbox("shared")
for part in contents_by_the_host, names_by_the_host, many_by_the_host, open_files, host_attributes, changes_from_inside, attributes:
    part(sandbox)
sandbox.end()
shutil.rmtree(DATA + "/attrs")
make_attributes()
sandbox = Sandbox("exclusive")
for part in attributes, changes_from_inside, space_comes_back:
    part(sandbox)
sandbox.end()
print("\n".join(failures) or "both policies")
sys.exit(bool(failures))
