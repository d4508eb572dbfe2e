/*
 * ldisc.h - the line discipline N_TTY as a machine without any surroundings: see termios(3).
 *
 * Bytes typed at the master go in by ldisc_input() and come out, edited, by ldisc_read(); bytes a process
 * writes go in by ldisc_output() and come out, post-processed, with the echoes, by ldisc_take(). Nothing
 * here sleeps, allocates or knows files; signals are reported through one callback. Both buffers are rings
 * of fixed size, counted by ever-growing indices.
 *
 * In canonical mode [tail, canon) are complete lines, [canon, head) the line being edited. `mark` has a bit
 * for each byte that ends a line; a marked byte with its bit in `eof` too is the VEOF character, which ends
 * a line but is not part of it.
 */
#ifndef WARREN_FS_DEVPTS_LDISC_H
#define WARREN_FS_DEVPTS_LDISC_H

#include "sandbox/abi/termios.h"

#define LDISC_IN_SIZE  4096U
#define LDISC_OUT_SIZE 16384U

struct ldisc {
	struct linux_termios tio;
	u32 head, canon, tail;                     /* input ring */
	u32 out_head, out_tail;                    /* output ring */
	u32 column;                                /* of the cursor, for tabs */
	u32 line_column;                           /* where the line being edited begins on the screen */
	bool literal;                              /* the next byte is taken as it is (VLNEXT) */
	bool erasing;                              /* inside \.../ of ECHOPRT */
	bool stopped;                              /* output stopped by VSTOP or TCOOFF */
	bool throttled;                            /* VSTOP was sent to the other side (IXOFF) */
	void (*signal)(struct ldisc *ld, int sig); /* to the foreground group; NULL: none */
	void (*flushed)(struct ldisc *ld);         /* input was forgotten; NULL: nobody wants to know */
	void (*flow_changed)(struct ldisc *ld);    /* `stopped` changed; NULL likewise */
	u8 mark[LDISC_IN_SIZE / 8], eof[LDISC_IN_SIZE / 8];
	u8 in[LDISC_IN_SIZE], out[LDISC_OUT_SIZE];
};

/* Linux's settings for a fresh pty. */
void ldisc_init(struct ldisc *ld);
/* Changes the settings; what is buffered becomes readable if ICANON goes, as on Linux. */
void ldisc_set_termios(struct ldisc *ld, const struct linux_termios *tio);

/* From the keyboard. Returns how many bytes were taken: less than size only when the ring is full. */
size_t ldisc_input(struct ldisc *ld, const u8 *data, size_t size);
/* To the process: bytes, 0 for end of file, -EAGAIN when there is nothing complete. */
s64 ldisc_read(struct ldisc *ld, u8 *dst, size_t size);
/* Is there something for read: canonical, a line; raw, at least `min` bytes. */
bool ldisc_readable(const struct ldisc *ld, u32 min);
/* FIONREAD */
u32 ldisc_pending(const struct ldisc *ld);

/* From the process. Returns bytes taken; 0 when output is stopped or the ring is full. */
size_t ldisc_output(struct ldisc *ld, const u8 *data, size_t size);
bool ldisc_writable(const struct ldisc *ld);
/* To the screen: what the master reads. */
size_t ldisc_take(struct ldisc *ld, u8 *dst, size_t size);
u32 ldisc_out_pending(const struct ldisc *ld);

void ldisc_flush_input(struct ldisc *ld);
/* VSTOP, VSTART, TCOOFF, TCOON */
void ldisc_set_stopped(struct ldisc *ld, bool stopped);
/* Sends VSTART or VSTOP to the other side (TCION, TCIOFF). */
void ldisc_send_flow(struct ldisc *ld, bool start);

#endif
