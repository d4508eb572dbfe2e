import errno, fcntl, glob, hashlib, mmap, os, pathlib, random, shutil, sqlite3, stat, tempfile, time, zipfile

def attempt(f, *a, **k):
    try: return f(*a, **k)
    except OSError as e: return errno.errorcode[e.errno]
for base in ("/tmp", "/work"):
    print("==", base); os.chdir(base); os.mkdir("py"); os.chdir("py")
    with open("m", "w+b") as f:
        f.truncate(1 << 20)
        with mmap.mmap(f.fileno(), 0) as m:
            m[0:5] = b"hello"; m[1 << 19] = 7; m.flush(); print(os.pread(f.fileno(), 5, 0), m.find(b"\x07"), m.size())
            m.move(100, 0, 5); print(m[100:105]); m.resize(2 << 20); m[-1] = 1; print(os.fstat(f.fileno()).st_size, attempt(m.seek, 5), m.read(3))
            pid = os.fork()
            if pid == 0: m[10:15] = b"child"; os._exit(0)
            os.waitpid(pid, 0); print(m[10:15]); os.pwrite(f.fileno(), b"pwrite", 4096); print(m[4096:4102])
        with mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_COPY) as m: m[0:4] = b"copy"; print(m[:4], os.pread(f.fileno(), 4, 0))
        with mmap.mmap(f.fileno(), 4096, access=mmap.ACCESS_READ, offset=4096) as m: print(m[:6]); print(m.madvise(mmap.MADV_WILLNEED))
    a = mmap.mmap(-1, 4 << 20); a[5] = 9; pid = os.fork()
    if pid == 0: a[6] = 10; os._exit(0)
    os.waitpid(pid, 0); print(a[5], a[6]); a.close()
    os.makedirs("a/b/c"); pathlib.Path("a/f").write_text("text"); os.symlink("f", "a/l"); os.link("a/f", "a/h"); print(sorted(os.listdir("a")), os.readlink("a/l"), os.stat("a/h").st_nlink)
    print([sorted(x.name for x in os.scandir("a") if x.is_dir()), sorted(glob.glob("**/*", recursive=True))])
    shutil.copytree("a", "copy", symlinks=True); print([(d, sorted(x), sorted(f)) for d, x, f in sorted(os.walk("copy"))]); shutil.move("copy", "moved"); shutil.rmtree("moved"); print(os.path.exists("moved"))
    shutil.make_archive("z", "zip", "a"); print(sorted(zipfile.ZipFile("z.zip").namelist())); shutil.make_archive("t", "gztar", "a"); shutil.unpack_archive("t.tar.gz", "un"); print(sorted(os.listdir("un")))
    print([attempt(*c) for c in ((os.mkdir, "a"), (os.rmdir, "a"), (os.unlink, "a"), (os.open, "a", os.O_WRONLY), (os.rename, "a", "a/b/x"), (os.readlink, "a/f"), (os.open, "a/f/x", 0), (os.link, "a", "x"), (os.truncate, "none", 1), (os.chdir, "a/f"), (os.open, "x" * 256, 0), (os.open, "a/l", os.O_NOFOLLOW), (os.open, "a/f", os.O_DIRECTORY), (os.open, "a/f", os.O_CREAT | os.O_EXCL))])
    with tempfile.TemporaryFile(dir=".") as f, tempfile.NamedTemporaryFile(dir=".") as g, tempfile.TemporaryDirectory(dir=".") as d: f.write(b"x"); g.write(b"y"); print(f.tell(), os.path.exists(g.name), os.path.isdir(d))
    f, g = open("lock", "w"), open("lock", "w"); fcntl.flock(f, fcntl.LOCK_EX); print(attempt(fcntl.flock, g, fcntl.LOCK_EX | fcntl.LOCK_NB)); fcntl.flock(f, fcntl.LOCK_UN); print(attempt(fcntl.flock, g, fcntl.LOCK_EX | fcntl.LOCK_NB)); f.close(); g.close()
    f = open("lock", "w"); fcntl.lockf(f, fcntl.LOCK_EX); pid = os.fork()
    if pid == 0: os._exit(attempt(fcntl.lockf, f, fcntl.LOCK_EX | fcntl.LOCK_NB) in ("EAGAIN", "EACCES"))
    print(os.waitpid(pid, 0)[1] >> 8); f.close()
    os.utime("a/f", ns=(1, 2_000_000_001)); s = os.stat("a/f"); print(s.st_atime_ns, s.st_mtime_ns, stat.filemode(s.st_mode)); os.chmod("a/f", 0o4711); print(stat.filemode(os.stat("a/f").st_mode)); os.chown("a/f", 5, 6); s = os.stat("a/f"); print(s.st_uid, s.st_gid, oct(s.st_mode))
    fd = os.open("sparse", os.O_RDWR | os.O_CREAT); os.pwrite(fd, b"end", 1 << 30); print(os.fstat(fd).st_size, os.fstat(fd).st_blocks < 100, os.lseek(fd, 0, os.SEEK_DATA) >= (1 << 30) - 4095, os.lseek(fd, 0, os.SEEK_HOLE)); os.ftruncate(fd, 10); print(os.pread(fd, 100, 0)); os.posix_fallocate(fd, 0, 100000); print(os.fstat(fd).st_size); os.close(fd)
    src, dst = os.open("m", os.O_RDONLY), os.open("sent", os.O_RDWR | os.O_CREAT); print(os.sendfile(dst, src, 0, 1 << 20), os.copy_file_range(src, dst, 4096, 0, 0), os.fstat(dst).st_size); print(hashlib.sha256(open("sent", "rb").read()).hexdigest()[:16])
    d = os.open("a", os.O_RDONLY | os.O_DIRECTORY); print(os.stat("f", dir_fd=d).st_size, os.access("f", os.R_OK, dir_fd=d), sorted(os.listdir(d))); os.mkdir("dd", dir_fd=d); os.rename("dd", "ee", src_dir_fd=d, dst_dir_fd=d); os.rmdir("ee", dir_fd=d); os.fchdir(d); print(os.getcwd()); os.chdir(base + "/py")
    print(attempt(os.setxattr, "a/f", "user.k", b"v"), attempt(os.listxattr, "a/f"), attempt(os.getxattr, "a/f", "user.none")) if base == "/tmp" else None
    db = sqlite3.connect("db"); db.execute("create table t(a, b)"); db.executemany("insert into t values(?, ?)", ((i, str(i)) for i in range(20000))); db.commit(); print(db.execute("select count(*), sum(a) from t where b like '%7%'").fetchone(), db.execute("pragma journal_mode=wal").fetchone()); db.execute("update t set a = a + 1"); db.commit(); print(db.execute("select sum(a) from t").fetchone(), db.execute("pragma integrity_check").fetchone()); db.close()
    names = [f"n{i}" for i in range(3000)]; [open(n, "w").close() for n in names]; print(len(os.listdir(".")), len(set(os.listdir(".")) & set(names))); [os.unlink(n) for n in names[::2]]; print(sum(n.startswith("n") for n in os.listdir(".")))
    x = random.Random(1); model = bytearray(); fd = os.open("rw", os.O_RDWR | os.O_CREAT)
    for _ in range(3000):
        at, n = x.randrange(200000), x.randrange(1, 9000); op = x.randrange(4)
        if op < 2:
            data = x.randbytes(n); model.extend(bytes(max(0, at + n - len(model)))); model[at:at + n] = data; os.pwrite(fd, data, at)
        elif op == 2: assert os.pread(fd, n, at) == model[at:at + n]
        else: n = x.randrange(200000); os.ftruncate(fd, n); del model[n:]; model.extend(bytes(n - len(model)))
    print(hashlib.md5(model).hexdigest() == hashlib.md5(open("rw", "rb").read()).hexdigest(), len(model)); os.chdir(base); shutil.rmtree("py"); print(os.listdir(base))
