// An east-west gateway, by node's own TLS and HTTP/2: takes HBONE and copies the bytes of each CONNECT to where the
// authority leads, without looking at them. Argument: JSON { host, port, ca, cert, key, routes }, routes by authority:
//   { to: [[host, port], ...] }  in turn    { status }  refuses    { then }  accepts, then "reset", "close", "silence"
//   or "garbage". Prints JSON lines: "listening", "session", "stream", "end".
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';

const { host, port, ca, cert, key, routes } = JSON.parse(process.argv[2]);
const print = (event, details) => process.stdout.write(JSON.stringify({ event, ...details }) + '\n');
const turns = new Map();

const server = http2.createSecureServer({
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.3',
  settings: { initialWindowSize: 1 << 20 },
});

server.on('session', (session) => {
  session.on('error', () => {});
  print('session', { peer: session.socket.getPeerCertificate().subjectaltname });
});
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  const authority = headers[':authority'];
  print('stream', { authority, headers: { ...headers } });
  stream.on('error', () => {});
  stream.on('close', () => print('end', { authority, code: stream.rstCode }));
  const route = routes[authority] ?? { status: 404 };
  if (route.status) {
    stream.respond({ ':status': route.status }, { endStream: true });
  } else if (route.then) {
    stream.respond({ ':status': 200 });
    misbehave(stream, route.then);
  } else {
    const turn = turns.get(authority) ?? 0;
    turns.set(authority, turn + 1);
    splice(stream, route.to[turn % route.to.length]);
  }
});

function misbehave(stream, how) {
  if (how === 'reset') {
    stream.once('data', () => stream.close(http2.constants.NGHTTP2_CONNECT_ERROR));
  } else if (how === 'close') {
    stream.once('data', () => stream.end());
  } else if (how === 'garbage') {
    stream.resume().write('HTTP/1.1 400 Bad Request\r\n\r\n');
  } else {
    stream.resume();
  }
}

function splice(stream, [toHost, toPort]) {
  const socket = net.connect({ host: toHost, port: toPort, allowHalfOpen: true, noDelay: true });
  stream.pause();
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

server.listen(port, host, () => print('listening', {}));
