/* test_api.c: the parts of the HTTP interface that need no connection: routes, validation, the WebSocket
 * handshake, text. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/text.h"
#include "api/websocket.h"
#include "server/error.h"

#include <errno.h>

static const struct route *find(const char *method, const char *path, char parameter[128])
{
	bool other;

	return route_find(method, path, parameter, 128, &other);
}

START_TEST(routes)
{
	char parameter[128], path[256];
	bool other;

	ck_assert_str_eq(find("POST", "/v1/sandboxes", parameter)->operation, "create_sandbox");
	ck_assert_str_eq(find("GET", "/v1/sandboxes/sb-1", parameter)->operation, "get_sandbox");
	ck_assert_str_eq(parameter, "sb-1");
	ck_assert_str_eq(find("POST", "/v1/sandboxes/x/exec", parameter)->operation, "exec");
	ck_assert_str_eq(find("DELETE", "/v1/sandboxes/x/containers/yy", parameter)->operation,
			 "delete_container");
	ck_assert_str_eq(parameter, "x");
	ck_assert_str_eq(parameter + 2, "yy");
	ck_assert_ptr_null(find("DELETE", "/v1/sandboxes/x/containers/", parameter));
	ck_assert_str_eq(find("HEAD", "/healthz", parameter)->operation, "healthz");
	ck_assert_ptr_null(find("GET", "/v1/sandboxes/", parameter));
	ck_assert_ptr_null(find("GET", "/v1/sandboxes/a/b", parameter));
	ck_assert_ptr_null(find("GET", "/v1/sandboxes/a/exec/", parameter));
	ck_assert_ptr_null(find("GET", "", parameter));
	ck_assert_ptr_null(find("GET", "//", parameter));
	ck_assert_ptr_null(route_find("DELETE", "/healthz", parameter, 128, &other));
	ck_assert(other);
	memset(path, 'a', sizeof(path));
	memcpy(path, "/v1/sandboxes/", 14);
	path[255] = 0;
	ck_assert_ptr_null(find("GET", path, parameter)); /* the parameter does not fit */
}
END_TEST

/* Every route that takes a token says so, and only these do not. */
START_TEST(public_routes)
{
	unsigned int public = 0;

	for (unsigned int i = 0; i < api_route_count; i++) {
		public += api_routes[i].public;
		if (strncmp(api_routes[i].path, "/v1/", 4) == 0)
			ck_assert_msg(!api_routes[i].public, "%s", api_routes[i].operation);
	}
	ck_assert_uint_eq(public, 4);
}
END_TEST

static const char *fault_of(const char *operation_path, const char *json)
{
	static struct schema_fault fault;
	char parameter[128];
	const struct route *route = find("POST", operation_path, parameter);
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	bool ok;

	ck_assert_ptr_nonnull(value);
	ok = schema_check(route->body, value, &fault);
	json_decref(value);
	return ok ? "" : fault.code;
}

START_TEST(validation)
{
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{\"rootfs\":\"/a\"}"), "");
	ck_assert_str_eq(
	    fault_of("/v1/sandboxes", "{\"rootfs\":\"/a\",\"env\":{\"X\":\"\"},\"resources\":{\"cpus\":1}}"),
	    "");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{}"), "missing_field");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "[]"), "wrong_type");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{\"rootfs\":\"a\"}"), "bad_format");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{\"rootfs\":\"\"}"), "out_of_range");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{\"rootfs\":null}"), "wrong_type");
	ck_assert_str_eq(fault_of("/v1/sandboxes", "{\"rootfs\":\"/a\",\"Rootfs\":1}"), "unknown_field");
	ck_assert_str_eq(fault_of("/v1/sandboxes/x/exec", "{\"argv\":[]}"), "out_of_range");
	ck_assert_str_eq(fault_of("/v1/sandboxes/x/exec", "{\"argv\":[\"a\",1]}"), "wrong_type");
	ck_assert_str_eq(fault_of("/v1/sandboxes/x/exec", "{\"argv\":[\"a\"],\"max_output_bytes\":0}"),
			 "out_of_range");
	ck_assert_str_eq(
	    fault_of("/v1/sandboxes/x/exec", "{\"argv\":[\"a\"],\"max_output_bytes\":9223372036854775807}"),
	    "out_of_range");
}
END_TEST

START_TEST(handshake)
{
	char accept[WEBSOCKET_ACCEPT_SIZE];

	ck_assert(websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ==", accept)); /* RFC 6455, 1.3 */
	ck_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	ck_assert(!websocket_accept_key(NULL, accept));
	ck_assert(!websocket_accept_key("", accept));
	ck_assert(!websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ=", accept));
	ck_assert(!websocket_accept_key("dGhlIHNhbXBsZSBub25j!Q==", accept));
	ck_assert(!websocket_accept_key("dGhlIHNhbXBsZSBub25jZQ====", accept));
	ck_assert(websocket_header_has("keep-alive, Upgrade", "upgrade"));
	ck_assert(websocket_header_has("upgrade", "upgrade"));
	ck_assert(!websocket_header_has("upgraded", "upgrade"));
	ck_assert(!websocket_header_has(NULL, "upgrade"));
	ck_assert(!websocket_header_has("", "upgrade"));
	ck_assert(websocket_same_origin("http://a:7070", "a:7070"));
	ck_assert(websocket_same_origin("https://A", "a"));
	ck_assert(!websocket_same_origin("http://a:7070.evil", "a:7070"));
	ck_assert(!websocket_same_origin("null", "a"));
	ck_assert(!websocket_same_origin("http://", ""));
	ck_assert(!websocket_same_origin("http://a", NULL));
}
END_TEST

START_TEST(base64)
{
	static const char *const cases[][2] = {
	    {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *json = text_base64(cases[i][0], strlen(cases[i][0]));

		ck_assert_str_eq(json_string_value(json), cases[i][1]);
		json_decref(json);
	}
}
END_TEST

struct collected {
	char bytes[64];
	size_t size;
	bool all_utf8;
};

static void collect(void *opaque, const char *bytes, size_t size, bool utf8, int stream)
{
	struct collected *collected = opaque;

	memcpy(collected->bytes + collected->size, bytes, size);
	collected->size += size;
	collected->all_utf8 = collected->all_utf8 && utf8;
}

/* However the bytes are cut, no character is: each piece is UTF-8, and nothing is lost. */
START_TEST(split_anywhere)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x87z";
	size_t size = sizeof(text) - 1;

	for (size_t first = 1; first < size; first++) {
		for (size_t second = first; second < size; second++) {
			struct text_splitter splitter = {.held_size = 0};
			struct collected collected = {.all_utf8 = true};

			text_split(&splitter, text, first, collect, &collected, 1);
			text_split(&splitter, text + first, second - first, collect, &collected, 1);
			text_split(&splitter, text + second, size - second, collect, &collected, 1);
			text_split_end(&splitter, collect, &collected, 1);
			ck_assert(collected.all_utf8);
			ck_assert_uint_eq(collected.size, size);
			ck_assert_int_eq(memcmp(collected.bytes, text, size), 0);
		}
	}
}
END_TEST

START_TEST(not_text)
{
	struct text_splitter splitter = {.held_size = 0};
	struct collected collected = {.all_utf8 = true};

	text_split(&splitter, "\xff\xfe", 2, collect, &collected, 1);
	text_split(&splitter, "\xe2\x82", 2, collect, &collected, 1);
	text_split_end(&splitter, collect, &collected, 1);
	ck_assert_uint_eq(collected.size, 4);
	ck_assert(!collected.all_utf8);
}
END_TEST

START_TEST(errno_names)
{
	ck_assert_int_eq(error_code_of("ENOENT"), ENOENT);
	ck_assert_int_eq(error_code_of("ENOSYS"), ENOSYS);
	ck_assert_int_eq(error_code_of("nonsense"), EIO);
	ck_assert_int_eq(error_code_of(NULL), EIO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api");
	TCase *tests = tcase_create("api");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, routes);
	tcase_add_test(tests, public_routes);
	tcase_add_test(tests, validation);
	tcase_add_test(tests, handshake);
	tcase_add_test(tests, base64);
	tcase_add_test(tests, split_anywhere);
	tcase_add_test(tests, not_text);
	tcase_add_test(tests, errno_names);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
