// An HTTP/2 CONNECT client over mutual TLS 1.3, by Node's own HTTP/2 stack (nghttp2), for our server to meet.
//
// Opens streams on one connection, sends random bytes on each, half-closes and expects every byte back. Prints one
// JSON object: {"ok":..,"bytes":..,"goaway":..,"error":..,"streams":[..]}. Exit status 0 only if all came back.

import { createHash, randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' }, // PEM files: our chain, our key, what the server must chain to
    key: { type: 'string' },
    ca: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string' },
    'peer-id': { type: 'string' }, // the URI that the server's certificate must carry
    authority: { type: 'string', default: '127.0.0.1:7' },
    header: { type: 'string', multiple: true, default: [] }, // name=value, sent with each request
    streams: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '10' },
    'min-bytes': { type: 'string', default: '0' },
    'max-bytes': { type: 'string', default: '100000' },
    'header-table-size': { type: 'string' }, // SETTINGS_HEADER_TABLE_SIZE
    'window-size': { type: 'string' }, // SETTINGS_INITIAL_WINDOW_SIZE
    'max-frame-size': { type: 'string' }, // SETTINGS_MAX_FRAME_SIZE
  },
});

const largestChunk = 65_536;
const numberOf = (name) => (options[name] === undefined ? undefined : Number(options[name]));
const withoutUndefined = (record) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
const summary = { ok: 0, bytes: 0, goaway: null, error: null, streams: [] };

const session = http2.connect(`https://${options.host}:${options.port}`, {
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  ca: readFileSync(options.ca),
  minVersion: 'TLSv1.3',
  maxSessionMemory: 1_000,
  checkServerIdentity,
  settings: withoutUndefined({
    enablePush: false,
    headerTableSize: numberOf('header-table-size'),
    initialWindowSize: numberOf('window-size'),
    maxFrameSize: numberOf('max-frame-size'),
  }),
});
session.on('error', (error) => (summary.error ??= error.message));
session.on('goaway', (code) => (summary.goaway = code));

// Not before the server's settings: a stream above its limit would be refused. A 'close' before them is a connection
// that failed; its error is in the summary already.
await Promise.race(['remoteSettings', 'close'].map((event) => new Promise((resolve) => session.once(event, resolve))));
if (!session.destroyed) {
  await runStreams();
  await pingOnce(); // the answer comes when the server has read all before it; closing earlier could cost it the rest
  session.close();
}

summary.ok = summary.streams.filter((stream) => stream.ok).length;
summary.bytes = summary.streams.reduce((bytes, stream) => bytes + stream.received, 0);
process.stdout.write(`${JSON.stringify(summary)}\n`);
process.exitCode = summary.ok === Number(options.streams) ? 0 : 1;

function checkServerIdentity(_, certificate) {
  const names = (certificate.subjectaltname ?? '').split(', ');
  return options['peer-id'] === undefined || names.includes(`URI:${options['peer-id']}`)
    ? undefined
    : new Error(`server is ${certificate.subjectaltname}, expected ${options['peer-id']}`);
}

function pingOnce() {
  return new Promise((resolve) => {
    session.once('close', resolve);
    if (session.closed || !session.ping(resolve)) {
      resolve();
    }
  });
}

async function runStreams() {
  let left = Number(options.streams);
  const lane = async () => {
    while (left > 0 && !session.closed) {
      left -= 1;
      summary.streams.push(await runStream());
    }
  };
  await Promise.all(Array.from({ length: Math.min(left, Number(options.parallel)) }, lane));
}

async function runStream() {
  const size = randomInt(Number(options['min-bytes']), Number(options['max-bytes']) + 1);
  const result = { ok: false, status: null, size, sent: 0, received: 0, code: null, error: null };
  const sentHash = createHash('sha256');
  const receivedHash = createHash('sha256');

  const headers = { ':method': 'CONNECT', ':authority': options.authority };
  for (const header of options.header) {
    const [name, ...value] = header.split('=');
    headers[name] = value.join('=');
  }

  const stream = session.request(headers, { endStream: false });
  stream.on('error', (error) => (result.error = error.message));
  stream.on('response', (answer) => {
    result.status = answer[':status'];
    result.headers = Object.fromEntries(Object.entries(answer));
    if (result.status === 200) {
      Readable.from(randomChunks(size, sentHash, result)).pipe(stream); // ends the stream when all is sent
    } else {
      stream.end();
    }
  });
  stream.on('data', (chunk) => {
    receivedHash.update(chunk);
    result.received += chunk.length;
  });
  await new Promise((resolve) => stream.once('close', resolve));

  result.code = stream.rstCode;
  result.sha256 = sentHash.digest('hex');
  result.receivedSha256 = receivedHash.digest('hex');
  const isWhole = result.sent === size && result.sha256 === result.receivedSha256;
  result.ok = result.status === 200 && result.code === 0 && isWhole;
  return result;
}

function* randomChunks(size, hash, result) {
  while (result.sent < size) {
    const chunk = randomBytes(Math.min(size - result.sent, randomInt(1, largestChunk)));
    hash.update(chunk);
    result.sent += chunk.length;
    yield chunk;
  }
}
