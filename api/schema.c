/* schema.c: see schema.h. Depth is bounded by the schema, not by the request: an unknown member is refused
 * unseen. */
#include "api/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 4, 5))) static bool fail(struct schema_fault *fault, const char *pointer,
						       const char *code, const char *format, ...)
{
	va_list args;

	snprintf(fault->code, sizeof(fault->code), "%s", code);
	snprintf(fault->pointer, sizeof(fault->pointer), "%s", pointer);
	va_start(args, format);
	vsnprintf(fault->detail, sizeof(fault->detail), format, args);
	va_end(args);
	return false;
}

static const struct schema_field *find_field(const struct schema *schema, const char *name)
{
	for (unsigned int i = 0; i < schema->field_count; i++)
		if (strcmp(schema->fields[i].name, name) == 0)
			return &schema->fields[i];
	return NULL;
}

static bool in_range(const struct schema *schema, double value)
{
	return (!schema->has_min || value >= schema->min) && (!schema->has_max || value <= schema->max);
}

static bool check_range(const struct schema *schema, double value, const char *what, const char *pointer,
			struct schema_fault *fault)
{
	char range[96];

	if (in_range(schema, value))
		return true;
	if (schema->has_min && schema->has_max)
		snprintf(range, sizeof(range), "from %.15g to %.15g", schema->min, schema->max);
	else if (schema->has_min)
		snprintf(range, sizeof(range), "at least %.15g", schema->min);
	else
		snprintf(range, sizeof(range), "at most %.15g", schema->max);
	return fail(fault, pointer, "out_of_range", "%s must be %s, and is %.15g", what, range, value);
}

static bool check(const struct schema *schema, const json_t *value, const char *pointer,
		  struct schema_fault *fault);

/* One path step, escaped as RFC 6901 has it; cut off where it is too long to be of use. */
static void extend(char out[256], const char *pointer, const char *name)
{
	size_t used = (size_t)snprintf(out, 256, "%.200s/", pointer);

	for (; *name && used < 250; name++) {
		if (*name == '~' || *name == '/') {
			out[used++] = '~';
			out[used++] = *name == '~' ? '0' : '1';
		} else {
			out[used++] = *name;
		}
	}
	out[used] = 0;
	/* A multi-byte character cut in two would not be JSON. */
	while (*name && used && ((unsigned char)out[used - 1] & 0x80))
		out[--used] = 0;
}

static bool check_object(const struct schema *schema, const json_t *value, const char *pointer,
			 struct schema_fault *fault)
{
	char child[256];
	const char *name;
	json_t *member;

	for (unsigned int i = 0; i < schema->field_count; i++)
		if (schema->fields[i].required && !json_object_get(value, schema->fields[i].name))
			return fail(fault, pointer, "missing_field", "the field '%s' is missing",
				    schema->fields[i].name);
	json_object_foreach((json_t *)value, name, member)
	{
		const struct schema_field *field = find_field(schema, name);
		const struct schema *of = field ? field->schema : schema->extra;

		extend(child, pointer, name);
		if (!of)
			return fail(fault, child, "unknown_field", "there is no such field");
		if (!check(of, member, child, fault))
			return false;
	}
	return true;
}

static bool check_array(const struct schema *schema, const json_t *value, const char *pointer,
			struct schema_fault *fault)
{
	char child[256];

	if (!check_range(schema, (double)json_array_size(value), "the number of elements", pointer, fault))
		return false;
	for (size_t i = 0; i < json_array_size(value); i++) {
		snprintf(child, sizeof(child), "%.200s/%zu", pointer, i);
		if (!check(schema->items, json_array_get(value, i), child, fault))
			return false;
	}
	return true;
}

static bool check_string(const struct schema *schema, const json_t *value, const char *pointer,
			 struct schema_fault *fault)
{
	const char *text = json_string_value(value);

	if (!check_range(schema, (double)json_string_length(value), "its length in bytes", pointer, fault))
		return false;
	if (schema->format == FORMAT_ABSOLUTE_PATH && *text != '/')
		return fail(fault, pointer, "bad_format", "an absolute path is needed");
	for (size_t i = 0; schema->words; i++) {
		if (!schema->words[i])
			return fail(fault, pointer, "bad_format",
				    "'%.40s' is none of the words that may stand here", text);
		if (strcmp(schema->words[i], text) == 0)
			break;
	}
	return true;
}

static bool check(const struct schema *schema, const json_t *value, const char *pointer,
		  struct schema_fault *fault)
{
	static const char *const names[] = {"an object",  "an array", "a string",
					    "an integer", "a number", "a boolean"};

	switch (schema->type) {
	case SCHEMA_OBJECT:
		if (json_is_object(value))
			return check_object(schema, value, pointer, fault);
		break;
	case SCHEMA_ARRAY:
		if (json_is_array(value))
			return check_array(schema, value, pointer, fault);
		break;
	case SCHEMA_STRING:
		if (json_is_string(value))
			return check_string(schema, value, pointer, fault);
		break;
	case SCHEMA_INTEGER:
		if (json_is_integer(value))
			return check_range(schema, (double)json_integer_value(value), "it", pointer, fault);
		break;
	case SCHEMA_NUMBER:
		if (json_is_number(value))
			return check_range(schema, json_number_value(value), "it", pointer, fault);
		break;
	case SCHEMA_BOOLEAN:
		if (json_is_boolean(value))
			return true;
		break;
	}
	return fail(fault, pointer, "wrong_type", "%s is needed here", names[schema->type]);
}

bool schema_check(const struct schema *schema, const json_t *value, struct schema_fault *fault)
{
	return check(schema, value, "", fault);
}

json_t *schema_parse_text(const struct schema *schema, const char *text)
{
	char *end;
	long long number;

	if (schema->type == SCHEMA_STRING)
		return json_string(text);
	if (schema->type != SCHEMA_INTEGER || !*text)
		return NULL;
	errno = 0;
	number = strtoll(text, &end, 10);
	return *end || errno || !(*text >= '0' && *text <= '9') ? NULL : json_integer(number);
}
