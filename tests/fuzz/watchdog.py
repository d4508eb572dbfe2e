"""Does a guest hang, or is it slow because others have the CPUs?

A hung guest leaves the CPU unused or turns in a circle; a slow one wants the CPU and does not get it. So this is no clock of the
wall: it stands still while the sentry, a guest thread or a gofer waits in the host's run queue (/proc/PID/task/TID/schedstat tells for how
long), while the machine itself was stopped, and while we were not run ourselves. What is left is time in which the guest could
have gone on, had it had anything to do: after QUIET seconds of it without a sign of life, it hangs. A guest that turns in a
circle is found too, later the more load there is, for it makes the clock go by what it gets of the CPU; one that gives signs of
life for ever, but never ends its round, after ROUND. Nothing is asked of the sentry before: it would want the CPU for that."""
import json, os, socket, struct, time

QUIET = 60
ROUND = 600
STEP = 2  # of the clock at most, between two looks


def waited(pid):
    """Of each of its threads: how long it ran, and was kept waiting for a CPU, in seconds."""
    now = {}
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
                ran, delay, _ = f.read().split()
            now[tid] = (int(ran) / 1e9, int(delay) / 1e9)
    except (OSError, ValueError):
        pass
    return now


class Watchdog:
    def __init__(self, keeper, path, gofers=(), quiet=QUIET):
        self.gofers = [g.pid for g in gofers]
        self.keeper, self.path, self.quiet = keeper, path, quiet
        self.seen, self.at = {}, time.monotonic()
        self.progress()

    def progress(self, round=True):
        """The guest has given a sign of life: has begun a round, or goes on in it."""
        self.clock, self.since, self.used = 0, time.monotonic(), 0
        if round:
            self.round = 0

    def processes(self):
        found, todo = [], [self.keeper, *self.gofers]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for tid in os.listdir(f"/proc/{pid}/task"):
                    with open(f"/proc/{pid}/task/{tid}/children") as f:
                        todo += [int(p) for p in f.read().split()]
            except OSError:
                pass
        return found

    def look(self):
        """-> seconds since the last look less those in which somebody of the sandbox was kept waiting. Below 0 where the host tells
        of a long wait at its end."""
        seen, starved = {}, 0
        for pid in self.processes():
            for tid, (ran, delay) in waited(pid).items():
                before = self.seen.get((pid, tid), (0, 0) if self.seen else (ran, delay))
                seen[(pid, tid)] = (ran, delay)
                starved = max(starved, delay - before[1])
                self.used += ran - before[0]
        now = time.monotonic()
        passed, self.at, self.seen = min(now - self.at, STEP), now, seen
        return passed - starved

    def sentry_answers(self):
        """On its control socket, within QUIET seconds."""
        try:
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(self.quiet)
            s.connect(self.path)
            body = json.dumps({"id": 1, "op": "stats"}).encode()
            s.sendall(struct.pack("<I", len(body)) + body)
            return bool(s.recv(65536))
        except OSError:
            return False
        finally:
            s.close()

    def hung(self):
        """None, or why. To be called about once a second."""
        passed = self.look()
        self.clock = max(0, self.clock + passed)
        self.round = max(0, self.round + passed)
        if self.clock > self.quiet:
            return "no progress for %d s, in %d s of which all could run, having used %.1f s of CPU time; the sentry %s" % (
                time.monotonic() - self.since, self.clock, self.used, "answers" if self.sentry_answers() else "does not answer")
        if self.round > ROUND:
            return "a round does not end"
        return None
