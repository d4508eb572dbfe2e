"""More files and directories than the gofer may have descriptors: everything on them still works."""
import errno, os, resource, sys

n, m = 1200, 500
os.makedirs("t/d")
os.chdir("t")
held = open("held", "w+")  # open, and nameless later
held.write("held")
held.flush()
os.unlink("held")
os.mkdir("cwd")
for i in range(n):
    with open(f"d/{i}", "w") as f:
        f.write(f"file {i}\n")
for i in range(m):
    os.makedirs(f"dirs/{i % 50}/{i}/below")
deep = os.open(".", os.O_DIRECTORY)
for i in range(150):
    os.mkdir("x", dir_fd=deep)
    below = os.open("x", os.O_DIRECTORY, dir_fd=deep)
    os.close(deep)
    deep = below
for i in range(n):  # once more: attributes, contents, changes by name
    assert os.stat(f"d/{i}").st_size == len(f"file {i}\n")
    os.chmod(f"d/{i}", 0o600 + i % 8)
for i in range(0, n, 3):
    os.rename(f"d/{i}", f"d/renamed-{i}")
for i in range(1, n, 3):
    os.link(f"d/{i}", f"dirs/link-{i}")
    os.unlink(f"d/{i}")
for i in range(2, n, 3):
    with open(f"d/{i}", "r+") as f:
        assert f.read() == f"file {i}\n"
        f.write("more")
        os.fsync(f.fileno())
for i in range(0, n, 3):
    assert os.stat(f"d/renamed-{i}").st_mode & 0o777 == 0o600 + i % 8
    assert open(f"d/renamed-{i}").read() == f"file {i}\n"
for i in range(1, n, 3):
    os.utime(f"dirs/link-{i}", (1, 2))
    assert open(f"dirs/link-{i}").read() == f"file {i}\n" and os.stat(f"dirs/link-{i}").st_mtime == 2
assert sum(len(files) for _, _, files in os.walk(".")) == n
resource.setrlimit(resource.RLIMIT_NOFILE, (5000, 5000))
many = []  # more open at once than the kernel that runs us may have
try:
    for top, _, files in os.walk("."):
        many += [open(f"{top}/{f}") for f in files]
    print("all could be opened")
except OSError as e:
    print(errno.errorcode[e.errno])
while many:
    assert many.pop().read(4) in ("file", "more")
os.fchmod(held.fileno(), 0o640)
held.seek(0)
assert held.read() == "held" and os.fstat(held.fileno()).st_nlink == 0
os.mkdir("bottom", dir_fd=deep)
assert os.listdir(deep) == ["bottom"]
for top, dirs, files in os.walk(".", topdown=False):
    for f in files:
        os.unlink(f"{top}/{f}")
    for d in dirs:
        os.rmdir(f"{top}/{d}")
print("done", os.listdir("."))
