/* text.c: see text.h. */
#include "api/text.h"

#include <stdlib.h>
#include <string.h>

json_t *text_base64(const char *bytes, size_t size)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = (const unsigned char *)bytes;
	size_t out_size = (size + 2) / 3 * 4, at = 0;
	char *out = malloc(out_size + 1);
	json_t *json;

	if (!out)
		return NULL;
	for (size_t i = 0; i < size; i += 3) {
		unsigned int group = (unsigned int)in[i] << 16 |
				     (i + 1 < size ? (unsigned int)in[i + 1] << 8 : 0) |
				     (i + 2 < size ? in[i + 2] : 0);

		out[at++] = digits[group >> 18];
		out[at++] = digits[group >> 12 & 63];
		out[at++] = i + 1 < size ? digits[group >> 6 & 63] : '=';
		out[at++] = i + 2 < size ? digits[group & 63] : '=';
	}
	json = json_stringn_nocheck(out, out_size);
	free(out);
	return json;
}

size_t text_cut_tail(const char *bytes, size_t size)
{
	for (size_t back = 1; back <= 3 && back <= size; back++) {
		unsigned char c = (unsigned char)bytes[size - back];
		size_t needed = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;

		if ((c & 0xc0) == 0x80)
			continue; /* inside a character; look for its beginning */
		return needed > back ? back : 0;
	}
	return 0;
}

static void emit(const char *bytes, size_t size, text_piece_fn *piece, void *opaque, int stream)
{
	json_t *probe;

	if (!size)
		return;
	probe = json_stringn(bytes, size); /* checks UTF-8 */
	piece(opaque, bytes, size, probe != NULL, stream);
	json_decref(probe);
}

void text_split(struct text_splitter *splitter, const char *bytes, size_t size, text_piece_fn *piece,
		void *opaque, int stream)
{
	char *whole = malloc(splitter->held_size + size);
	size_t whole_size = splitter->held_size + size, tail;

	if (!whole) { /* rather the character in two pieces than bytes lost */
		text_split_end(splitter, piece, opaque, stream);
		emit(bytes, size, piece, opaque, stream);
		return;
	}
	memcpy(whole, splitter->held, splitter->held_size);
	memcpy(whole + splitter->held_size, bytes, size);
	tail = text_cut_tail(whole, whole_size);
	splitter->held_size = tail;
	memcpy(splitter->held, whole + whole_size - tail, tail);
	emit(whole, whole_size - tail, piece, opaque, stream);
	free(whole);
}

void text_split_end(struct text_splitter *splitter, text_piece_fn *piece, void *opaque, int stream)
{
	size_t size = splitter->held_size;

	splitter->held_size = 0;
	emit(splitter->held, size, piece, opaque, stream);
}
