// An HTTP/2 CONNECT endpoint over mutual TLS 1.3, by Node's own HTTP/2 stack (nghttp2), for ours to meet.
//
// Plays its side of a plan of exchanges (see ExchangePlan.cs), as client on one connection or as server on any number.
// A request names its exchange in the header "exchange". Prints one JSON object a line: "listening" with its port,
// "outcome" for each exchange, "goaway", "sessionError", "done" at a client's end. A server ends with its standard
// input.

import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { parseArgs } from 'node:util';

import { ExchangeSide, Pattern } from './exchange-side.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true, // client or server
  options: {
    cert: { type: 'string' }, // PEM files: our chain, our key, what the peer must chain to
    key: { type: 'string' },
    ca: { type: 'string' },
    plan: { type: 'string' },
    pattern: { type: 'string' },
    port: { type: 'string' }, // of the server that a client meets, on loopback
    parallel: { type: 'string', default: '1000' }, // exchanges at once; never above the server's limit
    settings: { type: 'string' }, // name=value,.. to announce, in Node's names
    then: { type: 'string', multiple: true, default: [] }, // COUNT:name=value,.. once so many streams were opened
    padding: { type: 'boolean', default: false }, // as much as Node can
    'goaway-after': { type: 'string' }, // a connection's streams; then GOAWAY, and what is open may finish
  },
});

const pairsOf = (text) => (text ?? '').split(',').filter(Boolean).map((entry) => entry.split('='));
const settingsOf = (text) => Object.fromEntries(pairsOf(text).map(([name, value]) => [name, Number(value)]));
const print = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

const plan = JSON.parse(readFileSync(options.plan, 'utf8'));
const pattern = new Pattern(readFileSync(options.pattern));
const later = options.then.map((text) => text.split(':')).map(([count, text]) => [Number(count), settingsOf(text)]);
const common = {
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  ca: readFileSync(options.ca),
  minVersion: 'TLSv1.3',
  maxSessionMemory: 1_000,
  paddingStrategy: options.padding ? http2.constants.PADDING_STRATEGY_MAX : http2.constants.PADDING_STRATEGY_NONE,
  settings: { enablePush: false, ...settingsOf(options.settings) },
};

if (positionals[0] === 'server') {
  serve();
} else {
  await runClient();
}

// Counts a connection's streams and announces what is due after so many.
function counterOf(session) {
  let opened = 0;
  return () => {
    opened += 1;
    for (const [count, settings] of later) {
      if (count === opened) {
        session.settings(settings);
      }
    }

    return opened;
  };
}

async function play(side) {
  print('outcome', await side.run());
}

function serve() {
  const server = http2.createSecureServer({ ...common, requestCert: true, rejectUnauthorized: true });
  server.on('sessionError', (error) => print('sessionError', { message: error.message }));
  server.on('session', (session) => {
    const count = counterOf(session);
    session.on('stream', (stream, headers) => {
      play(new ExchangeSide(stream, plan.exchanges[Number(headers.exchange)], true, pattern));
      if (count() === Number(options['goaway-after'])) {
        session.close();
        print('goaway', { last: stream.id });
      }
    });
  });
  server.listen(0, '127.0.0.1', () => print('listening', { port: server.address().port }));
  process.stdin.resume().on('end', () => process.exit(0));
}

async function runClient() {
  const session = http2.connect(`https://127.0.0.1:${options.port}`, {
    ...common,
    checkServerIdentity: () => undefined, // a URI, not a name; other tests compare it
  });
  session.on('error', (error) => print('sessionError', { message: error.message }));

  // Not before the server's settings: a stream above its limit would be refused.
  await new Promise((resolve) => session.once('remoteSettings', resolve));
  const count = counterOf(session);
  const left = plan.exchanges.values();
  const lane = async () => {
    for (const exchange of left) {
      const headers = {
        ':method': 'CONNECT',
        ':authority': `10.0.0.1:${1 + exchange.index}`,
        exchange: `${exchange.index}`,
        baggage: `k8s.namespace.name=ns${exchange.index % 7}`,
      };
      const stream = session.request(headers, { endStream: false });
      count();
      await play(new ExchangeSide(stream, exchange, false, pattern));
    }
  };
  const lanes = Math.min(Number(options.parallel), session.remoteSettings.maxConcurrentStreams);
  await Promise.all(Array.from({ length: lanes }, lane));
  await new Promise((resolve) => session.ping(resolve)); // the answer comes when the server has read all before it
  session.close();
  print('done', {});
}
