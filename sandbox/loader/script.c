/*
 * script.c - the first line of a script: "#! interpreter [one argument]", as Linux reads it.
 *
 * What does not end within SCRIPT_LINE bytes is cut there; a name of the interpreter that is cut is none.
 */
#include <errno.h>
#include <string.h>

#include "sandbox/loader/loader.h"

int script_parse(char *line, size_t size, char **interp, char **arg)
{
	char *end, *p;
	bool cut;

	if (size > SCRIPT_LINE - 1)
		size = SCRIPT_LINE - 1;
	line[size] = 0;
	end = strchr(line, '\n');
	cut = !end && size == SCRIPT_LINE - 1;
	if (end)
		*end = 0;
	for (end = line + strlen(line); end > line && (end[-1] == ' ' || end[-1] == '\t'); end--)
		end[-1] = 0;
	p = line + 2;
	p += strspn(p, " \t");
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	p += strcspn(p, " \t");
	if (cut && p == line + size)
		return -ENOEXEC; /* who knows how the name goes on */
	*arg = NULL;
	if (*p) {
		*p++ = 0;
		p += strspn(p, " \t");
		*arg = *p ? p : NULL;
	}
	return 0;
}
