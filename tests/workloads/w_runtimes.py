"""Language runtimes that bring threads, signal handlers and compilers of their own."""
import os, shutil, subprocess

from harness import HERE, Failure, Skip, check, workload


def both(r):
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


def build(t, argv, **env):
    """Builds a program on this machine, as `program` in the work folder (that must then stay for both runs)."""
    if not shutil.which(argv[0]):
        raise Skip(f"{argv[0]} is not installed here")
    p = subprocess.run(argv, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    check(p.returncode == 0, f"{argv[0]}: " + p.stdout.decode(errors="replace"))


@workload("full", timeout=180)
def node18(t):
    """node 18: worker threads, child processes, fs.watch, thread pool, unix sockets, garbage collection"""
    return both(t.same("/usr/bin/node", "/guest/node.js"))


@workload("full", timeout=180)
def node20(t):
    """the same with node 20"""
    if not os.path.exists(t.root + "/opt/node20/bin/node"):
        raise Skip("the tree was made without node 20 (no registry of npm); to try again remove " + t.root)
    return both(t.same("/opt/node20/bin/node", "/guest/node.js"))


@workload("full", timeout=300)
def java17(t):
    """javac, and a program of many threads on OpenJDK 17 with its default collector"""
    return both(t.same("javac -d /tmp /guest/Storm.java && exec java -cp /tmp Storm"))


@workload(timeout=180)
def go_goroutines(t):
    """a static Go binary: 100,000 goroutines, preemption, children, signals, sockets, 200 blocked threads, garbage collection"""
    shutil.copytree(HERE + "/guest/go", t.base + "/go")
    build(t, ["go", "build", "-C", t.base + "/go", "-o", t.work + "/program", "."], CGO_ENABLED="0")
    return both(t.same("/work/program", fresh=False))


@workload(timeout=180)
def rust(t):
    """a Rust binary: scoped threads, channels, condition variables, panics, processes, files, sockets; and ripgrep"""
    build(t, ["rustc", "-O", "--edition", "2021", "-C", "target-feature=+crt-static", "-o", t.work + "/program", HERE + "/guest/rust/storm.rs"])
    return both(t.same("/work/program", fresh=False))


@workload("full")
def ripgrep(t):
    """ripgrep, which walks trees on all CPUs and maps files"""
    return both(t.same("rg --sort path -c 'int|void' /usr/include; rg -j4 --mmap -c 'define' /usr/include | sort; rg --files /usr/lib/python3 | wc -l"))


@workload("full")
def php(t):
    """php: files, sqlite, processes, unix sockets, signals"""
    return both(t.same("/usr/bin/php", "/guest/runtime.php"))


@workload("full")
def ruby(t):
    """ruby: threads, fork, pipes, pty, signals, unix sockets, files, compacting garbage collection"""
    return both(t.same("/usr/bin/ruby", "/guest/runtime.rb"))
