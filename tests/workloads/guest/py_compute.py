import cmath, decimal, fractions, gc, hashlib, json, math, pickle, random, re, statistics, struct, zlib
print([f(0.1 * k).hex() for f in (math.sin, math.cos, math.tan, math.exp, math.log1p, math.sqrt, math.gamma, math.erf) for k in range(1, 6)])
print(cmath.exp(1j * math.pi), math.fsum([.1] * 10).hex(), statistics.stdev(range(1000)).hex(), struct.pack("<dfe", math.pi, math.e, 1.5).hex())
print(hash(2 ** 1000 % 998244353), pow(3, 10 ** 6, 10 ** 9 + 7), len(str(math.factorial(3000))), math.isqrt(10 ** 60), decimal.Decimal(2).sqrt(), fractions.Fraction(1, 3) ** 7)
random.seed(5); a = [random.random() for _ in range(200000)]; a.sort(); print(a[1000].hex(), sum(a).hex())
for h in ("md5", "sha1", "sha256", "sha3_512", "blake2b"): print(h, hashlib.new(h, b"x" * 1000000).hexdigest()[:16])
d = json.dumps({str(i): [i, i / 3, None] for i in range(20000)}); print(len(d), zlib.crc32(d.encode()), len(zlib.compress(d.encode(), 9)), len(pickle.dumps(json.loads(d))))
class N:
    def __init__(self, n): self.next = n; self.me = self
for _ in range(100):
    n = None
    for _ in range(500): n = N(n)
print(gc.collect() >= 0, len(re.findall(r"(\d+)\.\d", d)), sum(i * i % 7 for i in range(1000000)))
s = [True] * 500000
for i in range(2, 708):
    if s[i]: s[i * i::i] = [False] * len(s[i * i::i])
print(sum(s) - 2)
