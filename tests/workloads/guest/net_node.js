// An HTTP server and client, raw TCP, UDP and DNS look-ups of localhost in node.
const http = require('http'), net = require('net'), dgram = require('dgram'), dns = require('dns'), crypto = require('crypto');
const data = crypto.randomBytes(3000000), sum = (b) => crypto.createHash('sha256').update(b).digest('hex');
const server = http.createServer((q, r) => { const parts = []; q.on('data', (d) => parts.push(d)); q.on('end', () => r.end(sum(Buffer.concat(parts)))); });
const post = (port) => new Promise((ok, bad) => { const q = http.request({ port, host: '127.0.0.1', method: 'POST' }, (r) => { let t = ''; r.on('data', (d) => t += d); r.on('end', () => ok(t)); }); q.on('error', bad); q.end(data); });
server.listen(0, '127.0.0.1', async () => {
  const port = server.address().port;
  const all = await Promise.all(Array.from({ length: 20 }, () => post(port)));
  console.log('posts', all.filter((s) => s === sum(data)).length);
  server.close(); server.closeAllConnections();
  const echo = net.createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(0, '::1', () => {
    const c = net.connect(echo.address().port, '::1'), parts = [];
    c.on('data', (d) => parts.push(d)); c.end(data);
    c.on('close', () => {
      console.log('echo', sum(Buffer.concat(parts)) === sum(data)); echo.close();
      const u = dgram.createSocket('udp4'); u.on('message', (m) => { console.log('udp', m.toString()); u.close();
        dns.lookup('localhost', { family: 4 }, (e, a) => { console.log('lookup', a);
          net.connect(1, '127.0.0.1').on('error', (err) => console.log(err.code)); }); });
      u.bind(0, '127.0.0.1', () => u.send('datagram', u.address().port, '127.0.0.1'));
    });
  });
});
