"""Relays connections from one address to another, so that containers can reach servers on this machine's loopback.

``python relay.py LISTEN=CONNECT…``, each a Unix socket (anything with a slash in it) or HOST:PORT. One relay listens on
a Unix socket here and connects to the loopback; another, in a container, listens on its port and connects to that
socket. So nothing listens on an address that others can reach. Uses the standard library only.
"""

import asyncio
import contextlib
import sys
from asyncio import StreamReader, StreamWriter

BLOCK_BYTES = 64 * 1024


def main() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(carry_all([rule.split("=", 1) for rule in sys.argv[1:]]))


async def carry_all(rules: list[list[str]]) -> None:
    servers = [await listen(source, target) for source, target in rules]
    await asyncio.gather(*(server.serve_forever() for server in servers))


async def listen(source: str, target: str) -> asyncio.Server:
    async def carry(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            other_reader, other_writer = await connect(target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(forward(reader, other_writer), forward(other_reader, writer))
        for each in (writer, other_writer):
            each.close()

    if "/" in source:
        return await asyncio.start_unix_server(carry, source)
    host, port = source.rsplit(":", 1)
    return await asyncio.start_server(carry, host, int(port))


async def connect(target: str) -> tuple[StreamReader, StreamWriter]:
    if "/" in target:
        return await asyncio.open_unix_connection(target)
    host, port = target.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def forward(reader: StreamReader, writer: StreamWriter) -> None:
    """Copy until one side has ended its output, which is passed on, or is gone."""
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    main()
