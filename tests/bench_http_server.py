"""A server that answers one request in fifty with a body that is a byte too short."""

import asyncio
import itertools
import sys

BYTES, HOST, PORT = int(sys.argv[1]), sys.argv[3], int(sys.argv[4])
EVERY = 50
numbers = itertools.count(1)


async def answer(reader, writer):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            size = BYTES - (next(numbers) % EVERY == 0)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n"
            writer.write(head.encode() + b"x" * size)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(answer, HOST, PORT)
    print(f"listening on {HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
