"""An asyncio echo server with 300 clients at once, cancellations and half-closes; then UDP by asyncio."""
import asyncio, hashlib, os

async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def client(port, k):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = os.urandom(20000 + k)
    writer.write(data)
    writer.write_eof()
    back = await reader.read(-1)
    writer.close()
    await writer.wait_closed()
    return back == data

class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, addr):
        self.transport.sendto(data.upper(), addr)

class Ask(asyncio.DatagramProtocol):
    def __init__(self, done):
        self.done, self.got = done, []
    def connection_made(self, transport):
        for k in range(50):
            transport.sendto(b"datagram %d" % k)
    def datagram_received(self, data, addr):
        self.got.append(data)
        if len(self.got) == 50:
            self.done.set_result(self.got)

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    results = await asyncio.gather(*(client(port, k) for k in range(300)))
    print("echoed", sum(results))
    task = asyncio.create_task(asyncio.open_connection("127.0.0.1", port))
    reader, writer = await task
    wait = asyncio.create_task(reader.read(1))
    await asyncio.sleep(0.01)
    wait.cancel()
    print("cancelled", isinstance((await asyncio.gather(wait, return_exceptions=True))[0], asyncio.CancelledError))
    writer.transport.abort()
    loop = asyncio.get_running_loop()
    echo, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    done = loop.create_future()
    ask, _ = await loop.create_datagram_endpoint(lambda: Ask(done), remote_addr=echo.get_extra_info("sockname"))
    got = await asyncio.wait_for(done, 30)
    print("datagrams", len(got), got[7])
    try:
        await asyncio.open_connection("127.0.0.1", 1)
    except OSError as e:
        print(type(e).__name__)

asyncio.run(main())
