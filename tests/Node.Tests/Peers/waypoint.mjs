// A waypoint by Node's own TLS and HTTP/2: takes CONNECT over mutual TLS on one port and goes on to the destination over
// a tunnel of its own, under its own identity. An independent peer of the proxy, on both of its sides.
//
// Argument: JSON { port, ca, cert, key, baggage, endpoints, ports, broken }. The next three are PEM files. `endpoints` maps
// the address of a service to that of a pod, `ports` a service's port to the pod's; what they do not know stays as it is.
// `broken` are further ports, which carry something else than HBONE: { plain, tls, silent }.
//
// The port in a request's authority may ask for something else than a tunnel: 200 to 599 is answered as a status, 1 by
// RST_STREAM, 2 by GOAWAY, 3 never, 4 by the end of the connection.
//
// Prints one JSON object a line: {"event":"listening"}, then a "request" { authority, headers, peer } for each CONNECT.
// Ends with its standard input.
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';

const { port, ca, cert, key, baggage, endpoints, ports, broken } = JSON.parse(process.argv[2]);
const credentials = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3' };
const { NGHTTP2_INTERNAL_ERROR: internalError } = http2.constants;
const print = (event, details) => process.stdout.write(`${JSON.stringify({ event, ...details })}\n`);

function listen(server, number) {
  server.on('error', (error) => print('error', { message: error.message }));
  return new Promise((resolve) => server.listen({ port: number, host: '::' }, resolve));
}

// Resets by the proxy arrive as errors, and the proxy may go away at any time.
const ignoreErrors = (emitter) => emitter.on('error', () => {});

// Splits ip:port and [ip]:port.
function parse(authority) {
  const colon = authority.lastIndexOf(':');
  return { host: authority.slice(0, colon).replace(/^\[|\]$/g, ''), number: Number(authority.slice(colon + 1)) };
}

const format = (host, number) => (net.isIPv6(host) ? `[${host}]:${number}` : `${host}:${number}`);

// Opens a tunnel to the pod, then answers and passes bytes both ways.
function goOn(stream, authority, forwarded) {
  const host = endpoints[authority.host] ?? authority.host;
  const number = ports[authority.number] ?? authority.number;
  const socket = tls.connect({ ...credentials, host, port: 15008, ALPNProtocols: ['h2'], checkServerIdentity: () => undefined });
  const session = http2.connect(`https://${format(host, 15008)}`, { createConnection: () => socket });
  ignoreErrors(socket);
  ignoreErrors(session);
  const request = session.request(
    { ':method': 'CONNECT', ':authority': format(host, number), baggage, forwarded }, { endStream: false });
  ignoreErrors(request);
  request.on('response', (answer) => {
    if (stream.destroyed) {
      session.destroy();
    } else if (answer[':status'] !== 200) {
      stream.respond({ ':status': answer[':status'] }, { endStream: true });
      request.end();
    } else {
      stream.respond({ ':status': 200, baggage });
      stream.pipe(request);
      request.pipe(stream);
    }
  });
  request.on('close', () => {
    if (!stream.headersSent && !stream.destroyed) {
      stream.respond({ ':status': 503 }, { endStream: true });
    }

    session.close();
  });
  stream.on('close', () => request.close());
}

const server = http2.createSecureServer({ ...credentials, requestCert: true, rejectUnauthorized: true });
server.on('session', ignoreErrors);
server.on('stream', (stream, headers) => {
  ignoreErrors(stream);
  print('request', {
    authority: headers[':authority'],
    headers: { ...headers },
    peer: stream.session.socket.getPeerCertificate().subjectaltname,
  });
  const authority = parse(headers[':authority']);
  if (headers[':method'] !== 'CONNECT') {
    stream.respond({ ':status': 405 }, { endStream: true });
  } else if (authority.number >= 200 && authority.number <= 599) {
    stream.respond({ ':status': authority.number }, { endStream: true });
  } else if (authority.number === 1) {
    stream.close(internalError);
  } else if (authority.number === 2) {
    stream.session.goaway(internalError, 0);
    stream.session.destroy();
  } else if (authority.number === 4) {
    stream.session.destroy();
  } else if (authority.number !== 3) {
    goOn(stream, authority, headers.forwarded);
  }
});

await listen(server, port);
await listen(net.createServer((socket) => ignoreErrors(socket).end('HTTP/1.1 400 Bad Request\r\n\r\n')), broken.plain);
await listen(net.createServer((socket) => ignoreErrors(socket).resume()), broken.silent);
const garbage = tls.createServer({ ...credentials, ALPNProtocols: ['h2'] }, (socket) => ignoreErrors(socket).write('x'.repeat(64)));
ignoreErrors(garbage);
await listen(garbage, broken.tls);
print('listening', {});
process.stdin.resume().on('end', () => process.exit(0));
