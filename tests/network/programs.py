"""What the peer tests run: each case has a server on one side and a client on the other, over one family, and returns its figures.

`c` is a Run: c.server, c.client, c.family, c.address (the server's), c.url (the address as URLs want it), c.long."""
import json, re, time

from world import Failed

CASES = []  # (name, programs that both sides need, heavy, compared, function)


def case(name, *needs, heavy=False, compared=False):
    """heavy: the short form does it once in each direction, over one family each; compared: the long form has Linux do it with itself, too"""
    def add(fn):
        CASES.append((name, needs, heavy, compared, fn))
        return fn
    return add


def expect(what, got, wanted):
    if got != wanted:
        raise Failed(f"{what}: expected {wanted!r}, got {str(got)[:300]!r}")


def make_file(side, path, mib):
    """A file of random bytes, made by the side itself (the sandbox believes that nobody else changes its folders); its SHA-256."""
    return side.sh(f"head -c {mib}M /dev/urandom > {path} && sha256sum < {path}", 300)[:64]


def file_sum(side, path):
    return side.sh(f"sha256sum < {path}", 300)[:64]


def write(side, path, text):
    side.sh(f"cat > {path} <<'END'\n{text}\nEND")


# ---- streams and datagrams ----

def iperf(c, options, seconds):
    port = 5201
    c.server.serve(f"iperf3 -s -p {port} -1 {'-6' if c.family == 6 else '-4'}", port)
    text = c.client.sh(f"iperf3 -c {c.address} -p {port} -t {seconds} -J {options}", 60 + seconds)
    c.server.stop()
    end = json.loads(text)["end"]
    if "-u" in options:
        return f"{end['sum']['bits_per_second'] / 1e9:.2f} Gbit/s, {end['sum']['lost_percent']:.1f} % lost"
    if not end["sum_received"]["bytes"]:
        raise Failed("nothing arrived")
    return f"{end['sum_received']['bits_per_second'] / 1e9:.2f} Gbit/s"


@case("iperf3", "iperf3", heavy=True, compared=True)
def iperf3(c):
    return iperf(c, "", 10 if c.long else 1)


@case("iperf3 -P 8", "iperf3", heavy=True, compared=True)
def iperf3_eight(c):
    return iperf(c, "-P 8", 10 if c.long else 1)


@case("iperf3 -R", "iperf3", heavy=True, compared=True)
def iperf3_reverse(c):
    return iperf(c, "-R", 10 if c.long else 1)


@case("iperf3 -u", "iperf3", heavy=True, compared=True)
def iperf3_udp(c):
    return iperf(c, "-u -b 200M -l 1400", 10 if c.long else 1)


@case("iperf3 -u -R", "iperf3", heavy=True, compared=True)
def iperf3_udp_reverse(c):
    return iperf(c, "-u -R -b 200M -l 1400", 10 if c.long else 1)


@case("echo server", "python3", heavy=True, compared=True)
def echo(c):
    count = 10000 if c.long else 2000
    c.server.serve("python3 /work/side/echo.py server 7000", 7000)
    return c.client.sh(f"python3 /work/side/echo.py client {c.address} 7000 {count} 2", 300).strip()


# ---- the web ----

@case("nginx, curl, wget", "nginx", "curl", "wget", heavy=True, compared=True)
def nginx(c):
    mib = 256 if c.long else 16
    c.server.sh("chmod 755 /work; mkdir -p /work/www; cd /work/www; for i in $(seq 0 199); do yes \"page $i\" | head -n $i > $i; done")
    wanted = make_file(c.server, "/work/www/big", mib)
    write(c.server, "/work/nginx.conf", "daemon off; pid /tmp/nginx.pid; error_log stderr; worker_processes 2; user root; events { worker_connections 512; }\n"
          "http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path /tmp/nb; proxy_temp_path /tmp/np; fastcgi_temp_path /tmp/nf;\n"
          "uwsgi_temp_path /tmp/nu; scgi_temp_path /tmp/ns; server { listen 8080; listen [::]:8080; root /work/www; } }")
    c.server.serve("nginx -c /work/nginx.conf", 8080)
    start = time.monotonic()
    expect("curl", c.client.sh(f"curl -sS {c.url}:8080/big | sha256sum", 300)[:64], wanted)
    took = time.monotonic() - start
    expect("wget", c.client.sh(f"wget -q -O - {c.url}:8080/big | sha256sum", 300)[:64], wanted)
    pages = "".join(f"page {i}\n" * i for i in range(200))
    expect("200 pages over one connection", c.client.sh(f"curl -sS '{c.url}:8080/[0-199]'"), pages)
    c.client.sh(f"mkdir -p /tmp/got && cd /tmp/got && curl -sS -Z --parallel-max 32 '{c.url}:8080/[0-199]' -o '#1'")
    expect("200 pages at once", c.client.sh("cd /tmp/got && for i in $(seq 0 199); do cat $i; done; rm -r /tmp/got"), pages)
    expect("what is not there", c.client.sh(f"curl -s -o /dev/null -w '%{{http_code}}' {c.url}:8080/none"), "404")
    return f"{mib * 8.388608 / took / 1000:.2f} Gbit/s"


@case("python http", "python3", heavy=True, compared=True)
def python_http(c):
    c.server.serve("python3 /work/side/web.py server 8001", 8001)
    count = 3200 if c.long else 320
    start = time.monotonic()
    expect("answers", c.client.sh(f"python3 /work/side/web.py client {c.address} 8001 {count}", 200).strip(), f"ok {count}")
    return f"{count / (time.monotonic() - start):.0f} requests/s"


@case("node http", "node", heavy=True, compared=True)
def node_http(c):
    c.server.serve("node /work/side/web.js server 8002", 8002)
    count = 3000 if c.long else 300
    start = time.monotonic()
    expect("answers", c.client.sh(f"node /work/side/web.js client {c.address} 8002 {count}", 200).strip(), f"ok {count}")
    return f"{count / (time.monotonic() - start):.0f} requests/s"


@case("git over http", "git", "python3", heavy=True)
def git_http(c):
    c.server.sh("rm -rf /work/git && git init -q --bare /work/git/repo && git -C /work/git/repo config http.receivepack true")
    c.server.serve("python3 /work/side/web.py server 8003", 8003)
    url = f"{c.url}:8003/git/repo"
    make = ("set -e; export GIT_AUTHOR_NAME=p GIT_AUTHOR_EMAIL=p GIT_COMMITTER_NAME=p GIT_COMMITTER_EMAIL=p; rm -rf /tmp/one /tmp/two; "
            "git init -q -b main /tmp/one; cd /tmp/one; for i in $(seq 50); do head -c 60000 /dev/urandom > f$i; git add f$i; git commit -qm $i; done; ")
    sent = c.client.sh(f"{make} git push -q {url} main; git rev-parse HEAD", 120).strip()
    c.server.sh("git -C /work/git/repo symbolic-ref HEAD refs/heads/main && git -C /work/git/repo fsck --full 2>&1", 120)
    got = c.client.sh(f"git clone -q {url} /tmp/two && git -C /tmp/two fsck --full 2>/dev/null; git -C /tmp/two rev-parse HEAD", 120).strip()
    expect("the clone's head", got.split()[-1], sent)
    c.client.sh("diff -r -x .git /tmp/one /tmp/two && rm -rf /tmp/one /tmp/two")
    return "50 commits, 3 MB"


# ---- shells and data bases ----

@case("ssh, scp", "sshd", "scp", heavy=True)
def ssh(c):
    mib = 1024 if c.long else 8
    for side in (c.server, c.client):
        side.sh("mkdir -p /run/sshd /work/ssh && chmod 700 /work/ssh && cd /work/ssh && rm -f id* host* && ssh-keygen -q -t ed25519 -N '' -f id && "
                "ssh-keygen -q -t ed25519 -N '' -f host")
    write(c.server, "/work/ssh/allowed", c.client.sh("cat /work/ssh/id.pub"))
    c.server.serve("/usr/sbin/sshd -D -e -f /dev/null -p 2222 -h /work/ssh/host -o AuthorizedKeysFile=/work/ssh/allowed -o StrictModes=no "
                   "-o PermitRootLogin=yes -o 'Subsystem sftp internal-sftp'", 2222)
    options = "-q -i /work/ssh/id -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes"
    name = f"root@{c.address}"
    expect("ssh", c.client.sh(f"ssh {options} -p 2222 {name} 'echo there; uname -s'").split(), ["there", "Linux"])
    expect("ssh's status", c.client.start(f"ssh {options} -p 2222 {name} 'exit 7'").wait(60), 7)
    wanted = make_file(c.client, "/work/up", mib)
    start = time.monotonic()
    scp_name = f"root@[{c.address}]" if c.family == 6 else name
    c.client.sh(f"scp {options} -P 2222 /work/up {scp_name}:/work/up.got", 600)
    took = time.monotonic() - start
    expect("scp there", file_sum(c.server, "/work/up.got"), wanted)
    c.client.sh(f"scp {options} -P 2222 {scp_name}:/work/up.got /work/down", 600)
    expect("scp back", file_sum(c.client, "/work/down"), wanted)
    expect("through a pipe", c.client.sh(f"ssh {options} -p 2222 {name} 'cat' < /work/down | sha256sum", 600)[:64], wanted)
    c.client.sh("rm /work/up /work/down")
    c.server.sh("rm /work/up.got")
    return f"{mib} MiB there and back, there {mib / took:.0f} MiB/s"


@case("redis", "redis-server", "redis-benchmark", heavy=True, compared=True)
def redis(c):
    c.server.serve("redis-server --port 6390 --protected-mode no --save '' --bind 0.0.0.0 ::", 6390)
    count = 20000 if c.long else 1000
    figures = []
    for pipeline in (1, 16):
        text = c.client.sh(f"redis-benchmark -h {c.address} -p 6390 -n {count} -P {pipeline} -t set,get,lpush,lrange_100 -q --csv", 200)
        rows = [line.replace('"', "").split(",") for line in text.splitlines() if line.startswith('"')]
        expect("the benchmark's rows", len([r for r in rows if r[0] != "test"]) >= 4, True)
        figures.append(f"P{pipeline} " + " ".join(f"{r[0].split()[0]} {float(r[1]) / 1000:.0f}k" for r in rows if r[0] in ("SET", "GET")))
    c.client.sh(f"head -c 3000000 /dev/urandom | base64 -w0 > /tmp/v && redis-cli -h {c.address} -p 6390 -x set k < /tmp/v && "
                f"redis-cli -h {c.address} -p 6390 get k | head -c -1 | cmp - /tmp/v")
    return ", ".join(figures)


@case("PostgreSQL", "postgres", "initdb", "psql", "pgbench", heavy=True, compared=True)
def postgres(c):
    user = "setpriv --reuid postgres --regid postgres --clear-groups -- env HOME=/tmp PATH=$(echo /usr/lib/postgresql/*/bin):$PATH"
    c.server.sh(f"[ -e /tmp/pg/PG_VERSION ] || {user} initdb -D /tmp/pg -A trust --no-sync >/dev/null && "
                "printf 'host all all 0.0.0.0/0 trust\\nhost all all ::/0 trust\\n' >> /tmp/pg/pg_hba.conf", 120)
    server = c.server.serve(f"exec {user} postgres -D /tmp/pg -p 5433 -k /tmp -c listen_addresses='*' -c fsync=off", 5433)
    psql = f"psql -qAt -h {c.address} -p 5433 -U postgres"
    c.client.sh(f"for i in $(seq 100); do {psql} -c 'select 1' postgres >/dev/null 2>&1 && exit 0; sleep 0.2; done; exit 1")
    c.client.sh(f"{psql} -c 'drop database if exists peer' -c 'create database peer' postgres 2>&1")
    c.client.sh("seq 200000 | awk '{print $1 \"\\t\" $1 * $1}' > /tmp/rows")
    c.client.sh(f"{psql} -c 'create table t(a int, b bigint)' -c '\\copy t from /tmp/rows' peer")
    c.client.sh(f"{psql} -c '\\copy (select * from t order by a) to /tmp/back' peer && cmp /tmp/rows /tmp/back")
    expect("the sum", c.client.sh(f"{psql} -c 'select sum(b) from t' peer").strip(), str(sum(i * i for i in range(200001))))
    c.client.sh(f"pgbench -q -i -s 1 -h {c.address} -p 5433 -U postgres peer 2>&1", 120)
    text = c.client.sh(f"pgbench -c 8 -j 2 -t {500 if c.long else 50} -h {c.address} -p 5433 -U postgres peer 2>&1", 200)
    expect("failed transactions", re.search(r"failed transactions: (\d+)", text)[1], "0")
    server.kill(2)
    server.wait(60)
    return f"pgbench {float(re.search(r'tps = ([0-9.]+)', text)[1]):.0f} tps"


# ---- names and ways ----

@case("DNS", "dnsmasq", "dig")
def dns(c):
    big = " ".join(f"--txt-record=big.test,{k}{'x' * 200}" for k in range(10, 30))
    c.server.serve("dnsmasq --no-daemon --port 5353 --no-resolv --no-hosts --user=root --edns-packet-max=8192 --address=/a.test/192.0.2.1 --address=/a.test/2001:db8::1 "
                   f"{big}", 5353, "u")
    dig = f"dig @{c.address} -p 5353 +short +tries=2 +time=10"
    expect("A", c.client.sh(f"{dig} a.test A").strip(), "192.0.2.1")
    expect("AAAA", c.client.sh(f"{dig} a.test AAAA").strip(), "2001:db8::1")
    expect("A over TCP", c.client.sh(f"{dig} +tcp a.test A").strip(), "192.0.2.1")
    expect("an answer of 4 KB, which comes over TCP", len(c.client.sh(f"{dig} +bufsize=1200 big.test TXT").splitlines()), 20)
    expect("the same in one datagram of several fragments", len(c.client.sh(f"{dig} +bufsize=8000 +ignore big.test TXT").splitlines()), 20)
    c.client.sh(f"for i in $(seq 100); do echo a.test A; done > /tmp/q; [ $({dig} -f /tmp/q | grep -c 192.0.2.1) = 100 ]")
    return "UDP, TCP, truncation"


@case("ping", "ping")
def ping(c):
    figures = []
    for size in (56, 1472, 8000, 65000):
        text = c.client.sh(f"ping -n -i 0.1 -c 5 -W 10 -s {size} {c.address}")
        lost = float(re.search(r"([0-9.]+)% packet loss", text)[1])
        # on a busy machine one of 45 fragments may find a queue full, and nobody sends it again
        expect(f"lost of {size} bytes, in per cent", lost if size <= 8000 or lost > 20 else 0, 0)
        figures.append(re.search(r"= [0-9.]+/([0-9.]+)/", text)[1])
    text = c.client.sh(f"setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all ping -n -i 0.2 -c 3 {c.address}")
    expect("lost without privileges", re.search(r"([0-9.]+)% packet loss", text)[1], "0")
    return f"{figures[0]} ms, 65000 bytes {figures[-1]} ms"


@case("tcpdump", "tcpdump", "ping")
def tcpdump(c):
    """What passes the server's device, in both directions, while it is pinged."""
    s, kind = c.server, "ICMP echo" if c.family == 4 else "ICMP6, echo"
    device = re.findall(r"^\d+: (?!lo:)(\w+)", s.sh("rm -f /work/capture.err /work/capture; ip -o link"), re.M)[0]
    p = s.start(f"cd /work && exec tcpdump -Z root -n -t -l -i {device} -c 12 '{'icmp' if c.family == 4 else 'icmp6 and ip6[40] >= 128 and ip6[40] <= 129'}'"
                " > capture 2> capture.err")
    s.sh("for i in $(seq 200); do grep -q listening /work/capture.err && exit 0; sleep 0.05; done; cat /work/capture.err; exit 1")
    c.client.sh(f"ping -n -i 0.1 -c 6 -W 10 -s 1000 {c.address}")
    expect("tcpdump's status", p.wait(30), 0)
    lines = s.sh("cat /work/capture").splitlines()
    expect("frames", len(lines), 12)
    for way in ("request", "reply"):
        expect(f"{way}s", len([l for l in lines if f"{kind} {way}" in l and "length 1008" in l]), 6)
    return "12 frames"


def hops(text):
    return re.findall(r"^ *\d+\s+(?:\|-- )?(\S+)", text.replace(".|--", " "), re.M)


@case("traceroute", "traceroute")
def traceroute(c):
    router = {("sandbox", 4): "10.9.0.1", ("sandbox", 6): "fd09::1", ("linux", 4): "10.8.0.1", ("linux", 6): "fd08::1"}[c.client.name, c.family]
    port = 8004
    c.server.serve(f"python3 /work/side/web.py server {port}", port)
    for way in ("", "-I", f"-T -p {port}"):
        expect(f"the way by traceroute {way}", hops(c.client.sh(f"traceroute -{c.family} -n -q 2 -w 5 {way} {c.address} | tail -n +2")), [router, c.address])
    return "UDP, ICMP, TCP"


@case("mtr", "mtr", heavy=True)
def mtr(c):
    router = {("sandbox", 4): "10.9.0.1", ("sandbox", 6): "fd09::1", ("linux", 4): "10.8.0.1", ("linux", 6): "fd08::1"}[c.client.name, c.family]
    port = 8005
    c.server.serve(f"python3 /work/side/web.py server {port}", port)
    for way in ("", "-u", f"-T -P {port}"):
        text = c.client.sh(f"mtr -{c.family} -n -r -w -c 2 -i 0.3 -G 1 {way} {c.address} | tail -n +3")
        expect(f"the way by mtr {way}", hops(text), [router, c.address])
        expect(f"losses by mtr {way}", re.findall(r" ([0-9.]+)% ", text), ["0.0"] * 2)
    return "ICMP, UDP, TCP"
