/* text.c: what all verbs of `warren` do with text: complaints to the terminal, numbers and sizes of options.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clients/cli/cli.h"

void cli_complain(const char *format, ...)
{
	va_list args;
	char text[1024];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, terminal_is_raw() ? "warren: %s\r\n" : "warren: %s\n", text);
}

bool cli_parse_number(const char *text, uint64_t *number)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*number = value;
	return true;
}

bool cli_parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	char digits[32];
	size_t len = strlen(text);
	const char *unit;
	unsigned int shift = 0;

	if (len && (text[len - 1] == 'B' || text[len - 1] == 'b') && len > 1)
		len--;
	if (len && (unit = strchr(units, text[len - 1] & ~0x20)) && *unit) {
		shift = 10u * (unsigned int)(unit - units + 1);
		len--;
	}
	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	digits[len] = 0;
	return cli_parse_number(digits, size) && *size <= UINT64_MAX >> shift && ((*size <<= shift), true);
}
