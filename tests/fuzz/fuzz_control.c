/* fuzz_control.c: libFuzzer target: any bytes, cut anywhere, into the reader of the control protocol. The
 * first byte says how they are cut. Must neither crash nor hand out a message that is not there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/control/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_reader reader;
	struct proto_message message;
	size_t step = size ? 1 + data[0] : 1;

	proto_reader_init(&reader, NULL);
	while (size) {
		void *where;
		size_t want, piece = step < size ? step : size;

		if (proto_reader_want(&reader, &where, &want) != 0)
			break;
		if (want == 0)
			abort();
		if (piece > want)
			piece = want;
		memcpy(where, data, piece);
		data += piece;
		size -= piece;
		if (proto_reader_got(&reader, piece, NULL, 0) != 0)
			break;
		if (proto_reader_next(&reader, &message) == 1 &&
		    (message.size == 0 || message.size > PROTO_MAX_MESSAGE ||
		     message.text[message.size] != 0 || message.fd_count != 0))
			abort();
	}
	proto_reader_free(&reader);
	return 0;
}
