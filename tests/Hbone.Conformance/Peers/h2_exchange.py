"""One side of one exchange: what it sends and when it ends follows from the plan. The other one is ExchangeSide.cs."""

import asyncio

import h2.exceptions


class ExchangeSide:
    """Checks what comes against the plan's pattern while it comes; reports once how it went."""

    def __init__(self, session, stream_id, exchange):
        self._session = session
        self._stream_id = stream_id
        self._exchange = exchange
        self._is_server = session.options.role == "server"
        self._course = exchange["course"]
        self._received = 0
        self._is_intact = True
        self._end = None
        self._code = None
        self._status = None
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self._has_all = asyncio.Event()
        if exchange["up" if self._is_server else "down"] == 0:
            self._has_all.set()
        self._is_cut = False

    def on_answer(self, status):
        self._status = status
        self._answered.set()

    def on_data(self, data):
        size = self._exchange["up" if self._is_server else "down"]
        self._is_intact &= self._expected(size, self._received, not self._is_server)[:len(data)] == data
        self._received += len(data)
        if self._received == size:
            self._has_all.set()

    def on_end(self, end, code):
        if self._end is None:
            self._end, self._code = end, code
        self._is_cut |= end != "end"
        for event in (self._ended, self._answered, self._has_all):
            event.set()

    async def run(self):
        try:
            await self._play()
        except h2.exceptions.ProtocolError as error:
            # StreamClosedError: the peer has reset it, or has all it wants. Anything else is a mistake.
            if not isinstance(error, h2.exceptions.StreamClosedError):
                self.on_end(repr(error), None)
        await self._ended.wait()
        self._session.report(
            "outcome", index=self._exchange["index"], received=self._received, intact=self._is_intact, end=self._end,
            code=self._code, status=self._status)

    async def _play(self):
        if self._is_server:
            if self._course == "refused":
                self._session.answer(self._stream_id, self._exchange["code"], end_stream=True)
                self._session.reset(self._stream_id, 0)
                self.on_end("local", None)
                return
            self._session.answer(self._stream_id, 200)
        else:
            await self._answered.wait()
            if self._status != 200:
                return

        size = self._exchange["down" if self._is_server else "up"]
        awaited = self._awaited()
        if awaited is None:
            await self._send(0, size)
        else:
            await self._send(0, size // 2)
            await awaited.wait()
            await self._send(size // 2, size)

        if self._course in ("clientResetsLast", "serverResetsLast"):
            await (self._has_all if self._resets() else self._ended).wait()
        if self._is_cut:
            return
        if self._resets():
            self._session.reset(self._stream_id, self._exchange["code"])
            self.on_end("local", None)
            return
        self._session.end(self._stream_id)
        if self._is_server and self._course == "serverEndsAndResets":
            if self._end is None:
                self._session.reset(self._stream_id, 0)
            self.on_end("local", None)

    def _awaited(self):
        # What this side waits for in the middle of its bytes, if it does.
        if self._course == ("clientEndsFirst" if self._is_server else "serverEndsFirst"):
            return self._ended
        if self._course in (("serverHasAllFirst", "clientResetsLast") if self._is_server else ("serverResetsLast",)):
            return self._has_all
        return None

    def _resets(self):
        return self._course.startswith("serverResets" if self._is_server else "clientResets")

    async def _send(self, start, end):
        while start < end and not self._is_cut:
            start += await self._session.send_chunk(self._stream_id, self._expected(end, start, self._is_server))

    def _expected(self, size, position, is_down):
        # At most one repetition of the pattern, from the position on.
        pattern = self._session.pattern
        offset = (self._exchange["index"] * 31 + is_down * 17 + position) % (len(pattern) // 2)
        return pattern[offset:offset + min(size - position, len(pattern) // 2)]
