/* guest_cpu.c - state that is in the CPU. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "guest.h"

static volatile uint32_t stop;
static _Atomic uint64_t turns;

static void *set_stop(void *arg)
{
	await_go();
	stop = 1;
	return NULL;
}

/* Patterns in general, SSE and x87 registers while a loop without a system call runs until `stop`. */
static void registers(void)
{
	uint64_t general[6], vector[16][2], count = 0, x87 = 0;
	uint32_t mxcsr = 0, loaded = 0x1f80 | 3 << 13; /* round towards zero */
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, set_stop, NULL) == 0);
	say("ready\n");
	__asm__ volatile(
	    "ldmxcsr %[loaded]\n\t"
	    "fld1\n\tfldpi\n\tfaddp\n\t"
#define LOAD(n, v) "mov $" #v ", %%rax\n\tmovq %%rax, %%xmm" #n "\n\tpunpcklqdq %%xmm" #n ", %%xmm" #n "\n\t"
	    LOAD(0, 0x100) LOAD(1, 0x101) LOAD(2, 0x102) LOAD(3, 0x103) LOAD(4, 0x104) LOAD(5, 0x105)
		LOAD(6, 0x106) LOAD(7, 0x107) LOAD(8, 0x108) LOAD(9, 0x109) LOAD(10, 0x10a) LOAD(11, 0x10b)
		    LOAD(12, 0x10c) LOAD(13, 0x10d) LOAD(14, 0x10e) LOAD(
			15, 0x10f) "mov $0x1111, %%r8\n\tmov $0x2222, %%r9\n\tmov $0x3333, %%r12\n\t"
				   "mov $0x4444, %%r13\n\tmov $0x5555, %%r14\n\tmov $0x6666, %%r15\n\t"
				   "xor %%eax, %%eax\n\t"
				   "1: inc %%rax\n\tcmpl $0, (%%rsi)\n\tje 1b\n\t"
				   "mov %%rax, %[count]\n\t"
				   "stmxcsr %[mxcsr]\n\tfistpq %[x87]\n\t"
				   "mov %%r8, (%%rdi)\n\tmov %%r9, 8(%%rdi)\n\tmov %%r12, 16(%%rdi)\n\t"
				   "mov %%r13, 24(%%rdi)\n\tmov %%r14, 32(%%rdi)\n\tmov %%r15, 40(%%rdi)\n\t"
#define STORE(n, at) "movdqu %%xmm" #n ", " #at "(%%rdx)\n\t"
	    STORE(0, 0) STORE(1, 16) STORE(2, 32) STORE(3, 48) STORE(4, 64) STORE(5, 80) STORE(6, 96)
		STORE(7, 112) STORE(8, 128) STORE(9, 144) STORE(10, 160) STORE(11, 176) STORE(12, 192)
		    STORE(13, 208) STORE(14, 224) STORE(15, 240)
	    : [count] "=m"(count), [mxcsr] "=m"(mxcsr), [x87] "=m"(x87)
	    : [loaded] "m"(loaded), "S"(&stop), "D"(general), "d"(vector)
	    : "rax", "r8", "r9", "r12", "r13", "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
	      "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st",
	      "memory", "cc");
	CHECK(count > 0);
	CHECK(mxcsr == loaded);
	CHECK(x87 == 4); /* 1 + pi, rounded to nearest: the x87 has a mode of its own */
	for (uint64_t i = 0; i < 6; i++)
		CHECK(general[i] == 0x1111 * (i + 1));
	for (uint64_t i = 0; i < 16; i++)
		CHECK(vector[i][0] == 0x100 + i && vector[i][1] == 0x100 + i);
	CHECK(pthread_join(thread, NULL) == 0);
}

/* The upper halves of AVX registers. */
static void avx(void)
{
	static uint64_t in[4] = {1, 2, 3, 4};
	uint64_t out[4] = {0};
	pthread_t thread;

	if (!__builtin_cpu_supports("avx")) {
		pause_here();
		return;
	}
	CHECK(pthread_create(&thread, NULL, set_stop, NULL) == 0);
	say("ready\n");
	__asm__ volatile(
	    "vmovdqu (%1), %%ymm9\n\t1: cmpl $0, (%2)\n\tje 1b\n\tvmovdqu %%ymm9, (%0)\n\tvzeroupper"
	    :
	    : "r"(out), "r"(in), "r"(&stop)
	    : "xmm9", "memory", "cc");
	CHECK(!memcmp(in, out, sizeof(in)));
	CHECK(pthread_join(thread, NULL) == 0);
}

static __thread uint64_t own;
static void *work(void *arg)
{
	uint64_t x = own = (uint64_t)(uintptr_t)arg;

	while (!stop) {
		x = x * 6364136223846793005UL + own;
		turns++;
		if (!(turns % 64))
			syscall(SYS_getppid); /* now and then by a call, which gets patched */
	}
	CHECK(own == (uint64_t)(uintptr_t)arg);
	return NULL;
}

/* Eight threads that compute and call, each with thread-local data of its own. */
static void threads(void)
{
	pthread_t t[8];
	uint64_t before;

	for (uint64_t i = 0; i < 8; i++)
		CHECK(pthread_create(&t[i], NULL, work, (void *)(i + 1)) == 0);
	usleep(200000);
	pause_here();
	before = turns;
	while (turns < before + 1000)
		usleep(1000);
	stop = 1;
	for (int i = 0; i < 8; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

/* A call that blocks at a site which is patched: its registers are in the CPU, not in a frame. */
static uint64_t read_with_registers(int fd, char *c, int64_t *ret)
{
	uint64_t bad = 0;

	__asm__ volatile("mov $0x71, %%rbx\n\tmov $0x72, %%r12\n\tmov $0x73, %%r13\n\tmov $0x74, %%r14\n\t"
			 "movq %%rbx, %%xmm8\n\tmovq %%r12, %%xmm15\n\t"
			 "mov $0, %%eax\n\tsyscall\n\t"
			 "mov %%rax, %[ret]\n\txor %%eax, %%eax\n\t"
			 "cmp $0x71, %%rbx\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 "cmp $0x72, %%r12\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 "cmp $0x73, %%r13\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 "cmp $0x74, %%r14\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 "movq %%xmm8, %%rbx\n\tcmp $0x71, %%rbx\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 "movq %%xmm15, %%rbx\n\tcmp $0x72, %%rbx\n\tsetne %%al\n\tadd %%rax, %[bad]\n\t"
			 : [ret] "+m"(*ret), [bad] "+m"(bad)
			 : "D"((int64_t)fd), "S"(c), "d"(1L)
			 : "rax", "rbx", "rcx", "r11", "r12", "r13", "r14", "xmm8", "xmm15", "memory", "cc");
	return bad;
}

static void patched(void)
{
	int64_t ret = 0;
	char c = 0;
	int p[2];

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 50; i++) { /* hot: the site gets patched */
		CHECK(write(p[1], "x", 1) == 1);
		CHECK(read_with_registers(p[0], &c, &ret) == 0 && ret == 1);
	}
	say("ready\n");
	CHECK(read_with_registers(0, &c, &ret) == 0);
	CHECK(ret == 1 && c == 'g');
	await_go(); /* the rest of the line */
}

const struct situation cpu_situations[] = {
    {"registers", registers}, {"avx", avx}, {"threads", threads}, {"patched", patched}, {0}};
