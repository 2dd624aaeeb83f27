// One request to an HBONE server, by node's own TLS and HTTP/2: an independent peer of the proxy.
// Argument: JSON { host, port, ca, cert, key, headers, payload }, the three in the middle being PEM files.
// Prints JSON { status, headers, body, error, reset }: what the server answered, and how it ended.
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import tls from 'node:tls';

const { host, port, ca, cert, key, headers, payload } = JSON.parse(process.argv[2]);
const result = { status: null, headers: {}, body: '', error: null, reset: null };

function finish() {
  process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
}

function fail(error) {
  result.error ??= error.code ?? error.message;
}

// Identities are SPIFFE URIs, so there is no host name to check.
const socket = tls.connect({
  host,
  port,
  ca: readFileSync(ca),
  cert: readFileSync(cert),
  key: readFileSync(key),
  ALPNProtocols: ['h2'],
  minVersion: 'TLSv1.3',
  checkServerIdentity: () => undefined,
});
const session = http2.connect(`https://${host.includes(':') ? `[${host}]` : host}:${port}`, { createConnection: () => socket });
socket.on('error', fail);
session.on('error', fail);
session.on('close', finish);

const request = session.request(headers, { endStream: false });
request.setEncoding('utf8');
request.on('response', (answer) => {
  result.status = answer[':status'];
  result.headers = { ...answer };
  if (result.status === 200) {
    request.end(payload ?? '');
  } else {
    request.end();
  }
});
request.on('data', (chunk) => {
  result.body += chunk;
});
request.on('error', fail);
request.on('close', () => {
  result.reset = request.rstCode;
  session.close();
  socket.destroy();
});

setTimeout(() => {
  fail(new Error('no end within 10 seconds'));
  finish();
}, 10_000).unref();
