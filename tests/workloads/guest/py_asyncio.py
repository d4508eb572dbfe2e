import asyncio, os, selectors, signal, socket, sys, time

async def main():
    loop = asyncio.get_running_loop()
    order = []
    async def later(n): await asyncio.sleep(n / 50); order.append(n)
    await asyncio.gather(*(later(n) for n in (5, 1, 3, 2, 4))); print("timers", order)
    print("many", sum(await asyncio.gather(*(asyncio.sleep(0.01, i) for i in range(500)))))
    async def echo(reader, writer):
        while data := await reader.readline(): writer.write(data.upper()); await writer.drain()
        writer.close()
    server = await asyncio.start_unix_server(echo, "/tmp/sock")
    async def client(i):
        r, w = await asyncio.open_unix_connection("/tmp/sock")
        for k in range(20): w.write(b"client %d %d\n" % (i, k)); assert await r.readline() == b"CLIENT %d %d\n" % (i, k)
        w.close(); await w.wait_closed(); return i
    print("clients", sum(await asyncio.gather(*(client(i) for i in range(50)))))
    r, w = await asyncio.open_unix_connection("/tmp/sock"); w.write(b"x" * 60000 + b"\n"); print("long", len(await r.readline())); w.close()
    server.close(); await server.wait_closed()
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1); print("cat", await p.communicate(b"through cat"), p.returncode)
    ps = [await asyncio.create_subprocess_shell(f"sleep 0.0{i}; exit {i}") for i in range(8)]; print("shells", [await p.wait() for p in ps])
    p = await asyncio.create_subprocess_exec("sleep", "50"); p.kill(); print("killed", await p.wait())
    try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError: print("timeout")
    got = asyncio.Event(); loop.add_signal_handler(signal.SIGUSR1, got.set); os.kill(os.getpid(), signal.SIGUSR1); await asyncio.wait_for(got.wait(), 5); print("signal")
    print("thread", await asyncio.to_thread(lambda: time.sleep(0.02) or "result"))
    a, b = socket.socketpair(); a.setblocking(False); b.setblocking(False)
    t = asyncio.create_task(loop.sock_recv(a, 100)); await asyncio.sleep(0.01); await loop.sock_sendall(b, b"pair"); print("pair", await t)
    t = asyncio.create_task(asyncio.sleep(10)); await asyncio.sleep(0); t.cancel(); print("cancel", (await asyncio.gather(t, return_exceptions=True))[0].__class__.__name__)
    rfd, wfd = os.pipe(); f = loop.create_future(); loop.add_reader(rfd, lambda: f.set_result(os.read(rfd, 10))); os.write(wfd, b"pipe"); print("reader", await f); loop.remove_reader(rfd)
    sem, most, now = asyncio.Semaphore(3), 0, 0
    async def limited():
        nonlocal most, now
        async with sem: now += 1; most = max(most, now); await asyncio.sleep(0.005); now -= 1
    await asyncio.gather(*(limited() for _ in range(20))); print("semaphore", most)
for policy in (selectors.EpollSelector, selectors.PollSelector, selectors.SelectSelector):
    loop = asyncio.SelectorEventLoop(policy()); asyncio.set_event_loop(loop); watcher = asyncio.ThreadedChildWatcher(); asyncio.set_child_watcher(watcher)
    print(policy.__name__); loop.run_until_complete(main()); os.path.exists("/tmp/sock") and os.unlink("/tmp/sock"); loop.close()
