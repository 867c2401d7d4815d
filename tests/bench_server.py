"""An echo server that misses every budget; with --lie also one that answers with wrong bytes."""

import argparse
import asyncio

arguments = argparse.ArgumentParser()
arguments.add_argument("--lie", action="store_true")
arguments.add_argument("--host")
arguments.add_argument("port", type=int)
options = arguments.parse_args()


async def echo(reader, writer):
    while data := await reader.read(4096):
        writer.write(bytes(reversed(data)) if options.lie else data)
        await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(echo, options.host, options.port)
    host, port = server.sockets[0].getsockname()
    print(f"listening on {host}:{port}", flush=True)
    await server.serve_forever()


asyncio.run(main())
