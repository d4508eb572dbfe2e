// The terminal page: makes (or takes) a sandbox and connects a terminal to it. The token stays in this tab: it comes from
// the form or from the part of the URL behind '#', which browsers do not send to servers.
'use strict';
const $ = id => document.getElementById(id);
const hash = new URLSearchParams(location.hash.slice(1));
let sandboxId = '';

function say(text) { $('message').textContent = text; }

async function api(method, path, body) {
  const response = await fetch(path, {
    method,
    headers: Object.assign({ Authorization: 'Bearer ' + $('token').value }, body ? { 'Content-Type': 'application/json' } : {}),
    body: body ? JSON.stringify(body) : undefined,
  });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok)
    throw new Error(answer.detail || answer.title || response.statusText);
  return answer;
}

async function listSandboxes() {
  const select = $('sandbox');
  const page = await api('GET', '/v1/sandboxes?limit=1000');
  for (const item of page.items.filter(s => s.state === 'running')) {
    const option = document.createElement('option');
    option.value = item.id;
    option.textContent = item.id + '  (' + item.rootfs + ')';
    select.append(option);
  }
}

function openTerminal(id, command) {
  $('start').hidden = true;
  $('session').hidden = false;
  $('title').textContent = id;
  const terminal = new Terminal({ cursorBlink: true, scrollback: 5000, theme: { background: '#14181c' } });
  const fit = new FitAddon.FitAddon();
  terminal.loadAddon(fit);
  terminal.open($('terminal'));
  fit.fit();
  terminal.focus();
  const query = new URLSearchParams({ cols: terminal.cols, rows: terminal.rows });
  if (command)
    query.set('cmd', command);
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const socket = new WebSocket(scheme + location.host + '/v1/sandboxes/' + id + '/terminal?' + query,
                               ['warren.terminal.v1', 'warren.token.' + $('token').value]);
  socket.binaryType = 'arraybuffer';
  const encoder = new TextEncoder();
  let ended = false;
  const send = bytes => {
    // Pieces below the server's limit of one message.
    for (let at = 0; at < bytes.length && socket.readyState === WebSocket.OPEN; at += 32768)
      socket.send(bytes.subarray(at, at + 32768));
  };
  terminal.onData(text => send(encoder.encode(text)));
  terminal.onBinary(text => send(Uint8Array.from(text, c => c.charCodeAt(0))));
  terminal.onResize(size => {
    if (socket.readyState === WebSocket.OPEN)
      socket.send(JSON.stringify({ type: 'resize', cols: size.cols, rows: size.rows }));
  });
  addEventListener('resize', () => fit.fit());
  socket.onmessage = event => {
    if (typeof event.data !== 'string') {
      terminal.write(new Uint8Array(event.data));
      return;
    }
    const message = JSON.parse(event.data);
    if (message.type === 'exit') {
      ended = true;
      const how = 'code' in message ? 'status ' + message.code : 'signal' in message ? 'signal ' + message.signal : message.error;
      terminal.write('\r\n\x1b[2m[ended: ' + how + ']\x1b[0m\r\n');
    }
  };
  socket.onclose = () => { if (!ended) terminal.write('\r\n\x1b[2m[the connection was lost]\x1b[0m\r\n'); };
}

$('start').addEventListener('submit', async event => {
  event.preventDefault();
  say('');
  try {
    sandboxId = $('sandbox').value;
    if (!sandboxId) {
      say('starting…');
      const rootfs = $('rootfs').value || $('rootfs').dataset.known;
      if (!rootfs)
        throw new Error('Which root file system? It must be one that warrend was started with (--allow-rootfs).');
      sandboxId = (await api('POST', '/v1/sandboxes', { rootfs })).id;
    }
    openTerminal(sandboxId, $('command').value);
  } catch (error) {
    say(error.message);
  }
});
$('sandbox').addEventListener('change', () => { $('rootfs-row').hidden = $('sandbox').value !== ''; });
$('remove').addEventListener('click', async () => {
  try { await api('DELETE', '/v1/sandboxes/' + sandboxId); location.reload(); } catch (error) { alert(error.message); }
});
$('token').value = hash.get('token') || '';
$('rootfs').value = hash.get('rootfs') || '';
if ($('token').value)
  listSandboxes().then(() => { if (hash.get('rootfs')) $('start').requestSubmit(); }, error => say(error.message));
else
  $('token').addEventListener('change', () => listSandboxes().catch(error => say(error.message)), { once: true });
