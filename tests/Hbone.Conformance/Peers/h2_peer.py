"""An HTTP/2 CONNECT endpoint over mutual TLS 1.3, by the Python package h2 (hyper-h2), for ours to meet.

Plays its side of a plan of exchanges (see ExchangePlan.cs), as client on one connection or as server on any number. A
request names its exchange in the header "exchange". Prints one JSON object a line: "listening" with its port, "peer"
for each connection, "outcome" for each exchange, "done" at a client's end. A server ends with its standard input.
"""

import argparse
import asyncio
import json
import ssl
import sys

try:
    from h2_session import Session
except ImportError as error:
    sys.exit(f"{error}: the conformance tests need the Debian package python3-h2")


def parse_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("--cert", required=True, help="PEM files: our chain, our key, what the peer must chain to")
    parser.add_argument("--key", required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--plan", required=True)
    parser.add_argument("--pattern", required=True)
    parser.add_argument("--port", type=int, default=0, help="of the server that a client meets, on loopback")
    parser.add_argument("--parallel", type=int, default=1000, help="exchanges at once; never above the server's limit")
    parser.add_argument("--settings", type=settings_of, default={}, help="NAME=VALUE,.. to announce")
    parser.add_argument("--then", type=later_settings_of, action="append", default=[],
                        help="COUNT:NAME=VALUE,.. to announce once so many streams were opened on a connection")
    parser.add_argument("--interim", type=int, action="append", default=[], help="1xx to send before the answer")
    parser.add_argument("--header", action="append", default=[], help="name=value in each answer")
    parser.add_argument("--refuse", type=int, default=0,
                        help="REFUSED_STREAM the first time, for every exchange whose number this divides")
    parser.add_argument("--goaway-after", type=int, default=0,
                        help="streams of a connection that are served; then GOAWAY, and what comes later is ignored")
    parser.add_argument("--goaway-connections", type=int, default=0, help="connections that do so; later ones last")
    parser.add_argument("--padding", type=int, help="octets of padding in each DATA frame")
    return parser.parse_args()


def settings_of(text):
    return {name: int(value) for name, value in (entry.split("=") for entry in text.split(","))}


def later_settings_of(text):
    count, settings = text.split(":")
    return int(count), settings_of(settings)


def report(event, **details):
    print(json.dumps({"event": event, **details}), flush=True)


def tls_context(options):
    server = options.role == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # the peer's name is a URI; whoever reads our reports compares it
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(options.cert, options.key)
    context.load_verify_locations(options.ca)
    context.set_alpn_protocols(["h2"])
    return context


def report_peer(writer):
    secured = writer.get_extra_info("ssl_object")
    names = [name for kind, name in secured.getpeercert()["subjectAltName"] if kind == "URI"]
    report("peer", names=names, alpn=secured.selected_alpn_protocol(), tls=secured.version())


async def serve(options, plan):
    refused = set()
    connections = 0

    async def on_connection(reader, writer):
        nonlocal connections
        connections += 1
        report_peer(writer)
        session = Session(reader, writer, options, plan, report, refused)
        if connections <= options.goaway_connections:
            session.goaway_after = options.goaway_after
        await session.run()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls_context(options), limit=1 << 20)
    report("listening", port=server.sockets[0].getsockname()[1])
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), lambda: sys.stdin.buffer.read1() or ended.set())
    await ended.wait()


async def run_client(options, plan):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", options.port, ssl=tls_context(options), server_hostname="", limit=1 << 20)
    report_peer(writer)
    session = Session(reader, writer, options, plan, report)
    running = asyncio.ensure_future(session.run())
    await session.has_settings.wait()
    left = iter(plan["exchanges"])

    async def lane():
        for exchange in left:
            await session.open(exchange)

    limit = min(options.parallel, session.peer_max_streams)
    lanes = asyncio.gather(*(lane() for _ in range(limit)))
    await asyncio.wait([lanes, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        sys.exit(f"the connection ended early: {session.failure}")
    await lanes
    await session.ping()  # the answer comes when the server has read all before it
    writer.close()
    await running
    report("done")


def main():
    options = parse_options()
    with open(options.plan, encoding="utf-8") as file:
        plan = json.load(file)
    with open(options.pattern, "rb") as file:
        plan["pattern"] = file.read()
    asyncio.run(serve(options, plan) if options.role == "server" else run_client(options, plan))


main()
