"""CPython's own test suite (Debian's libpython3.11-testsuite): what fails in a sandbox and does not fail natively."""
import os

from harness import Failure, Skip, check, workload

QUICK = "test_posix test_mmap test_epoll test_select test_fcntl test_resource test_pty test_pwd test_tempfile"
# test_sqlite3 is not in Debian's package: tests/rootfs/customize.full takes it from the source package.
QUICK_ALONE = "test_shutil test_mailbox test_sqlite3".split()
SLOW = ("test_os test_signal test_subprocess test_threading test_selectors test_asyncio test_multiprocessing_spawn test_multiprocessing_fork "
        "test_shutil test_pathlib test_mailbox test_tarfile test_socket test_sqlite3")

# Tests that differ for a known reason: a part of the test's name, or of what it says, and why.
EXPLAINED = {
    # UDP-Lite, which Linux itself is about to lose, is not there; CPython asks no kernel whether it is.
    "UDPLITE": "no UDP-Lite",
}


def parse(text):
    results = {}
    for line in text.split("\n"):
        status, _, rest = line.partition(" ")
        if status in ("ok", "skip", "fail"):
            name, _, why = rest.partition(" ")
            results[name] = (status, why)
    return results


def suite(t, modules):
    """All in the sandbox; then natively what did not pass, and the failures among it once more in the sandbox."""
    run = ("/usr/bin/python3", "/guest/py_suite.py")
    first = t.sandbox(*run, *modules)
    here = parse(first.out)
    check(sum(s == "ok" for s, _ in here.values()) > 2 * len(modules), "the suite did not run:\n" + first.out[-1000:] + first.err[-1000:])
    doubtful = [n for n, (s, _) in here.items() if s != "ok"]
    explained = []
    if doubtful:
        with open(t.work + "/doubtful", "w") as f:
            f.write("\n".join(doubtful))
        concerned = [m for m in modules if any(n.startswith(f"test.{m}") or n.startswith("setUp") for n in doubtful)]
        native = parse(t.native(*run, "--only", "/work/doubtful", *concerned).out)
        differ = [n for n in doubtful if native.get(n, ("ok",))[0] == "ok" or (here[n][0] == "skip") > (native[n][0] == "skip")]
        explained = [n for n in differ if any(e in n or e in here[n][1] for e in EXPLAINED)]
        differ = [n for n in differ if n not in explained]
        if differ:
            with open(t.work + "/doubtful", "w") as f:
                f.write("\n".join(differ))
            second = t.sandbox(*run, "--only", "/work/doubtful", *concerned)
            last = parse(second.out)
            again = [f"{last.get(n, here[n])[0]} {n} {last.get(n, here[n])[1]}" for n in differ if last.get(n, ("fail",))[0] != "ok"]
            if again:
                raise Failure("these pass natively:\n" + "\n".join("    | " + line for line in again) + "\n" + second.err[-6000:])
    count = {k: sum(s == k for s, _ in here.values()) for k in ("ok", "skip", "fail")}
    return f"{count['ok']} passed, {count['skip']} skipped, {count['fail']} failed ({len(explained)} that pass natively, for known reasons) in {first.seconds:.0f} s"


@workload("full", timeout=400)
def cpython(t):
    """nine modules of CPython's test suite"""
    return suite(t, QUICK.split())


def each(module):
    def cpython_module(t):
        if not os.path.exists(f"{t.root}/usr/lib/python3.11/test/{module}") and not os.path.exists(f"{t.root}/usr/lib/python3.11/test/{module}.py"):
            raise Skip(f"the tree was made without {module} (tests/rootfs/customize.full); to try again remove {t.root}")
        return suite(t, [module])
    cpython_module.__name__ = "cpython_" + module[5:]
    cpython_module.__doc__ = f"{module} of CPython's test suite"
    workload("full", slow=module not in QUICK_ALONE, timeout=1500)(cpython_module)


for module in SLOW.split():
    each(module)
