/* cli.h: the parts of the `warren` command. */
#ifndef WARREN_CLIENTS_CLI_H
#define WARREN_CLIENTS_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit statuses of our own, as other container tools have them. */
#define CLI_EXIT_FAILED     125 /* Warren itself failed */
#define CLI_EXIT_CANNOT_RUN 126
#define CLI_EXIT_NOT_FOUND  127

__attribute__((format(printf, 1, 2))) void cli_complain(const char *format, ...);

int cli_run(int argc, char **argv);
int cli_checkpoint(int argc, char **argv);
/* The checkpoint of a sandbox of warrend's. */
int cli_remote_checkpoint(const char *url, const char *token_file, const char *id, const char *image);
int cli_remote(const char *verb, int argc, char **argv);

/* "512M", "1.5G", "4096": a size in bytes. False when it is none. */
bool cli_parse_size(const char *text, uint64_t *size);
bool cli_parse_number(const char *text, uint64_t *number);

/* --- lifeline.c: a child that ends the sandbox, and mends the terminal, should this process be killed. ---
 */
struct lifeline;
/* `control` (taken over): a connection to the sandbox's control socket on which nothing was sent. */
struct lifeline *lifeline_start(int control);
void lifeline_set_keeper(struct lifeline *lifeline, pid_t keeper);
void lifeline_end(struct lifeline *lifeline);

/* --- terminal.c: our own terminal in raw mode. --- */
bool terminal_raw(int fd);
void terminal_restore(void);
void terminal_size(unsigned int *columns, unsigned int *rows);
/* To give a terminal back from another process. */
bool terminal_is_raw(void);

/* --- pump.c: moving bytes between our streams and the sandbox's, in threads. --- */
struct pump;
/* `eof` non-empty: written when the input ends, instead of closing `to` (a terminal's end-of-file character).
 */
struct pump *pump_start(int from, int to, bool owns_from, bool owns_to, const char *eof, const char *name);
/* Waits for the end of the stream. False when bytes were lost for an error other than the reader's going
 * away. */
bool pump_join(struct pump *pump);

#endif
