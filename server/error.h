/* error.h: an error with a message, passed back through a last argument. `code` is a positive errno. */
#ifndef WARREN_SERVER_ERROR_H
#define WARREN_SERVER_ERROR_H

struct error {
	int code;
	char message[400];
};

/* Fills `error` (which may be NULL) and returns -code, so that callers can `return error_set(...)`. */
__attribute__((format(printf, 3, 4))) int error_set(struct error *error, int code, const char *format, ...);

/* The same with ": " and the text of the errno appended. */
__attribute__((format(printf, 3, 4))) int error_errno(struct error *error, int code, const char *format, ...);

/* The errno for a name as the control protocol writes it ("ENOENT"); EIO for a name we do not know. */
int error_code_of(const char *name);

#endif
