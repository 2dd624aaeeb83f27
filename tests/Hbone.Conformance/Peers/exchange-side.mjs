// One side of one exchange: what it sends and when it ends follows from the plan. The other one is ExchangeSide.cs.

const largestChunk = 65_536;

/** The bytes that both sides know: those of one direction of an exchange, from a position on. */
export class Pattern {
  #bytes; // one period, twice

  constructor(bytes) {
    this.#bytes = bytes;
  }

  /** At most one chunk. */
  slice(exchange, isDown, position, length) {
    const offset = (exchange.index * 31 + (isDown ? 17 : 0) + position) % (this.#bytes.length / 2);
    return this.#bytes.subarray(offset, offset + Math.min(length, largestChunk));
  }
}

function signal() {
  let resolve;
  const promise = new Promise((resolver) => (resolve = resolver));
  return { promise, resolve };
}

/** Checks what comes while it comes. */
export class ExchangeSide {
  #stream;
  #exchange;
  #isServer;
  #pattern;
  #received = 0;
  #intact = true;
  #end = null;
  #code = null;
  #status = null;
  #ended = signal();
  #hasAll = signal();
  #closed = signal();

  constructor(stream, exchange, isServer, pattern) {
    this.#stream = stream;
    this.#exchange = exchange;
    this.#isServer = isServer;
    this.#pattern = pattern;
    stream.on('error', () => {}); // a reset by the peer; 'close' tells its code
    stream.on('data', (data) => this.#onData(data));
    stream.on('end', () => this.#onOver());
    stream.on('close', () => {
      this.#onOver();
      this.#closed.resolve();
    });
    this.#resolveIfAll();
  }

  /** Runs until both directions are over; what it has seen. */
  async run() {
    if (this.#isServer) {
      await this.#answer();
    } else {
      this.#status = await this.#answered();
      if (this.#status === 200) {
        await this.#play();
      }
    }

    await this.#closed.promise;
    return {
      index: this.#exchange.index,
      received: this.#received,
      intact: this.#intact,
      end: this.#end,
      code: this.#code,
      status: this.#status,
    };
  }

  async #answer() {
    const { course, code } = this.#exchange;
    if (course === 'refused') {
      this.#stream.respond({ ':status': code }, { endStream: true });
      this.#reset(0);
    } else {
      this.#stream.respond({ ':status': 200 }, { endStream: false });
      await this.#play();
    }
  }

  #answered() {
    return new Promise((resolve) => {
      this.#stream.once('response', (headers) => resolve(headers[':status']));
      this.#stream.once('close', () => resolve(null));
    });
  }

  async #play() {
    const { course, code, up, down } = this.#exchange;
    const size = this.#isServer ? down : up;
    const awaited = this.#awaited();
    const first = awaited === null ? size : Math.floor(size / 2);
    await this.#send(0, first);
    await awaited;
    await this.#send(first, size);

    const isLast = course.endsWith('Last');
    if (course.startsWith(this.#isServer ? 'serverResets' : 'clientResets')) {
      await (isLast ? this.#hasAll.promise : null);
      this.#stream._final = (done) => done(); // Node would end its side before the reset
      this.#reset(code);
    } else if (!isLast) {
      await new Promise((resolve) => this.#stream.end(resolve));
      if (this.#isServer && course === 'serverEndsAndResets') {
        // Not at once: with close() right behind end() Node 20.20 now and then sends empty DATA frames without end.
        setImmediate(() => this.#reset(0));
      }
    }
  }

  // What this side waits for in the middle of its bytes, if it does.
  #awaited() {
    const { course } = this.#exchange;
    if (course === (this.#isServer ? 'clientEndsFirst' : 'serverEndsFirst')) {
      return this.#ended.promise;
    }

    const all = this.#isServer ? ['serverHasAllFirst', 'clientResetsLast'] : ['serverResetsLast'];
    return all.includes(course) ? this.#hasAll.promise : null;
  }

  // Ends early when the peer has cut the stream.
  async #send(start, end) {
    while (start < end && !this.#stream.closed) {
      const chunk = this.#pattern.slice(this.#exchange, this.#isServer, start, end - start);
      await new Promise((resolve) => this.#stream.write(chunk, resolve));
      start += chunk.length;
    }
  }

  #reset(code) {
    if (!this.#stream.closed) {
      this.#onEnd('local', code);
      this.#stream.close(code);
    }
  }

  #onData(data) {
    let rest = data;
    while (rest.length > 0) {
      const expected = this.#pattern.slice(this.#exchange, !this.#isServer, this.#received, rest.length);
      this.#intact &&= expected.equals(rest.subarray(0, expected.length));
      this.#received += expected.length;
      rest = rest.subarray(expected.length);
    }

    this.#resolveIfAll();
  }

  // Node says 'end' after RST_STREAM CANCEL too.
  #onOver() {
    const code = this.#stream.rstCode;
    this.#onEnd(code ? 'reset' : 'end', code || null);
  }

  #onEnd(end, code) {
    if (this.#end === null) {
      this.#end = end;
      this.#code = code;
    }

    this.#ended.resolve();
    this.#hasAll.resolve();
  }

  #resolveIfAll() {
    if (this.#received === (this.#isServer ? this.#exchange.up : this.#exchange.down)) {
      this.#hasAll.resolve();
    }
  }
}
