import concurrent.futures, multiprocessing as mp, os, signal, sys, time
from multiprocessing import shared_memory, managers

def square(x): return x * x
def work(q, out, lock, value, array):
    for x in iter(q.get, None):
        with lock:
            value.value += x; array[x % 10] += 1
        out.put(x * 2)
def pipe_end(c): c.send({"got": c.recv()}); c.close()
def crash(): os.kill(os.getpid(), signal.SIGSEGV)
def fill(name, i):
    m = shared_memory.SharedMemory(name); m.buf[i * 1000:(i + 1) * 1000] = bytes([i]) * 1000; m.close()
def meet(b, e, s):
    b.wait(); e.wait()
    with s: time.sleep(0.01)
def exits(n): sys.exit(n)

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(4) as pool:
            print(method, sum(pool.map(square, range(1000))), sorted(pool.imap_unordered(square, range(5))), pool.apply_async(square, (9,)).get(20))
        q, out, lock, value, array = ctx.Queue(), ctx.Queue(), ctx.Lock(), ctx.Value("i", 0), ctx.Array("i", 10)
        ps = [ctx.Process(target=work, args=(q, out, lock, value, array)) for _ in range(3)]
        [p.start() for p in ps]
        for i in range(300): q.put(i)
        for p in ps: q.put(None)
        print(sum(out.get() for _ in range(300)), value.value, list(array)); [p.join() for p in ps]
        a, b = ctx.Pipe(); p = ctx.Process(target=pipe_end, args=(b,)); p.start(); a.send([1, "x" * 100000]); print(len(a.recv()["got"][1])); p.join()
        p = ctx.Process(target=crash); p.start(); p.join(); print("crash", p.exitcode)
        p = ctx.Process(target=exits, args=(7,)); p.start(); p.join(); print("exit", p.exitcode, p.is_alive())
        p = ctx.Process(target=time.sleep, args=(50,)); p.start(); p.terminate(); p.join(); print("terminated", p.exitcode)
        bar, ev, sem = ctx.Barrier(4), ctx.Event(), ctx.Semaphore(2); ps = [ctx.Process(target=meet, args=(bar, ev, sem)) for _ in range(3)]
        [p.start() for p in ps]; bar.wait(); ev.set(); [p.join(20) for p in ps]; print("met", [p.exitcode for p in ps])
        m = shared_memory.SharedMemory(create=True, size=8000); ps = [ctx.Process(target=fill, args=(m.name, i)) for i in range(8)]
        [p.start() for p in ps]; [p.join() for p in ps]; print("shm", [m.buf[i * 1000 + 500] for i in range(8)]); m.close(); m.unlink()
        with ctx.Manager() as man:
            d, l = man.dict(), man.list(range(3)); p = ctx.Process(target=d.update, args=({"k": 1},)); p.start(); p.join(); l.append(9); print(dict(d), list(l))
        with concurrent.futures.ProcessPoolExecutor(3, mp_context=ctx) as ex:
            print(list(ex.map(square, range(6))))
            try: ex.submit(crash).result()
            except Exception as e: print(type(e).__name__)
