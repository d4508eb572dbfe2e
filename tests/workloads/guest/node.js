// What Node needs of a kernel: worker threads on shared memory, child processes with every kind of stdio, the watcher
// of files, the thread pool, unix sockets, signals, timers. The output is the same each time.
'use strict';
const { Worker, isMainThread, parentPort, workerData, MessageChannel } = require('worker_threads');
const cp = require('child_process'), fs = require('fs'), os = require('os'), path = require('path'), net = require('net'), http = require('http');
const crypto = require('crypto'), zlib = require('zlib'), events = require('events'), assert = require('assert');

if (process.argv[2] === 'child') {
	process.on('message', (m, handle) => {
		if (m.quit) process.exit(m.quit);
		process.send({ got: m, handle: !!handle });
	});
	process.send({ ready: true });
	return;
}
if (!isMainThread) {
	const a = new Int32Array(workerData.shared);
	for (let i = 0; i < 20000; i++) Atomics.add(a, 0, 1);
	Atomics.add(a, 1, 1);
	Atomics.notify(a, 1);
	const woken = Atomics.wait(a, 2, 0, 30000); // until the main thread says go
	let s = 0;
	for (let i = 0; i < 300000; i++) s = (s * 31 + i + workerData.n) | 0;
	parentPort.postMessage({ n: workerData.n, woken: woken === 'ok' || woken === 'not-equal', s });
	return;
}

async function workers() {
	const shared = new SharedArrayBuffer(64), a = new Int32Array(shared), all = [];
	for (let n = 0; n < 6; n++) all.push(new Worker(__filename, { workerData: { shared, n } }));
	const done = all.map((w) => events.once(w, 'message')), ended = all.map((w) => events.once(w, 'exit'));
	while (Atomics.load(a, 1) < 6) await new Promise((r) => setTimeout(r, 5));
	Atomics.store(a, 2, 1);
	Atomics.notify(a, 2);
	const results = (await Promise.all(done)).map(([m]) => m);
	console.log('workers', Atomics.load(a, 0), results.map((r) => [r.n, r.woken, r.s].join(':')).join(' '));
	await Promise.all(ended);
	const endless = new Worker('for (;;) ;', { eval: true });
	await events.once(endless, 'online');
	console.log('terminated', await endless.terminate());
	const { port1, port2 } = new MessageChannel();
	port2.postMessage({ map: new Map([[1, 2]]), big: 12345678901234567890n });
	console.log('channel', (await new Promise((r) => port1.once('message', r))));
	port1.close();
}

async function children() {
	console.log('exec', await new Promise((r) => cp.exec('echo out; echo err >&2; exit 3', (e, out, err) => r([e.code, out, err]))));
	const sync = cp.spawnSync('cat', { input: Buffer.alloc(300000, 'x') });
	console.log('spawnSync', sync.status, sync.stdout.length);
	console.log('no such', cp.spawnSync('/no/such/program').error.code);
	const sleeper = cp.spawn('sleep', ['100']);
	setTimeout(() => sleeper.kill('SIGTERM'), 50);
	console.log('killed', await events.once(sleeper, 'exit'));
	const late = cp.spawnSync('sleep', ['100'], { timeout: 100 });
	console.log('timeout', late.signal, late.error.code);
	const child = cp.fork(__filename, ['child']);
	await events.once(child, 'message');
	child.send({ text: 'é'.repeat(1000), n: [1, 2, 3] });
	const [m] = await events.once(child, 'message');
	console.log('fork', m.got.text.length, m.got.n);
	const server = net.createServer().listen('/tmp/handle.sock');
	await events.once(server, 'listening');
	child.send({ a: 'handle' }, server);
	console.log('handle', (await events.once(child, 'message'))[0].handle);
	server.close();
	const quit = events.once(child, 'exit');
	child.send({ quit: 9 });
	console.log('quit', await quit);
	const many = await Promise.all([...Array(12).keys()].map((i) => new Promise((r) => cp.execFile('/bin/echo', ['child', i], (e, out) => r(out.trim())))));
	console.log(many.join(', '));
	const detached = cp.spawn('sh', ['-c', 'test $(ps -o sid= -p $$) = $$ && exit 5'], { detached: true, stdio: 'ignore' });
	console.log('detached', await events.once(detached, 'exit'));
	const own = cp.spawn('sh', ['-c', 'echo from three >&3; cat <&4'], { stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'pipe'] });
	own.stdio[4].end('to four\n');
	let three = '', one = '';
	own.stdio[3].on('data', (d) => (three += d));
	own.stdout.on('data', (d) => (one += d));
	await events.once(own, 'close');
	console.log('stdio', JSON.stringify([three, one]));
}

async function watching(dir) {
	fs.mkdirSync(dir);
	const seen = new Set(), watcher = fs.watch(dir, (type, name) => seen.add(type + ' ' + name));
	const until = async (text) => {
		for (let i = 0; i < 1000 && !seen.has(text); i++) await new Promise((r) => setTimeout(r, 10));
		console.log('watch', text, seen.has(text));
	};
	fs.writeFileSync(dir + '/a', 'one');
	await until('rename a');
	fs.appendFileSync(dir + '/a', 'two');
	await until('change a');
	fs.renameSync(dir + '/a', dir + '/b');
	await until('rename b');
	fs.unlinkSync(dir + '/b');
	cp.execSync('touch ' + dir + '/by-another-process');
	await until('rename by-another-process');
	watcher.close();
	const polled = await new Promise((r) => {
		fs.watchFile(dir + '/by-another-process', { interval: 50 }, (now) => now.size === 5 && r([now.size])); // it may look between the truncation and the write
		setTimeout(() => fs.writeFileSync(dir + '/by-another-process', '12345'), 200);
	});
	fs.unwatchFile(dir + '/by-another-process');
	console.log('watchFile', polled[0]);
}

async function files(dir) {
	const p = fs.promises;
	await p.mkdir(dir + '/x/y/z', { recursive: true });
	await Promise.all([...Array(200).keys()].map((i) => p.writeFile(`${dir}/x/y/z/${i}`, 'n' + i)));
	console.log('files', (await p.readdir(dir + '/x/y/z')).length, (await Promise.all([...Array(200).keys()].map((i) => p.readFile(`${dir}/x/y/z/${i}`, 'utf8')))).join('').length);
	await p.symlink('y/z/7', dir + '/x/link');
	await p.copyFile(dir + '/x/link', dir + '/x/copy');
	await p.chmod(dir + '/x/copy', 0o640);
	await p.utimes(dir + '/x/copy', 1e9, 1.5e9);
	const s = await p.stat(dir + '/x/copy');
	console.log('stat', s.size, (s.mode & 0o777).toString(8), s.mtimeMs, await p.readlink(dir + '/x/link'), await p.realpath(dir + '/x/link'));
	const h = await p.open(dir + '/x/copy', 'r+');
	await h.write('abc', 10);
	await h.truncate(12);
	await h.datasync();
	await h.close();
	console.log('holes', await p.readFile(dir + '/x/copy', 'latin1'));
	const stream = fs.createWriteStream(dir + '/big');
	for (let i = 0; i < 64; i++) if (!stream.write(Buffer.alloc(65536, i))) await events.once(stream, 'drain');
	stream.end();
	await events.once(stream, 'finish');
	const hash = crypto.createHash('sha256');
	for await (const piece of fs.createReadStream(dir + '/big').pipe(zlib.createGzip()).pipe(zlib.createGunzip())) hash.update(piece);
	console.log('stream', hash.digest('hex'));
	fs.cpSync(dir + '/x', dir + '/copy', { recursive: true });
	console.log('cp', fs.readdirSync(dir + '/copy/y/z').length);
	fs.rmSync(dir, { recursive: true });
	await assert.rejects(p.access(dir), { code: 'ENOENT' });
}

async function pool() {
	const keys = await Promise.all([...Array(16).keys()].map((i) => new Promise((r) => crypto.pbkdf2('p' + i, 'salt', 500, 16, 'sha256', (e, k) => r(k.toString('hex'))))));
	console.log('pool', crypto.createHash('md5').update(keys.join()).digest('hex'), crypto.randomBytes(8).length);
}

async function sockets() {
	const sock = '/tmp/http.sock', server = http.createServer((q, a) => {
		let n = 0;
		q.on('data', (d) => (n += d.length)).on('end', () => a.end(JSON.stringify({ url: q.url, n })));
	}).listen(sock);
	await events.once(server, 'listening');
	const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
	const all = await Promise.all([...Array(40).keys()].map((i) => new Promise((r, j) => {
		const q = http.request({ socketPath: sock, agent, method: 'POST', path: '/' + i }, (a) => {
			let t = '';
			a.on('data', (d) => (t += d)).on('end', () => r(JSON.parse(t).n));
		});
		q.on('error', j);
		q.end(Buffer.alloc(i * 5000));
	})));
	console.log('http', all.reduce((a, b) => a + b));
	agent.destroy();
	server.close();
	await assert.rejects(events.once(net.connect('/tmp/none.sock'), 'connect'), { code: 'ENOENT' });
}

(async () => {
	console.log(process.platform, process.arch, process.release.name, os.hostname(), os.userInfo().username, os.cpus().length > 0, os.totalmem() > 1e8);
	await workers();
	await children();
	await watching('/work/watched');
	await watching('/tmp/watched');
	await files('/tmp/files');
	await files('/work/files');
	await pool();
	await sockets();
	const order = [];
	setTimeout(() => order.push('timeout'), 1);
	setImmediate(() => order.push('immediate'));
	process.nextTick(() => order.push('tick'));
	queueMicrotask(() => order.push('micro'));
	await new Promise((r) => setTimeout(r, 100));
	console.log('order', order.slice(0, 2).join(), order.length);
	process.once('SIGUSR2', () => console.log('SIGUSR2'));
	process.kill(process.pid, 'SIGUSR2');
	await new Promise((r) => setTimeout(r, 100));
	let ballast = [];
	for (let i = 0; i < 200; i++) ballast.push(new Array(20000).fill(i)); // garbage collection by helper threads
	ballast = null;
	console.log('memory', process.memoryUsage().rss > 1e7, process.resourceUsage().maxRSS > 1e4, typeof process.constrainedMemory());
	process.stdout.write('done\n', () => process.exit(7));
})().catch((e) => { console.error(e); process.exit(1); });
