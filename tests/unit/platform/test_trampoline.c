/*
 * test_trampoline.c - the bytes of patched call sites: which sites are recognised, where jumps lead, and the
 * search for jumps into a site.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/platform/trampoline.h"

static const u8 mov_site[] = {0x90, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90, 0x90, 0x90, 0x90};
static const u8 cmp_site[] = {0x90, 0x90, 0x90, 0x90, 0x31, 0xc0, 0x0f,
			      0x05, 0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff};

static u64 jump_target(const u8 *jump, u64 at, unsigned size)
{
	s32 d;

	memcpy(&d, jump + size - 4, 4);
	return at + size + (u64)(s64)d;
}

START_TEST(shapes_are_recognised)
{
	u8 code[sizeof(mov_site)];

	ck_assert_int_eq(site_classify(mov_site, 39), SITE_MOV);
	ck_assert_int_eq(site_classify(cmp_site, 0), SITE_CMP);
	/* the number in the instruction is not the one the call was made with: it is no mov to eax */
	ck_assert_int_eq(site_classify(mov_site, 40), SITE_NONE);
	/* 41 b8: mov to r8d */
	memcpy(code, mov_site, sizeof(code));
	code[0] = 0x41;
	ck_assert_int_eq(site_classify(code, 39), SITE_NONE);
	/* no syscall instruction */
	memcpy(code, mov_site, sizeof(code));
	code[7] = 0x34;
	ck_assert_int_eq(site_classify(code, 39), SITE_NONE);
	/* a comparison with something else */
	memcpy(code, cmp_site, sizeof(code));
	code[11] = 0xf1;
	ck_assert_int_eq(site_classify(code, 0), SITE_NONE);
}
END_TEST

START_TEST(mov_trampoline_leads_to_the_entry_and_back)
{
	u8 t[TRAMPOLINE_SIZE];
	const u64 at = 0x500000, site = 0x401234, entry = 0x4ff000;

	ck_assert_int_eq(trampoline_make(t, SITE_MOV, mov_site, at, site, entry), 0);
	ck_assert_mem_eq(t, mov_site + 1, 5);                       /* mov $39,%eax */
	ck_assert_uint_eq(jump_target(t + 5, at + 5, 7), site + 2); /* rcx: behind the syscall */
	ck_assert_uint_eq(jump_target(t + 12, at + 12, 6), entry);  /* through the pointer */
	ck_assert_int_eq(site_patch_offset(SITE_MOV), -5);
}
END_TEST

START_TEST(cmp_trampoline_has_a_syscall_of_its_own)
{
	u8 t[TRAMPOLINE_SIZE];
	const u64 at = 0x500000, site = 0x401234, entry = 0x4ff000;
	u64 resume = trampoline_resume(at);

	ck_assert_int_eq(trampoline_make(t, SITE_CMP, cmp_site, at, site, entry), 0);
	ck_assert_uint_eq(jump_target(t, at, 7), resume);
	ck_assert_mem_eq(t + (resume - at) - 2, "\x0f\x05", 2);
	ck_assert_mem_eq(t + (resume - at), cmp_site + 8, 6);
	ck_assert_uint_eq(t[resume - at + 6], 0xe9);
	ck_assert_uint_eq(jump_target(t + (resume - at) + 6, resume + 6, 5), site + 8);
}
END_TEST

START_TEST(what_does_not_reach_is_refused)
{
	u8 t[TRAMPOLINE_SIZE], j[SITE_JUMP_SIZE];

	ck_assert_int_eq(site_jump(j, 0x1000, 0x1000 + (1UL << 31) + 100), -ERANGE);
	ck_assert_int_eq(site_jump(j, 0x1000, 0x2000), 0);
	ck_assert_uint_eq(jump_target(j, 0x1000, 5), 0x2000);
	ck_assert_int_eq(trampoline_make(t, SITE_MOV, mov_site, 1UL << 40, 0x1000, 0x2000), -ERANGE);
	ck_assert_int_eq(trampoline_make(t, SITE_NONE, mov_site, 0x3000, 0x1000, 0x2000), -EINVAL);
}
END_TEST

START_TEST(jumps_into_a_site_are_found)
{
	u8 text[4096];
	const u64 low = 2001, high = 2005;
	s32 d;

	memset(text, 0x90, sizeof(text));
	ck_assert(!text_has_jump_to(text, sizeof(text), low, high));
	text[1990] = 0x74; /* je 2002 */
	text[1991] = 10;
	ck_assert(text_has_jump_to(text, sizeof(text), low, high));
	text[1990] = 0x90;
	ck_assert(!text_has_jump_to(text, sizeof(text), low, high));
	text[10] = 0xe9; /* jmp 2002, from afar */
	d = 2002 - 15;
	memcpy(text + 11, &d, 4);
	ck_assert(text_has_jump_to(text, sizeof(text), low, high));
	d = 2000 - 15; /* the site itself: fine */
	memcpy(text + 11, &d, 4);
	ck_assert(!text_has_jump_to(text, sizeof(text), low, high));
	text[3000] = 0x0f; /* jne 2004, backwards */
	text[3001] = 0x85;
	d = 2004 - 3006;
	memcpy(text + 3002, &d, 4);
	ck_assert(text_has_jump_to(text, sizeof(text), low, high));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trampoline");
	TCase *t = tcase_create("bytes");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, shapes_are_recognised);
	tcase_add_test(t, mov_trampoline_leads_to_the_entry_and_back);
	tcase_add_test(t, cmp_trampoline_has_a_syscall_of_its_own);
	tcase_add_test(t, what_does_not_reach_is_refused);
	tcase_add_test(t, jumps_into_a_site_are_found);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
