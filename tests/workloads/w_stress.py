"""stress-ng: every stressor of a class, one after the other; no failure that is not there natively, and the sandbox lives on."""
import re

from harness import Failure, check, workload

# What a failing stressor may say, and why that is known.
EXPLAINED = {
}


def failures(text):
    """The stressors that failed: {name: what they said}."""
    names = re.findall(r"process \[\d+\] \(([\w-]+)\) terminated with an error", text)
    return {n: " ".join(re.findall(rf"(?:fail|error): *\[\d+\] {n}: (.*)", text)) for n in names}


def sweep(t, *args):
    command = "cd /tmp && stress-ng --oom-avoid " + " ".join(args) + " 2>&1; echo status $?; ls / >/dev/null && echo alive"
    r = t.sandbox(command)
    check(r.out.endswith("alive\n") and "run completed" in r.out, "the sandbox or stress-ng did not come to its end:\n" + r.out[-2000:] + r.err[-1000:])
    bad = {n: why for n, why in failures(r.out).items() if not any(e in why for e in EXPLAINED)}
    if bad:
        native = failures(t.native(command).out)  # all of it: sem-sysv fails in a sequence and not alone
        bad = {n: why for n, why in bad.items() if n not in native}
    if bad:
        raise Failure("stressors that fail only in a sandbox:\n" + "\n".join(f"    | {n}: {why[:200]}" for n, why in bad.items()))
    ran = re.search(r"dispatching hogs: (.*)", r.out).group(1).count(",") + 1
    return f"{ran} stressors, {len(failures(r.out))} failed for known reasons"


@workload("full")
def stress_mixed(t):
    """stress-ng: sixteen stressors of processes, memory, signals and files at once, for 4 s"""
    names = "fork vfork clone pthread futex mmap mremap brk sigq sigfd pipe eventfd hdd rename flock poll".split()
    return sweep(t, "--timeout 4s", *(f"--{n} 1" for n in names))


def each(name):
    def stress_class(t):
        return sweep(t, f"--class {name} --sequential 1 --timeout 5s")
    stress_class.__name__ = "stress_" + name
    stress_class.__doc__ = f"stress-ng: the class {name}, 5 s each"
    workload("full", slow=True, timeout=3600)(stress_class)


for name in ("cpu", "memory", "pipe", "scheduler", "filesystem", "os"):
    each(name)
