# Captures in a network namespace of its own; what it prints is the same with every kernel.
[ "$1" = inside ] || exec unshare -n sh "$0" inside
cd /tmp
ip link set lo up
cat > talk.py <<'P'
import socket, time
def udp(family, host):
    to, by = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
    to.bind((host, 7002)); by.bind((host, 7001))
    for n in (5, 100, 1400):
        by.sendto(b"x" * n, (host, 7002)); to.recv(2000)
def tcp():
    s = socket.create_server(("127.0.0.1", 7003))
    c = socket.create_connection(("127.0.0.1", 7003), source_address=("127.0.0.1", 7004))
    p, _ = s.accept()
    c.sendall(b"ping"); assert p.recv(10) == b"ping"
    p.sendall(b"pong"); assert c.recv(10) == b"pong"
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset: the ports are free at once
    c.close(); time.sleep(0.05)
for _ in range(100):  # ::1 may not be there yet
    try:
        udp(socket.AF_INET6, "::1"); break
    except OSError:
        time.sleep(0.1)
udp(socket.AF_INET, "127.0.0.1")
tcp()
P
# start WORDS...: tcpdump runs and listens; told: its last words
start() {
	: > err
	tcpdump -l -n -t -Z root "$@" > out 2> err &
	pid=$!
	i=0
	until grep -q 'listening on' err || [ $i = 200 ]; do sleep 0.05; i=$((i + 1)); done
}
told() {
	wait $pid
	echo "status $?"
	grep -E 'listening|captured|dropped' err
	cat out
}
echo "== loopback"; start -q -i lo -c 3 udp and ip and port 7002; python3 talk.py; told
echo "== any"; start -q -i any -c 3 ip6 and udp; python3 talk.py; told
echo "== with link headers, one direction"; start -e -q -i lo -Q in -c 3 ip and udp; python3 talk.py; told
echo "== at once (version 2)"; start -q --immediate-mode -i lo -c 2 'tcp[tcpflags] & tcp-syn != 0'; python3 talk.py; told
echo "== to a file"; start -i lo -w f.pcap -c 2 udp and greater 142; python3 talk.py; told; tcpdump -n -t -q -Z root -r f.pcap 2>&1
echo "== cut short"; start -i lo -s 60 -w g.pcap -c 3 ip and udp; python3 talk.py; told; tcpdump -n -t -q -Z root -r g.pcap 2> /dev/null; stat -c %s g.pcap
echo "== small ring"; start -q -B 64 -i lo -c 3 ip and udp; python3 talk.py; told
echo "== interrupted"; start -q -i lo ip and udp and dst port 7002; python3 talk.py; sleep 1.5; kill -INT $pid; told
echo "== nothing fits"; start -q -i lo sctp; python3 talk.py; kill -INT $pid; told
echo "== a filter that makes no sense"; tcpdump -Z root -i lo 'port banana' 2>&1 | head -1
echo "== no such interface"; tcpdump -Z root -i nolink 2>&1 | head -1
echo "== as its own user"; : > err; tcpdump -l -n -t -q -i lo -c 1 udp > out 2> err & pid=$!
until grep -q 'listening on' err; do sleep 0.05; done; python3 talk.py; told
