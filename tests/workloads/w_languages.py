"""Python, perl and compilers."""
from harness import check, workload


@workload()
def python_threads(t):
    """threading: locks, conditions, events, queues, barriers, thread locals, timers, a pool; signals in the main thread"""
    t.same("/usr/bin/python3", "/guest/py_threads.py")


@workload()
def python_processes(t):
    """subprocess and os: pipes, timeouts, preexec_fn, process groups, fork, exec, waitid, pidfd, pty"""
    t.same("/usr/bin/python3", "/guest/py_processes.py")


@workload()
def python_multiprocessing(t):
    """multiprocessing: fork, spawn and forkserver, queues, managers, shared memory, semaphores, concurrent.futures"""
    t.same("/usr/bin/python3", "/guest/py_multi.py", timeout=180)


@workload()
def python_asyncio(t):
    """asyncio: timers, unix sockets, subprocesses, signals, threads, 500 tasks; selectors of each kind"""
    t.same("/usr/bin/python3", "/guest/py_asyncio.py")


@workload()
def python_mmap(t):
    """mmap over files and anonymous memory, shared with children; os.* on files, shutil, tempfile, locks, sqlite3"""
    t.same("/usr/bin/python3", "/guest/py_files.py")


@workload()
def python_compute(t):
    """floating point, big integers, hashes, garbage collection: equal results to the last bit, and the time"""
    r = t.same("/usr/bin/python3", "/guest/py_compute.py")
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def perl(t):
    """perl: files, fork, pipes, signals, sockets, sprintf, sort, regular expressions, -i, File::Find"""
    t.same("/usr/bin/perl", "/guest/test.pl")


@workload()
def gcc(t):
    """gcc and g++: static, dynamic, shared library with dlopen, threads, -O2 -flto, assembler, preprocessor; what they built runs"""
    r = t.same("cd /tmp && sh /guest/gcc.sh", timeout=240)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def make_project(t):
    """make -j4 of a C project of 30 files with dependencies, a library and a test; nothing to do the second time; touch; clean"""
    r = t.same("python3 /guest/project.py 30 && make -j4 -s check && make -j4 check && touch src/f7.c && make -j4 2>&1 | sort && make clean && ls", timeout=180)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload(slow=True, timeout=400)
def make_200(t):
    """make -j4 of a C project of 200 files"""
    r = t.same("python3 /guest/project.py 200 && make -j4 -s check && make -q; echo $?")
    check("0" in r.out, r.out)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"


@workload()
def autotools(t):
    """autoconf, automake and ./configure of a small package: thousands of short processes"""
    r = t.same("sh /guest/autotools.sh", timeout=200)
    return f"{r.seconds:.2f} s, natively {r.native_seconds:.2f} s"
