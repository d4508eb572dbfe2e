/* text.h: bytes of a program as JSON: UTF-8 where they are, base64 where they are not. */
#ifndef WARREN_API_TEXT_H
#define WARREN_API_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* New JSON string; NULL without memory. */
json_t *text_base64(const char *bytes, size_t size);

/* Holds back the beginning of a character that was cut in two between pieces. */
struct text_splitter {
	char held[4];
	size_t held_size;
};

typedef void text_piece_fn(void *opaque, const char *bytes, size_t size, bool utf8, int stream);
void text_split(struct text_splitter *splitter, const char *bytes, size_t size, text_piece_fn *piece,
		void *opaque, int stream);
void text_split_end(struct text_splitter *splitter, text_piece_fn *piece, void *opaque, int stream);

/* How many bytes at the end are the beginning of a UTF-8 character that may go on. */
size_t text_cut_tail(const char *bytes, size_t size);

#endif
