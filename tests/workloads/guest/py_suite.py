"""Runs modules of CPython's own test suite (package `test`) and prints one line for each test: STATUS ID [first line of why].

    py_suite.py [--only FILE] MODULE...     FILE: the ids to run, one a line

Each module runs in a process of its own; a test that hangs or kills its process is a failure, and the module goes on
with the tests after it. Details of failures go to standard error.
"""
import faulthandler, importlib, os, subprocess, sys, time, traceback, unittest

LIMIT = 120  # seconds that one test may take


def flat(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from flat(t)
        else:
            yield t


def name(test):
    return test.id().replace(" ", "_")  # "setUpClass (test.x.Class)"


class Result(unittest.TestResult):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def say(self, status, test, why=""):
        os.write(self.log, f"{status} {name(test)} {' '.join(str(why).split())[:300]}\n".encode(errors="replace"))

    def startTest(self, test):
        super().startTest(test)
        self.bad = False
        self.say("start", test)
        faulthandler.dump_traceback_later(LIMIT, exit=True)

    def failed(self, test, err):
        if not self.bad:
            self.say("fail", test, f"{err[0].__name__}: {err[1]}")
            sys.stderr.write(f"==== {test.id()}\n" + "".join(traceback.format_exception(*err)))
        self.bad = True

    def addError(self, test, err):
        self.failed(test, err)

    def addFailure(self, test, err):
        self.failed(test, err)

    def addSubTest(self, test, subtest, err):
        if err:
            self.failed(test, err)

    def addSkip(self, test, why):
        self.say("skip", test, why)
        self.bad = True

    def addSuccess(self, test):
        if not self.bad:
            self.say("ok", test)
            self.bad = True

    def addExpectedFailure(self, test, err):
        self.addSuccess(test)

    def addUnexpectedSuccess(self, test):
        self.failed(test, (AssertionError, AssertionError("unexpected success"), None))


def child(module, log, done, only):
    """In a process of its own: the tests of one module that are not in done."""
    import test.support
    test.support.verbose = False
    test.support.use_resources = ["cpu", "subprocess", "walltime"]
    where = f"/tmp/py_suite_{os.getpid()}"
    os.mkdir(where)
    os.chdir(where)
    try:
        loaded = importlib.import_module("test." + module)
    except unittest.SkipTest as e:
        os.write(log, f"skip test.{module} {e}\n".encode())
        return 0
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromModule(loaded)
    if module == "test_asyncio" or module.startswith("test_multiprocessing"):
        names = getattr(loaded, "__path__", None)
        if names:
            suite = unittest.TestSuite(loader.loadTestsFromModule(importlib.import_module(f"test.{module}.{f[:-3]}"))
                                       for f in sorted(os.listdir(names[0])) if f.startswith("test_") and f.endswith(".py") and "windows" not in f)
    classes = {n[12:-1] for n in only if n.startswith("setUpClass_(")}
    tests = [t for t in flat(suite) if name(t) not in done and (not only or name(t) in only or name(t).rpartition(".")[0] in classes)]

    # Grouped as they were, so that the set-ups of classes and modules run once each.
    unittest.TestSuite(tests).run(Result(log))
    return 0


def run_module(module, only):
    done, started = set(), time.monotonic()
    while True:
        r, w = os.pipe()
        p = subprocess.Popen([sys.executable, __file__, "--child", module, str(w)], stdin=subprocess.PIPE, pass_fds=[w])
        os.close(w)
        p.stdin.write(("\n".join(done) + "\n\n" + "\n".join(only)).encode())
        p.stdin.close()
        current = None
        for line in os.fdopen(r, errors="replace"):
            status, name = (line.split() + [""])[:2]
            if status == "start":
                current = name
                continue
            done.add(name)
            if current == name:
                current = None
            print(line.rstrip(), flush=True)
        status = p.wait()
        if current is None:
            if status:
                print(f"fail test.{module} the module's process ended with status {status}", flush=True)
            break
        done.add(current)
        print(f"fail {current} the process ended with status {status} in this test, or it took more than {LIMIT} s", flush=True)
    print(f"time {module} {time.monotonic() - started:.1f}", flush=True)


def main():
    if sys.argv[1] == "--child":
        done, only = sys.stdin.read().split("\n\n", 1)
        sys.stdin = open("/dev/null")
        return child(sys.argv[2], int(sys.argv[3]), set(done.split()), set(only.split()))
    modules, only = sys.argv[1:], set()
    if modules[0] == "--only":
        only, modules = set(open(modules[1]).read().split()), modules[2:]
    for m in modules:
        run_module(m, only)
    return 0


if __name__ == "__main__":  # children of multiprocessing import this file
    sys.exit(main())
