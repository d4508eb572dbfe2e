"""Debuggers: programs that stop, look into and change other programs."""
import re

from harness import check, workload

PROGRAM = r"""cat > t.c <<'X'
#include <pthread.h>
#include <stdio.h>
int g;
int fact(int n) { if (n <= 1) return 1; g += n; return n * fact(n - 1); }
static void work(int i) { __sync_fetch_and_add(&g, i); }
static void *run(void *a) { for (int i = 0; i < 20; i++) work((int)(long)a); return 0; }
int main(void) { pthread_t t[3]; printf("r=%d g=%d\n", fact(5), g); fflush(stdout);
	for (long i = 0; i < 3; i++) pthread_create(&t[i], 0, run, (void *)(i + 1));
	for (int i = 0; i < 3; i++) pthread_join(t[i], 0);
	printf("g=%d\n", g); return g % 100; }
X
gcc -g -O0 -pthread -o t t.c
"""


@workload()
def gdb(t):
    """gdb: breakpoints, backtraces, steps, a software watchpoint, threads, changed variables, finish"""
    r = t.good(PROGRAM + r"""gdb -batch -nx -ex 'set can-use-hw-watchpoints 0' -ex 'break fact if n==2' -ex run -ex bt -ex 'info locals' -ex step -ex 'print n' -ex finish \
        -ex 'watch g' -ex continue -ex 'delete' -ex 'break work if i==3' -ex continue -ex 'info threads' -ex 'set var g=1000' -ex 'print $xmm0' -ex 'x/2i $pc' -ex delete -ex continue ./t 2>&1""")
    for want in (r"Breakpoint 1, fact \(n=2\)", r"#3 .* fact \(n=5\)", r"#4 .* main \(\)", r"\$1 = 1\n", r"Value returned is .* = 1\n", r"Watchpoint 2: g",
                 r"hit Breakpoint 3, work \(i=3\)", r"Id +Target Id", r"v4_float", r"=> 0x", r"exited with code|exited normally"):
        check(re.search(want, r.out), f"gdb did not show {want}")


@workload()
def gdb_attach(t):
    """gdb attached to a running process, detached, which then goes on"""
    r = t.good(r"""sleep 3 & p=$!; sleep 0.3; gdb -batch -nx -ex bt -ex 'info registers rip' -ex detach -p $p 2>&1; wait $p; echo "ended $?" """)
    check(re.search(r"rip +0x", r.out) and "ended 0" in r.out, "gdb did not attach and let go")


@workload()
def strace(t):
    """strace -f of a pipeline and of threads, its counts, its injection of errors, and attached to a process"""
    r = t.good(PROGRAM + r"""strace -f -o log sh -c 'ls / | wc -l'; grep -c execve log; grep -c '+++ exited with 0 +++' log; echo --
        strace -f -c -o sums ./t; tail -1 sums; echo --
        strace -e inject=getpid:error=EPERM -e trace=getpid -o log2 sh -c 'exec env true'; strace -e inject=openat:error=ENOENT:when=3+ -o log3 cat /etc/hostname 2>/dev/null; grep -c INJECTED log3; echo --
        sleep 2 & p=$!; sleep 0.3; strace -p $p -o log4; tail -1 log4""")
    parts = r.out.split("--\n")
    check(re.search(r"\n[3-9]\n3\n", parts[0]), "strace -f did not follow the pipeline")
    check(re.search(r"total", parts[1]), "strace -c did not count")
    check(re.search(r"^\d+\n", parts[2]), "strace did not inject errors")
    check("+++ exited with 0 +++" in parts[3], "strace -p did not see the end")
