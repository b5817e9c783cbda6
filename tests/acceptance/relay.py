"""A process that speaks TLS on loopback and hands on what it hears: what a managed PostgreSQL, Redis or S3 store has in front of it.

python relay.py DESCRIPTOR TARGET CERTIFICATE PROTOCOL...      DESCRIPTOR: of a listening socket. TARGET: a unix socket's path, or host:port
"""

import asyncio
import socket
import ssl
import sys
from pathlib import Path


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while content := await source.read(65_536):
            sink.write(content)
            await sink.drain()
    except OSError:
        return  # either side may hang up
    finally:
        sink.close()


async def connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if target.startswith("/"):
        return await asyncio.open_unix_connection(target)
    host, _, port = target.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def serve(listener: socket.socket, target: str, certificate: Path, protocols: list[str]) -> None:
    """`certificate` has the key, too. `protocols` for ALPN: PostgreSQL wants `postgresql`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if protocols:
        context.set_alpn_protocols(protocols)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await connect(target)
        except OSError:
            writer.close()  # nobody is there yet
            return
        await asyncio.gather(pump(reader, back), pump(there, writer))

    server = await asyncio.start_server(relay, sock=listener, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2], Path(sys.argv[3]), sys.argv[4:]))
