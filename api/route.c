/* route.c: which operation a method and a path mean. */
#include <string.h>

#include "api/routes.h"

/* Templates have at most one {parameter}: a whole, non-empty segment. */
static bool match(const char *template, const char *path, char *parameter, size_t size)
{
	const char *brace = strchr(template, '{'), *rest;
	size_t len, before = brace ? (size_t)(brace - template) : 0;

	if (!brace)
		return strcmp(template, path) == 0;
	if (strncmp(template, path, before) != 0)
		return false;
	path += before;
	rest = strchr(brace, '}') + 1;
	len = strcspn(path, "/");
	if (len == 0 || len >= size || strcmp(path + len, rest) != 0)
		return false;
	memcpy(parameter, path, len);
	parameter[len] = 0;
	return true;
}

const struct route *route_find(const char *method, const char *path, char *parameter, size_t size,
			       bool *other_method)
{
	*other_method = false;
	parameter[0] = 0;
	for (unsigned int i = 0; i < api_route_count; i++) {
		if (!match(api_routes[i].path, path, parameter, size))
			continue;
		if (strcmp(api_routes[i].method, method) == 0 ||
		    (strcmp(method, "HEAD") == 0 && strcmp(api_routes[i].method, "GET") == 0))
			return &api_routes[i];
		*other_method = true;
	}
	return NULL;
}
