# The compilers and what they build, in the current folder.
cat > a.c <<'X'
#include <stdio.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
static void *run(void *p) { long s = 0; for (long i = 0; i < 1000000; i++) s += i ^ (long)p; return (void *)s; }
int lib(int);
int main(int c, char **v) { pthread_t t[4]; long sum = 0; void *r; for (long i = 0; i < 4; i++) pthread_create(&t[i], 0, run, (void *)i); for (int i = 0; i < 4; i++) { pthread_join(t[i], &r); sum += (long)r; } printf("%s %ld %.17g %d\n", strrchr(v[0], '/') + 1, sum, sin(c), lib(20)); return lib(2); }
X
echo 'int lib(int x) { return x < 2 ? x : lib(x - 1) + lib(x - 2); }' > lib.c
for o in -O0 "-O2 -flto" "-O3 -march=x86-64-v2 -static" "-Os -fno-pie -no-pie" "-O1 -static-pie"; do gcc -Wall $o -pthread -o p a.c lib.c -lm && ./p x y; echo "$o: $?"; done
gcc -fPIC -shared -o liblib.so lib.c && gcc -o q a.c -L. -llib -lm -pthread -Wl,-rpath,"$PWD" && ./q; ./q >/dev/full; echo $?; LD_LIBRARY_PATH=/nowhere ldd ./q | grep -c liblib
cat > d.c <<'X'
#include <dlfcn.h>
#include <stdio.h>
int main(void) { void *h = dlopen("./liblib.so", RTLD_NOW); int (*f)(int) = h ? (int (*)(int))dlsym(h, "lib") : 0; printf("dl %d\n", f ? f(15) : -1); dlclose(h); printf("%s\n", dlopen("./none.so", RTLD_NOW) ? "?" : "refused"); return 0; }
X
gcc -o d d.c && ./d
cat > e.cc <<'X'
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <numeric>
#include <regex>
#include <stdexcept>
#include <thread>
#include <vector>
int main() {
	std::map<std::string, int> m; for (auto s : {"x", "y", "x"}) m[s]++; for (auto &[k, v] : m) std::cout << k << v << ' ';
	try { throw std::runtime_error("thrown"); } catch (std::exception &e) { std::cout << e.what() << '\n'; }
	std::vector<std::future<long>> f; for (int i = 0; i < 8; i++) f.push_back(std::async(std::launch::async, [i] { std::vector<long> v(10000); std::iota(v.begin(), v.end(), i); return std::accumulate(v.begin(), v.end(), 0L); }));
	long s = 0; for (auto &x : f) s += x.get(); std::cout << s << '\n';
	std::atomic<int> n{0}; std::vector<std::thread> t; for (int i = 0; i < 10; i++) t.emplace_back([&] { for (int k = 0; k < 10000; k++) n++; }); for (auto &x : t) x.join(); std::cout << n << '\n';
	std::ofstream("file") << "line\n"; std::cout << std::filesystem::file_size("file") << ' ' << std::regex_match("abc123", std::regex("[a-z]+\\d+")) << '\n'; thread_local int tl = 4; std::cout << tl << std::endl; throw 1; }
X
g++ -O1 -std=c++17 -pthread -o e e.cc && ./e 2> err; echo "status $?"; grep -c terminate err
echo 'int main(void) { return *(volatile int *)0; }' > s.c && gcc -o s s.c && ./s; echo $?; echo 'int main(void) { volatile int z = 0; return 1 / z; }' > z.c && gcc -o z z.c && ./z; echo $?; echo 'int main( { }' > bad.c; gcc bad.c 2> err; echo $?; grep -c error err; printf ".section .note.GNU-stack\n.text\n" > m.s; printf '.globl main\nmain: mov $42, %%eax\nret\n' >> m.s && gcc -o m m.s && ./m; echo $?; echo '#include <stdint.h>
UINT64_MAX' | gcc -E - | tail -1; gcc -c -O2 lib.c && size lib.o | tail -1 && nm lib.o && objdump -d lib.o | grep -c call && strip q && ./q x; ar rcs l.a lib.o && ar t l.a && gcc -o w a.c l.a -lm -pthread && ./w; file -b w | cut -d, -f1-2; gcc -S -O2 -o - lib.c | sha256sum
