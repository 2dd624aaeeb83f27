"""One connection of h2_peer.py and the exchanges on its streams."""

import asyncio
import contextlib

import h2.connection
import h2.events
import h2.exceptions
import h2.stream
import h2.windows
import hyperframe.frame
from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from h2_exchange import ExchangeSide


class WindowManager(h2.windows.WindowManager):
    """By itself h2 refuses an empty END_STREAM below a window of 0, which RFC 9113 section 6.9.1 allows."""

    def window_consumed(self, size):
        if size:
            super().window_consumed(size)


h2.stream.WindowManager = WindowManager


def coded(settings):
    return {SettingCodes[name]: value for name, value in settings.items()}


class Session:
    """Reads in one task; every exchange writes by itself, as the windows allow."""

    def __init__(self, reader, writer, options, plan, report, refused=None):
        self.options = options
        self.pattern = plan["pattern"]
        self.report = report
        self.has_settings = asyncio.Event()
        self.goaway_after = 0
        self.failure = None
        self._exchanges = {exchange["index"]: exchange for exchange in plan["exchanges"]}
        self._refused = refused
        self._reader = reader
        self._writer = writer
        self._sides = {}
        self._opened = 0
        self._limit = options.settings.get("MAX_CONCURRENT_STREAMS")
        self._tasks = set()
        self._ponged = asyncio.Event()
        self._window_changed = asyncio.Event()
        # It asks CONNECT for :scheme and :path if it validates, against RFC 9113 section 8.5.
        self._connection = h2.connection.H2Connection(H2Configuration(
            client_side=options.role == "client", header_encoding="utf-8",
            validate_inbound_headers=False, validate_outbound_headers=False))

    @property
    def peer_max_streams(self):
        return self._connection.remote_settings.max_concurrent_streams

    async def run(self):
        self._connection.initiate_connection()
        self._announce(self.options.settings)
        self._flush()
        try:
            while data := await self._reader.read(1 << 20):
                for event in self._connection.receive_data(data):
                    self._on_event(event)
                self._flush()
        except h2.exceptions.ProtocolError as error:
            self._flush()  # its GOAWAY
            self.failure = repr(error)
            self.report("protocolError", message=self.failure)
        except OSError as error:
            self.failure = repr(error)
        for side in self._sides.values():
            side.on_end("broken", None)
        self._window_changed.set()
        self._writer.close()

    async def open(self, exchange):
        """Runs one exchange as client."""
        stream_id = self._connection.get_next_available_stream_id()
        self._connection.send_headers(stream_id, [
            (":method", "CONNECT"), (":authority", f"10.0.0.1:{1 + exchange['index']}"),
            ("exchange", str(exchange["index"])), ("baggage", f"k8s.namespace.name=ns{exchange['index'] % 7}")])
        self._count_opened()
        side = self._sides[stream_id] = ExchangeSide(self, stream_id, exchange)
        self._flush()
        await side.run()

    async def ping(self):
        self._connection.ping(b"finished")
        self._flush()
        await self._ponged.wait()

    async def send_chunk(self, stream_id, data):
        """Sends as much as fits into one frame; how much that was, 0 after a wait for room."""
        padding = self.options.padding
        overhead = 0 if padding is None else padding + 1
        room = self._connection.local_flow_control_window(stream_id) - overhead
        if room <= 0:
            self._window_changed.clear()
            await self._window_changed.wait()
            return 0
        chunk = data[:min(room, self._connection.max_outbound_frame_size - overhead)]
        self._connection.send_data(stream_id, chunk, pad_length=padding)
        self._flush()
        await self._writer.drain()
        await asyncio.sleep(0)  # reading has its turn
        return len(chunk)

    def end(self, stream_id):
        self._connection.end_stream(stream_id)
        self._flush()

    def reset(self, stream_id, code):
        self._connection.reset_stream(stream_id, code)
        self._flush()

    def answer(self, stream_id, status, end_stream=False):
        for interim in self.options.interim:
            self._connection.send_headers(stream_id, [(":status", str(interim)), ("hint", "wait")])
        headers = [tuple(header.split("=", 1)) for header in self.options.header]
        self._connection.send_headers(stream_id, [(":status", str(status)), *headers], end_stream=end_stream)
        self._flush()

    def _announce(self, settings):
        # Also the first ones this way: h2 keeps to them when they are acknowledged, not before.
        if settings:
            self._connection.update_settings(coded(settings))
            self._limit = settings.get("MAX_CONCURRENT_STREAMS", self._limit)
            # By itself h2 still refuses a longer frame that it reads together with the acknowledgement before it.
            self._connection.max_inbound_frame_size = settings.get(
                "MAX_FRAME_SIZE", self._connection.max_inbound_frame_size)

    def _count_opened(self):
        self._opened += 1
        for count, settings in self.options.then:
            if count == self._opened:
                self._announce(settings)

    def _restore_windows(self):
        # h2 looks at a window only when data comes, which never does into one that SETTINGS have closed.
        initial = self._connection.local_settings.initial_window_size
        for stream_id in self._sides:
            with contextlib.suppress(h2.exceptions.StreamClosedError):
                window = self._connection.remote_flow_control_window(stream_id)
                if window <= 0:
                    self._connection.increment_flow_control_window(initial - window, stream_id)

    def _flush(self):
        data = self._connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)

    def _on_event(self, event):
        side = self._sides.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.RequestReceived():
                self._on_request(event)
            case h2.events.ResponseReceived():
                side.on_answer(int(dict(event.headers)[":status"]))
            case h2.events.DataReceived():
                if side is not None:
                    side.on_data(event.data)
                self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded() if side is not None:
                side.on_end("end", None)
            case h2.events.StreamReset() if side is not None:
                side.on_end("reset", int(event.error_code))
                self._window_changed.set()
            case h2.events.WindowUpdated():
                self._window_changed.set()
            case h2.events.SettingsAcknowledged():
                self._restore_windows()
            case h2.events.RemoteSettingsChanged():
                self.has_settings.set()
                self._window_changed.set()
            case h2.events.PingAckReceived():
                self._ponged.set()

    def _on_request(self, event):
        if self.goaway_after and self._opened >= self.goaway_after:
            return  # above the last stream of our GOAWAY: as if it had never come
        self._count_opened()
        index = int(dict(event.headers)["exchange"])
        live = self._connection.open_inbound_streams
        is_first = self.options.refuse and index % self.options.refuse == 0 and index not in self._refused
        if is_first or (self._limit is not None and live > self._limit):
            self._refused.add(index)
            self.reset(event.stream_id, ErrorCodes.REFUSED_STREAM)
            self.report("refused", index=index)
        else:
            side = self._sides[event.stream_id] = ExchangeSide(self, event.stream_id, self._exchanges[index])
            task = asyncio.ensure_future(side.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        if self._opened == self.goaway_after:
            # Not h2's own: with that it would end the connection at once.
            self._flush()
            self._writer.write(hyperframe.frame.GoAwayFrame(last_stream_id=event.stream_id).serialize())
            self.report("goaway", last=event.stream_id)
