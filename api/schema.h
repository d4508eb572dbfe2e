/* schema.h: what a request may contain, as data made from openapi.yaml, and the check against it. */
#ifndef WARREN_API_SCHEMA_H
#define WARREN_API_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

enum schema_type {
	SCHEMA_OBJECT,
	SCHEMA_ARRAY,
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_NUMBER,
	SCHEMA_BOOLEAN
};
enum schema_format { FORMAT_ANY, FORMAT_ABSOLUTE_PATH };

struct schema;

struct schema_field {
	const char *name;
	const struct schema *schema;
	bool required;
};

struct schema {
	enum schema_type type;
	enum schema_format format;
	bool has_min, has_max;
	double min, max;          /* of a number; of a string's bytes; of an array's elements */
	const char *const *words; /* a string is one of these, to a NULL; NULL: any */
	const struct schema_field *fields;
	unsigned int field_count;
	const struct schema *extra; /* of members without a name of their own; NULL: there may be none */
	const struct schema *items;
};

struct schema_fault {
	char code[32]; /* unknown_field, missing_field, wrong_type, out_of_range, bad_format */
	char pointer[256];
	char detail[256];
};

/* True when `value` is as `schema` says; else the first fault. */
bool schema_check(const struct schema *schema, const json_t *value, struct schema_fault *fault);

/* A query parameter's text as a JSON value of the schema's type. NULL: it is none. */
json_t *schema_parse_text(const struct schema *schema, const char *text);

#endif
