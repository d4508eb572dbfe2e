/* fuzz_gofer.c: libFuzzer target: any bytes as a request at the gofer and as a reply at the sentry. What a
 * decoder accepts, the encoder must give back byte by byte (so nothing in it is unread), and a decoded list
 * must hold exactly as many entries as it says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gofer/proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char g_in[GOFER_MSG_MAX], g_out[GOFER_MSG_MAX];

static void check_request(size_t size)
{
	struct gofer_request q;
	int n;

	if (gofer_request_decode(g_in, size, &q) != 0)
		return;
	n = gofer_request_encode(&q, g_out, sizeof(g_out));
	if (n < 0 || (size_t)n != size || memcmp(g_in, g_out, size) != 0)
		abort();
}

static void check_reply(size_t size)
{
	struct gofer_dirent entry;
	struct gofer_list list;
	struct gofer_reply p;
	struct gofer_step step;
	uint32_t count = 0;
	int n;

	if (gofer_reply_decode(g_in, size, &p) != 0)
		return;
	n = gofer_reply_encode(&p, g_out, sizeof(g_out));
	if (n < 0 || (size_t)n != size || memcmp(g_in, g_out, size) != 0)
		abort();
	if (p.status != 0)
		return;
	if (p.op == GOFER_READDIR) {
		for (list = p.readdir.entries; gofer_dirent_next(&list, &entry); count++)
			if (!gofer_name_ok(&entry.name))
				abort();
		if (count != p.readdir.entries.count)
			abort();
	}
	if (p.op == GOFER_WALK) {
		for (list = p.walk.steps; gofer_step_next(&list, &step); count++)
			if (step.handle == 0)
				abort();
		if (count != p.walk.steps.count)
			abort();
	}
}

/* The size in the header is made honest, so that mutations reach the fields. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t honest = (uint32_t)size;

	if (size < 8 || size > GOFER_MSG_MAX)
		return 0;
	memcpy(g_in, data, size);
	memcpy(g_in, &honest, sizeof(honest));
	check_request(size);
	check_reply(size);
	return 0;
}
