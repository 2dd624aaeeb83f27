// An HTTP/2 CONNECT server over mutual TLS 1.3, by Node's own HTTP/2 stack (nghttp2), for our client to meet.
//
// Prints one JSON object a line: first {"event":"listening","port":..}, then "stream", "end", "tlsError",
// "sessionError". Ends with its standard input, so that it never outlives the test that started it.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    cert: { type: 'string' }, // PEM files: our chain, our key, what clients must chain to
    key: { type: 'string' },
    ca: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'echo' }, // echo: send back; connect: relay to the TCP target in :authority
    'max-streams': { type: 'string' }, // SETTINGS_MAX_CONCURRENT_STREAMS
    'header-table-size': { type: 'string' }, // SETTINGS_HEADER_TABLE_SIZE
    'window-size': { type: 'string' }, // SETTINGS_INITIAL_WINDOW_SIZE
    'max-frame-size': { type: 'string' }, // SETTINGS_MAX_FRAME_SIZE
    status: { type: 'string', default: '200' }, // any other than 200 refuses the stream
    'reset-after': { type: 'string' }, // RST_STREAM once this many bytes came in
    'reset-code': { type: 'string', default: '2' }, // INTERNAL_ERROR
    'half-close-first': { type: 'boolean', default: false }, // say little, end, and go on reading
    'goaway-after': { type: 'string' }, // GOAWAY once this many streams were opened on a session
  },
});

const greeting = 'nothing more from here';
const numberOf = (name) => (options[name] === undefined ? undefined : Number(options[name]));
const print = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);
const withoutUndefined = (record) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));

const server = http2.createSecureServer({
  cert: readFileSync(options.cert),
  key: readFileSync(options.key),
  ca: readFileSync(options.ca),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.3',
  maxSessionMemory: 1_000,
  settings: withoutUndefined({
    maxConcurrentStreams: numberOf('max-streams'),
    headerTableSize: numberOf('header-table-size'),
    initialWindowSize: numberOf('window-size'),
    maxFrameSize: numberOf('max-frame-size'),
  }),
});

server.on('tlsClientError', (error) => print('tlsError', { message: error.message }));
server.on('sessionError', (error) => print('sessionError', { message: error.message }));

server.on('session', (session) => {
  let opened = 0;
  session.on('stream', () => {
    opened += 1;
    if (opened === numberOf('goaway-after')) {
      session.close(); // GOAWAY without error; what is open may finish
    }
  });
});

server.on('stream', (stream, headers) => {
  print('stream', {
    id: stream.id,
    headers: Object.fromEntries(Object.entries(headers)),
    peer: stream.session.socket.getPeerCertificate().subjectaltname,
  });
  report(stream);

  if (headers[':method'] !== 'CONNECT') {
    stream.respond({ ':status': 405 }, { endStream: true });
  } else if (options.status !== '200') {
    stream.respond({ ':status': Number(options.status) }, { endStream: true });
  } else if (options['half-close-first']) {
    stream.respond({ ':status': 200 });
    stream.end(greeting);
  } else if (options.mode === 'connect') {
    relay(stream, new URL(`tcp://${headers[':authority']}`));
  } else {
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  }
});

server.listen(Number(options.port), options.host, () => print('listening', { port: server.address().port }));
process.stdin.resume().on('end', () => process.exit(0));

// Counts and hashes what comes in, resets when told to, and prints how the stream ended.
function report(stream) {
  const hash = createHash('sha256');
  let received = 0;
  stream.on('data', (chunk) => {
    hash.update(chunk);
    received += chunk.length;
    if (received >= (numberOf('reset-after') ?? Infinity)) {
      stream.close(Number(options['reset-code']));
    }
  });

  // A reset by the client arrives as an error here; 'close' tells its code.
  stream.on('error', () => {});
  stream.on('close', () =>
    print('end', { id: stream.id, received, sha256: hash.digest('hex'), code: stream.rstCode }));
}

function relay(stream, target) {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const socket = net.connect({ host, port: Number(target.port), allowHalfOpen: true });
  stream.pause(); // until there is somebody to pass it to
  socket.on('connect', () => {
    stream.respond({ ':status': 200 });
    stream.pipe(socket);
    socket.pipe(stream);
  });
  socket.on('error', () => {
    if (stream.headersSent) {
      stream.close(http2.constants.NGHTTP2_CONNECT_ERROR);
    } else if (!stream.destroyed) {
      stream.respond({ ':status': 503 }, { endStream: true });
    }
  });
  stream.on('close', () => {
    if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) {
      socket.resetAndDestroy();
    }
  });
}
