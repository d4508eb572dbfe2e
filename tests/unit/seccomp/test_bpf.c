/* Unit tests of seccomp filters: the check of a program and the machine that runs it. */
#include <check.h>
#include <errno.h>

#include "sandbox/base/arena.h"
#include "sandbox/kernel/seccomp.h"

#define STMT(c, v)       ((struct bpf_insn){(c), 0, 0, (v)})
#define JUMP(c, v, t, f) ((struct bpf_insn){(c), (t), (f), (v)})
#define CHECK(...)                                                                                           \
	check((const struct bpf_insn[]){__VA_ARGS__}, sizeof((const struct bpf_insn[]){__VA_ARGS__}) / 8)
#define RUN(...) seccomp_bpf_run((const struct bpf_insn[]){__VA_ARGS__}, &call)

enum {
	LD_ABS = 0x20,
	LD_IMM = 0x00,
	LD_LEN = 0x80,
	LD_MEM = 0x60,
	LDX_IMM = 0x01,
	LDX_LEN = 0x81,
	LDX_MEM = 0x61,
	ST = 2,
	STX = 3,
	JA = 5,
	JEQ = 0x15,
	JGT = 0x25,
	JGE = 0x35,
	JSET = 0x45,
	JEQ_X = 0x1d,
	RET = 6,
	RET_A = 0x16,
	TAX = 7,
	TXA = 0x87
};

static const struct linux_seccomp_data call = {.nr = 39,
					       .arch = LINUX_AUDIT_ARCH_X86_64,
					       .instruction_pointer = 0x123456789abcdef0,
					       .args = {1, 2, 3, 4, 5, 0x8877665544332211}};

static int check(const struct bpf_insn *f, size_t n)
{
	return seccomp_bpf_check(f, (u32)n);
}

START_TEST(the_smallest_program)
{
	ck_assert_int_eq(CHECK(STMT(RET, 0)), 0);
	ck_assert_int_eq(CHECK(STMT(RET_A, 0)), 0);
	ck_assert_int_eq(seccomp_bpf_check(NULL, 0), -EINVAL);
}
END_TEST

START_TEST(it_must_end_with_a_return)
{
	ck_assert_int_eq(CHECK(STMT(LD_IMM, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(RET, 0), STMT(TAX, 0)), -EINVAL);
}
END_TEST

START_TEST(loads_stay_inside_the_call)
{
	for (u32 k = 0; k < 80; k++)
		ck_assert_int_eq(CHECK(STMT(LD_ABS, k), STMT(RET, 0)), k < 64 && k % 4 == 0 ? 0 : -EINVAL);
	ck_assert_int_eq(CHECK(STMT(LD_ABS, 0xfffffffc), STMT(RET, 0)), -EINVAL);
}
END_TEST

START_TEST(jumps_stay_inside_the_program)
{
	ck_assert_int_eq(CHECK(STMT(JA, 0), STMT(RET, 0)), 0);
	ck_assert_int_eq(CHECK(STMT(JA, 1), STMT(RET, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(JA, 0xffffffff), STMT(RET, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(JUMP(JEQ, 0, 1, 0), STMT(RET, 0), STMT(RET, 1)), 0);
	ck_assert_int_eq(CHECK(JUMP(JEQ, 0, 2, 0), STMT(RET, 0), STMT(RET, 1)), -EINVAL);
	ck_assert_int_eq(CHECK(JUMP(JEQ, 0, 0, 255), STMT(RET, 0)), -EINVAL);
}
END_TEST

START_TEST(scratch_words_are_written_first_on_every_path)
{
	ck_assert_int_eq(CHECK(STMT(ST, 15), STMT(LD_MEM, 15), STMT(RET_A, 0)), 0);
	ck_assert_int_eq(CHECK(STMT(LD_MEM, 15), STMT(RET_A, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(STMT(ST, 16), STMT(RET, 0)), -EINVAL);
	ck_assert_int_eq(CHECK(JUMP(JEQ, 0, 0, 1), STMT(ST, 2), STMT(LDX_MEM, 2), STMT(RET, 0)), -EINVAL);
	ck_assert_int_eq(
	    CHECK(JUMP(JEQ, 0, 0, 2), STMT(ST, 2), STMT(JA, 1), STMT(STX, 2), STMT(LDX_MEM, 2), STMT(RET, 0)),
	    0);
	/* what follows a jump that is always taken is reached by nobody: any word may be read there */
	ck_assert_int_eq(CHECK(STMT(JA, 1), STMT(LD_MEM, 3), STMT(RET, 0)), 0);
}
END_TEST

START_TEST(every_instruction_that_linux_refuses)
{
	static const u16 taken[] = {0x20, 0x80, 0x81, 0x00, 0x01, 0x60, 0x61, 0x02, 0x03, 0x05, 0x06,
				    0x16, 0x07, 0x87, 0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c,
				    0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0xa4, 0xac,
				    0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d};
	int count = 0;

	for (u32 code = 0; code < 0x10000; code++) {
		bool known = false;
		for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
			known |= taken[i] == code;
		/* the scratch words are all written, so that what reads them is taken */
		if (!CHECK(STMT(ST, 0), STMT(ST, 4), STMT((u16)code, code == 5 ? 0 : 4), STMT(RET, 0),
			   STMT(RET, 0), STMT(RET, 0), STMT(RET, 0), STMT(RET, 0)))
			count++;
		else
			ck_assert_msg(!known, "instruction %#x is refused", code);
	}
	ck_assert_int_eq(count, (int)(sizeof(taken) / sizeof(taken[0])));
}
END_TEST

START_TEST(loads)
{
	ck_assert_uint_eq(RUN(STMT(LD_ABS, 0), STMT(RET_A, 0)), 39);
	ck_assert_uint_eq(RUN(STMT(LD_ABS, 4), STMT(RET_A, 0)), LINUX_AUDIT_ARCH_X86_64);
	ck_assert_uint_eq(RUN(STMT(LD_ABS, 8), STMT(RET_A, 0)), 0x9abcdef0);
	ck_assert_uint_eq(RUN(STMT(LD_ABS, 60), STMT(RET_A, 0)), 0x88776655);
	ck_assert_uint_eq(RUN(STMT(LD_LEN, 0), STMT(RET_A, 0)), 64);
	ck_assert_uint_eq(RUN(STMT(LDX_LEN, 0), STMT(TXA, 0), STMT(RET_A, 0)), 64);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 7), STMT(ST, 3), STMT(LDX_MEM, 3), STMT(LD_IMM, 0), STMT(TXA, 0),
			      STMT(RET_A, 0)),
			  7);
}
END_TEST

START_TEST(arithmetic)
{
	static const struct {
		u16 op;
		u32 a, b, result;
	} t[] = {{0x00, 0xffffffff, 2, 1},  {0x10, 1, 2, 0xffffffff},  {0x20, 0x10000, 0x10001, 0x10000},
		 {0x30, 7, 2, 3},           {0x40, 6, 9, 15},          {0x50, 6, 12, 4},
		 {0x60, 1, 31, 0x80000000}, {0x70, 0x80000000, 31, 1}, {0xa0, 6, 3, 5}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_uint_eq(RUN(STMT(LD_IMM, t[i].a), STMT((u16)(4 | t[i].op), t[i].b), STMT(RET_A, 0)),
				  t[i].result);
		ck_assert_uint_eq(RUN(STMT(LD_IMM, t[i].a), STMT(LDX_IMM, t[i].b),
				      STMT((u16)(12 | t[i].op), 0), STMT(RET_A, 0)),
				  t[i].result);
	}
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), STMT(0x84, 0), STMT(RET_A, 0)), (u32)-5);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), STMT(LDX_IMM, 0), STMT(0x3c, 0), STMT(RET, 99)), 0);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 1), STMT(LDX_IMM, 33), STMT(0x6c, 0), STMT(RET_A, 0)), 2);
}
END_TEST

START_TEST(branches)
{
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), JUMP(JEQ, 5, 0, 1), STMT(RET, 1), STMT(RET, 2)), 1);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), JUMP(JGT, 5, 0, 1), STMT(RET, 1), STMT(RET, 2)), 2);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 0xffffffff), JUMP(JGT, 5, 0, 1), STMT(RET, 1), STMT(RET, 2)), 1);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), JUMP(JGE, 5, 0, 1), STMT(RET, 1), STMT(RET, 2)), 1);
	ck_assert_uint_eq(RUN(STMT(LD_IMM, 5), JUMP(JSET, 2, 0, 1), STMT(RET, 1), STMT(RET, 2)), 2);
	ck_assert_uint_eq(
	    RUN(STMT(LD_IMM, 5), STMT(TAX, 0), JUMP(JEQ_X, 0, 0, 1), STMT(RET, 1), STMT(RET, 2)), 1);
	ck_assert_uint_eq(RUN(STMT(JA, 1), STMT(RET, 1), STMT(RET, 2)), 2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("seccomp filters");
	TCase *c = tcase_create("bpf");
	SRunner *r;
	int failed;

	if (arena_create(0))
		return 1;
	arena_set_root(kzalloc(4096));
	tcase_add_test(c, the_smallest_program);
	tcase_add_test(c, it_must_end_with_a_return);
	tcase_add_test(c, loads_stay_inside_the_call);
	tcase_add_test(c, jumps_stay_inside_the_program);
	tcase_add_test(c, scratch_words_are_written_first_on_every_path);
	tcase_add_test(c, every_instruction_that_linux_refuses);
	tcase_add_test(c, loads);
	tcase_add_test(c, arithmetic);
	tcase_add_test(c, branches);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
