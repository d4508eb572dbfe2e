// web.js server PORT | client HOST PORT REQUESTS: node's own HTTP server and client; what goes up comes back, bytes are compared.
const http = require('http'), crypto = require('crypto');
const [, , role, a, b, c] = process.argv;
if (role === 'server') {
	http.createServer((request, response) => {
		response.writeHead(200);
		request.pipe(response);
	}).listen(+a, '::');
} else {
	const agent = new http.Agent({keepAlive: true, maxSockets: 32});
	let left = +c, good = 0;
	for (let i = 0; i < +c; i++) {
		const body = crypto.randomBytes((i * 7919) % 100000);
		const request = http.request({host: a, port: +b, method: 'POST', agent}, response => {
			const parts = [];
			response.on('data', d => parts.push(d));
			response.on('end', () => {
				if (Buffer.concat(parts).equals(body))
					good++;
				if (--left === 0) {
					console.log(good === +c ? `ok ${good}` : `only ${good} of ${c} answers are right`);
					process.exit(good === +c ? 0 : 1);
				}
			});
		});
		request.on('error', e => { console.log(String(e)); process.exit(1); });
		request.end(body);
	}
}
