"""An application that wants a PROXY protocol header on each connection, read by the Python package aiosmtpd.

Prints one JSON object a line: "listening" with its port, then for each connection "header": what the header says and
what came behind it. The type-length-values are by name, or xNN if aiosmtpd has none for the type NN. Ends with its
standard input.
"""

import asyncio
import json
import sys

try:
    from aiosmtpd.proxy_protocol import get_proxy
except ImportError as error:
    sys.exit(f"{error}: the conformance tests need the Debian package python3-aiosmtpd")


def report(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def text_of(address):
    return None if address is None else str(address)


async def on_connection(reader, writer):
    header = await get_proxy(reader)
    behind = await reader.read()
    report(
        "header", error=header.error, version=header.version, command=header.command, family=header.family,
        protocol=header.protocol, source=text_of(header.src_addr), sourcePort=header.src_port,
        destination=text_of(header.dst_addr), destinationPort=header.dst_port,
        values={name: value.decode("ascii") for name, value in (header.tlv or {}).items()},
        behind=behind.decode("ascii"))
    writer.close()


async def main():
    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    report("listening", port=server.sockets[0].getsockname()[1])
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1() or ended.set())
    await ended.wait()


asyncio.run(main())
