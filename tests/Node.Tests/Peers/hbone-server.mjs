// An HBONE server, by node's own TLS and HTTP/2: takes every CONNECT and sends its bytes back.
// Argument: JSON { host, port, ca, cert, key, baggage }. Prints JSON lines: "listening", "session", "stream".
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';

const { host, port, ca, cert, key, baggage } = JSON.parse(process.argv[2]);
const print = (event, details) => process.stdout.write(JSON.stringify({ event, ...details }) + '\n');

const server = http2.createSecureServer({
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: 'TLSv1.3',
});

server.on('session', (session) => {
  session.on('error', () => {});
  print('session', { peer: session.socket.getPeerCertificate().subjectaltname });
});
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  print('stream', { authority: headers[':authority'], headers: { ...headers } });
  stream.on('error', () => {});
  stream.respond({ ':status': 200, ...(baggage ? { baggage } : {}) });
  stream.pipe(stream);
});

server.listen(port, host, () => print('listening', {}));
