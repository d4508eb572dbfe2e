"""The host's limit of processes is for stubs that get out of hand, but is also reached by dead ones that nobody has reaped yet."""
import os, signal, unittest

from harness import Sentry
from test_control import until

FORKS = "read x; i=0; while [ $i -lt 120 ]; do (:); i=$((i+1)); done"


class ProcessLimit(unittest.TestCase):
    def test_dead_fill_the_limit(self):
        """forks fail, or their children are killed; nobody waits for ever, nothing stays, and all goes on when they are reaped"""
        s = Sentry("--pids", "30")  # 124 on the host
        self.addCleanup(s.end)
        self.assertEqual(s.run("/bin/true")[0], {"code": 0})
        begun = []
        for _ in range(3):
            theirs, ours = os.pipe()
            answer, out, err = s.exec("/bin/sh", "-c", FORKS, stdin=theirs)
            begun.append((answer["process"], ours, out, err))
        os.kill(s.keeper, signal.SIGSTOP)
        try:
            for _, ours, _, _ in begun:
                os.write(ours, b"\n")
            s.socket.settimeout(60)
            for process, *fds in begun:
                self.assertIn(str(s.wait(process)), [str({"code": 0}), str({"code": 2}), str({"signal": 9, "core": False})])
                for fd in fds:
                    os.close(fd)
        finally:
            os.kill(s.keeper, signal.SIGCONT)
        # only init and the shell that counts: by itself, for a child of its own might look before or after another one is made
        self.assertTrue(until(lambda: s.run("/bin/sh", "-c", "set -- /proc/[0-9]*; echo $#")[1] == b"2\n", 20),
                        s.run("/bin/sh", "-c", "grep -H State /proc/[0-9]*/status"))


if __name__ == "__main__":
    unittest.main()
