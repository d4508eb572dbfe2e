import collections, concurrent.futures, os, queue, signal, sys, threading, time

total, lock = 0, threading.Lock()
def add():
    global total
    for _ in range(5000):
        with lock:
            total += 1
threads = [threading.Thread(target=add) for _ in range(8)]
[x.start() for x in threads]; [x.join() for x in threads]
print("locked", total)

q, done = queue.Queue(10), []
def consume():
    while (item := q.get()) is not None:
        done.append(item * item)
workers = [threading.Thread(target=consume) for _ in range(4)]
[w.start() for w in workers]
for i in range(2000): q.put(i)
for w in workers: q.put(None)
[w.join() for w in workers]
print("queue", len(done), sum(done))

condition, turn, log = threading.Condition(), 0, []
def take_turns(me):
    global turn
    for _ in range(50):
        with condition:
            condition.wait_for(lambda: turn % 3 == me)
            log.append(me); turn += 1
            condition.notify_all()
threads = [threading.Thread(target=take_turns, args=(i,)) for i in range(3)]
[x.start() for x in threads]; [x.join() for x in threads]
print("turns", log[:6], log == [0, 1, 2] * 50)

barrier, order = threading.Barrier(5), []
def meet():
    for r in range(20):
        order.append(r); barrier.wait()
threads = [threading.Thread(target=meet) for _ in range(5)]
[x.start() for x in threads]; [x.join() for x in threads]
print("barrier", all(len(set(order[i * 5:i * 5 + 5])) == 1 for i in range(20)))

event = threading.Event()
print("event", event.wait(0.05), threading.Timer(0.05, event.set).start(), event.wait(10))
semaphore, inside, most = threading.BoundedSemaphore(3), 0, 0
def enter():
    global inside, most
    with semaphore:
        with lock: inside += 1; most = max(most, inside)
        time.sleep(0.01)
        with lock: inside -= 1
with concurrent.futures.ThreadPoolExecutor(12) as pool:
    list(pool.map(lambda _: enter(), range(30)))
    print("semaphore", most <= 3, sorted(pool.map(len, ["a", "bb", "ccc"])))
    future = pool.submit(lambda: 1 / 0)
    print("exception", repr(future.exception()))
local = threading.local(); local.x = 1
threading.Thread(target=lambda: print("local", hasattr(local, "x"))).start(); time.sleep(0.05)
print("lock timeout", lock.acquire(timeout=0.01), lock.acquire(timeout=0.05)); lock.release()

caught = collections.Counter()
signal.signal(signal.SIGUSR1, lambda n, f: caught.update([threading.current_thread().name]))
threads = [threading.Thread(target=lambda: [os.kill(os.getpid(), signal.SIGUSR1) or time.sleep(0.002) for _ in range(20)]) for _ in range(3)]
[x.start() for x in threads]
while any(x.is_alive() for x in threads): time.sleep(0.001)
print("signals in", list(caught))
signal.signal(signal.SIGALRM, lambda n, f: print("alarm"))
signal.setitimer(signal.ITIMER_REAL, 0.05); signal.pause()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
threading.Thread(target=lambda: (time.sleep(0.05), signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR2))).start()
print("sigwait", signal.sigwait([signal.SIGUSR2]).name, signal.sigtimedwait([signal.SIGUSR2], 0.02))
names = set()
def deep(n): return n and deep(n - 1) + 1
threading.stack_size(16 << 20); sys.setrecursionlimit(20000)
x = threading.Thread(target=lambda: print("deep", deep(15000))); x.start(); x.join()
threading.stack_size(0)
ids = []
many = [threading.Thread(target=lambda: (ids.append(threading.get_native_id()), barrier2.wait())) for _ in range(200)]
barrier2 = threading.Barrier(201)
[x.start() for x in many]
print("native ids", len(os.listdir("/proc/self/task")), barrier2.wait() >= 0)
[x.join() for x in many]
print(len(set(ids)), threading.active_count())
start = time.process_time(), time.thread_time()
sum(i * i for i in range(300000))
print("cpu clocks", time.process_time() > start[0], time.thread_time() > start[1])
