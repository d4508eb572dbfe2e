/* test_image.c - the hash against its standard's vectors; an image written and read back, whole and damaged.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/checkpoint/image.h"

/* ---- SHA-256 ---- */

static void expect_hash(const void *data, u64 size, const char *hex)
{
	u8 got[2][IMAGE_HASH_SIZE];
	char text[2 * IMAGE_HASH_SIZE + 1];

	sha256(data, size, got[0]);
	sha256_plain(data, size, got[1]);
	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < IMAGE_HASH_SIZE; i++)
			snprintf(text + 2 * i, 3, "%02x", got[k][i]);
		ck_assert_str_eq(text, hex);
	}
}

START_TEST(test_sha256_vectors)
{
	static char million[1000000];

	memset(million, 'a', sizeof(million));
	expect_hash("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	expect_hash("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	expect_hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	expect_hash(million, sizeof(million),
		    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}
END_TEST

/* Both ways agree at every length around the ends of blocks. */
START_TEST(test_sha256_lengths)
{
	u8 data[300], a[IMAGE_HASH_SIZE], b[IMAGE_HASH_SIZE];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (u8)(i * 37);
	for (u64 n = 0; n <= sizeof(data); n++) {
		sha256(data, n, a);
		sha256_plain(data, n, b);
		ck_assert_msg(!memcmp(a, b, sizeof(a)), "length %lu", (unsigned long)n);
	}
}
END_TEST

/* ---- images ---- */

static int pages_fd, manifest_fd;
#define PAGES 700 /* more than two chunks */

static void fill(char *page, u64 number)
{
	memset(page, (int)(number % 251), PAGE_SIZE);
	memcpy(page, &number, sizeof(number));
}

static void write_image(void)
{
	struct image_header h = {.arena = 0x123000};
	struct image_writer w;
	char page[PAGE_SIZE];

	pages_fd = memfd_create("pages", 0);
	manifest_fd = memfd_create("manifest", 0);
	ck_assert_int_eq(image_writer_init(&w, pages_fd), 0);
	ck_assert_int_eq(image_describe_self(&h), 0);
	image_note(&w, IMAGE_SHARED_SIZE, 3, 12345, 0);
	for (u64 i = 0; i < PAGES; i++) {
		fill(page, i);
		/* every tenth page begins a run of its own */
		image_put(&w, IMAGE_GUEST, 1, (i + i / 10) * PAGE_SIZE, page, 1);
	}
	ck_assert_int_eq(image_writer_finish(&w, &h, manifest_fd), 0);
	image_writer_free(&w);
}

static int open_it(struct image *im, char *why)
{
	return image_open(im, manifest_fd, dup(pages_fd), why, 200);
}

START_TEST(test_image_roundtrip)
{
	struct image im;
	char why[200], want[PAGE_SIZE], got[PAGE_SIZE];

	write_image();
	ck_assert_msg(open_it(&im, why) == 0, "%s", why);
	ck_assert_uint_eq(im.header->run_count, 1 + PAGES / 10);
	ck_assert_uint_eq(im.header->arena, 0x123000);
	ck_assert_uint_eq(im.runs[0].kind, IMAGE_SHARED_SIZE);
	ck_assert_uint_eq(im.runs[1].page_count, 10);
	ck_assert_uint_eq(im.runs[2].address, 11 * PAGE_SIZE);
	for (u64 i = 0; i < PAGES; i += 13) {
		fill(want, i);
		ck_assert_int_eq(image_read(&im, i * PAGE_SIZE, got, PAGE_SIZE), 0);
		ck_assert_mem_eq(got, want, PAGE_SIZE);
	}
	ck_assert_int_eq(image_read(&im, PAGES * PAGE_SIZE, got, PAGE_SIZE), -EBADMSG);
	ck_assert_int_eq(image_read(&im, UINT64_MAX - 100, got, PAGE_SIZE), -EBADMSG);
	image_close(&im);
}
END_TEST

START_TEST(test_image_changed_page)
{
	struct image im;
	char why[200], page[PAGE_SIZE];

	write_image();
	ck_assert_int_eq(pwrite(pages_fd, "!", 1, 300 * PAGE_SIZE + 77), 1);
	ck_assert_int_eq(open_it(&im, why), 0);
	ck_assert_int_eq(image_read(&im, 0, page, PAGE_SIZE), 0);
	ck_assert_int_eq(image_read(&im, 299 * PAGE_SIZE, page, PAGE_SIZE), -EBADMSG); /* the same chunk */
	ck_assert_int_eq(image_read(&im, 600 * PAGE_SIZE, page, PAGE_SIZE), 0);
	image_close(&im);
}
END_TEST

/* Whatever byte of the manifest's tables changes, or wherever it is cut: an error or another image, no crash.
 */
START_TEST(test_image_changed_manifest)
{
	u8 *whole;
	off_t size;

	write_image();
	size = lseek(manifest_fd, 0, SEEK_END);
	whole = malloc((size_t)size);
	ck_assert_int_eq(pread(manifest_fd, whole, (size_t)size, 0), size);
	for (off_t i = 0; i < size; i += i < 200 ? 1 : 5) {
		struct image im;
		char why[200] = "", page[PAGE_SIZE];
		u8 byte = whole[i] ^ 0x80;

		ck_assert_int_eq(pwrite(manifest_fd, &byte, 1, i), 1);
		if (open_it(&im, why) == 0)
			(void)!image_read(&im, (u64)i % PAGES * PAGE_SIZE, page, PAGE_SIZE);
		else
			ck_assert_str_ne(why, "");
		image_close(&im);
		ck_assert_int_eq(pwrite(manifest_fd, &whole[i], 1, i), 1);
	}
	for (off_t cut = size - 1; cut >= 0; cut -= 97) {
		struct image im;
		char why[200];

		ck_assert_int_eq(ftruncate(manifest_fd, cut), 0);
		ck_assert_int_ne(open_it(&im, why), 0);
		image_close(&im);
	}
	free(whole);
}
END_TEST

START_TEST(test_image_full_disk)
{
	struct image_header h = {0};
	struct image_writer w;
	char page[PAGE_SIZE] = {1};
	int full = memfd_create("full", MFD_ALLOW_SEALING);

	ck_assert_int_eq(fcntl(full, F_ADD_SEALS, F_SEAL_GROW), 0);
	ck_assert_int_eq(image_writer_init(&w, full), 0);
	for (u64 i = 0; i < PAGES; i++)
		image_put(&w, IMAGE_GUEST, 1, i * PAGE_SIZE, page, 1);
	ck_assert_int_eq(image_writer_finish(&w, &h, full), -EPERM);
	image_writer_free(&w);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("image");
	TCase *t = tcase_create("image");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_sha256_vectors);
	tcase_add_test(t, test_sha256_lengths);
	tcase_add_test(t, test_image_roundtrip);
	tcase_add_test(t, test_image_changed_page);
	tcase_add_test(t, test_image_changed_manifest);
	tcase_add_test(t, test_image_full_disk);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
