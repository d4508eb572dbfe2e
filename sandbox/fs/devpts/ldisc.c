/*
 * ldisc.c - the line discipline's way from the keyboard: mapping, special characters, line editing, reading.
 * Idea and invariants are in ldisc.h; output and echo are in ldisc_out.c.
 */
#include "sandbox/fs/devpts/ldisc_priv.h"

#include <errno.h>

#include "sandbox/abi/signal.h"

static bool bit_get(const u8 *map, u32 i)
{
	i %= LDISC_IN_SIZE;
	return map[i / 8] & (1U << (i % 8));
}

static void bit_set(u8 *map, u32 i, bool on)
{
	i %= LDISC_IN_SIZE;
	if (on)
		map[i / 8] |= (u8)(1U << (i % 8));
	else
		map[i / 8] &= (u8) ~(1U << (i % 8));
}

/* Is c the special character `which`? A character of 0 (_POSIX_VDISABLE) is none. */
static bool is_special(const struct ldisc *ld, u8 c, int which)
{
	return c && c == ld->tio.c_cc[which];
}

void ldisc_init(struct ldisc *ld)
{
	static const u8 cc[LINUX_NCCS] = {
	    [LINUX_VINTR] = 3,  [LINUX_VQUIT] = 28,    [LINUX_VERASE] = 127,  [LINUX_VKILL] = 21,
	    [LINUX_VEOF] = 4,   [LINUX_VMIN] = 1,      [LINUX_VSTART] = 17,   [LINUX_VSTOP] = 19,
	    [LINUX_VSUSP] = 26, [LINUX_VREPRINT] = 18, [LINUX_VDISCARD] = 15, [LINUX_VWERASE] = 23,
	    [LINUX_VLNEXT] = 22};

	memset(ld, 0, sizeof(*ld));
	ld->tio.c_iflag = LINUX_ICRNL | LINUX_IXON;
	ld->tio.c_oflag = LINUX_OPOST | LINUX_ONLCR;
	ld->tio.c_cflag = LINUX_B38400 | LINUX_CS8 | LINUX_CREAD;
	ld->tio.c_lflag = LINUX_ISIG | LINUX_ICANON | LINUX_ECHO | LINUX_ECHOE | LINUX_ECHOK | LINUX_ECHOCTL |
			  LINUX_ECHOKE | LINUX_IEXTEN;
	memcpy(ld->tio.c_cc, cc, sizeof(cc));
}

void ldisc_set_termios(struct ldisc *ld, const struct linux_termios *tio)
{
	bool was_canon = ld_canonical(ld);
	bool was_ixon = ld_iflag(ld, LINUX_IXON);

	ld->tio = *tio;
	if (was_canon != ld_canonical(ld)) {
		/* what was typed so far is readable in either mode; nothing remains editable */
		ld->canon = ld->head;
		if (!was_canon && ld->head != ld->tail)
			bit_set(ld->mark, ld->head - 1, true);
		ld->erasing = ld->literal = false;
	}
	if (was_ixon && !ld_iflag(ld, LINUX_IXON))
		ldisc_set_stopped(ld, false);
}

static u32 in_used(const struct ldisc *ld)
{
	return ld->head - ld->tail;
}

static void store(struct ldisc *ld, u8 c, bool ends_line, bool is_eof)
{
	*ld_at(ld, ld->head) = c;
	bit_set(ld->mark, ld->head, ends_line);
	bit_set(ld->eof, ld->head, is_eof);
	ld->head++;
	if (ends_line)
		ld->canon = ld->head;
}

/* Start of the character that ends at `end`: steps over UTF-8 continuation bytes with IUTF8. */
static u32 char_start(struct ldisc *ld, u32 end)
{
	u32 i = end - 1;

	while (ld_iflag(ld, LINUX_IUTF8) && i != ld->canon && (*ld_at(ld, i) & 0xC0) == 0x80)
		i--;
	return i;
}

static void erase_char(struct ldisc *ld)
{
	u32 from = char_start(ld, ld->head);

	if (ld_lflag(ld, LINUX_ECHO)) {
		if (ld_lflag(ld, LINUX_ECHOE | LINUX_ECHOPRT))
			ld_echo_erase(ld, from);
		else
			ld_echo(ld, ld->tio.c_cc[LINUX_VERASE]);
	}
	ld->head = from;
}

static bool is_word_char(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c >= 0x80;
}

static void erase_word(struct ldisc *ld)
{
	bool seen = false;

	while (ld->head != ld->canon) {
		bool word = is_word_char(*ld_at(ld, ld->head - 1));

		if (seen && !word)
			break;
		seen |= word;
		erase_char(ld);
	}
}

static void kill_line(struct ldisc *ld, u8 c)
{
	bool echo = ld_lflag(ld, LINUX_ECHO);

	if (!echo) {
		ld->head = ld->canon;
		return;
	}
	if (ld_lflag(ld, LINUX_ECHOK) && ld_lflag(ld, LINUX_ECHOKE) && ld_lflag(ld, LINUX_ECHOE)) {
		while (ld->head != ld->canon)
			erase_char(ld);
		ld_finish_erasing(ld);
		return;
	}
	ld_finish_erasing(ld);
	ld_echo(ld, c);
	if (ld_lflag(ld, LINUX_ECHOK))
		ld_put_processed(ld, '\n');
	ld->head = ld->canon;
}

static void reprint(struct ldisc *ld, u8 c)
{
	ld_finish_erasing(ld);
	ld_echo(ld, c);
	ld_put_processed(ld, '\n');
	for (u32 i = ld->canon; i != ld->head; i++)
		ld_echo(ld, *ld_at(ld, i));
}

static void raise_signal(struct ldisc *ld, int sig, u8 c)
{
	/* what was written has left for the master: only input can be forgotten */
	if (!ld_lflag(ld, LINUX_NOFLSH))
		ldisc_flush_input(ld);
	if (ld_iflag(ld, LINUX_IXON))
		ldisc_set_stopped(ld, false);
	if (ld_lflag(ld, LINUX_ECHO))
		ld_echo(ld, c);
	if (ld->signal)
		ld->signal(ld, sig);
}

/* VSTART, VSTOP and the signal characters; true when c was one. */
static bool input_control(struct ldisc *ld, u8 c)
{
	if (ld_iflag(ld, LINUX_IXON)) {
		if (is_special(ld, c, LINUX_VSTART)) {
			ldisc_set_stopped(ld, false);
			return true;
		}
		if (is_special(ld, c, LINUX_VSTOP)) {
			ldisc_set_stopped(ld, true);
			return true;
		}
	}
	if (ld_lflag(ld, LINUX_ISIG)) {
		int sig = is_special(ld, c, LINUX_VINTR)   ? LINUX_SIGINT
			  : is_special(ld, c, LINUX_VQUIT) ? LINUX_SIGQUIT
			  : is_special(ld, c, LINUX_VSUSP) ? LINUX_SIGTSTP
							   : 0;

		if (sig) {
			raise_signal(ld, sig, c);
			return true;
		}
	}
	return false;
}

/* The editing characters of canonical mode; true when c was one. */
static bool input_edit(struct ldisc *ld, u8 c)
{
	bool ext = ld_lflag(ld, LINUX_IEXTEN);

	if (is_special(ld, c, LINUX_VERASE)) {
		if (ld->head != ld->canon)
			erase_char(ld);
		if (ld->head == ld->canon)
			ld_finish_erasing(ld);
		return true;
	}
	if (ext && is_special(ld, c, LINUX_VWERASE)) {
		erase_word(ld);
		if (ld->head == ld->canon)
			ld_finish_erasing(ld);
		return true;
	}
	if (is_special(ld, c, LINUX_VKILL)) {
		kill_line(ld, c);
		return true;
	}
	if (ext && is_special(ld, c, LINUX_VLNEXT)) {
		ld->literal = true;
		if (ld_lflag(ld, LINUX_ECHO)) {
			ld_finish_erasing(ld);
			if (ld_lflag(ld, LINUX_ECHOCTL)) { /* a caret, which the next character overwrites */
				ld_put_raw(ld, '^');
				ld_put_raw(ld, '\b');
			}
		}
		return true;
	}
	if (ext && ld_lflag(ld, LINUX_ECHO) && is_special(ld, c, LINUX_VREPRINT)) {
		reprint(ld, c);
		return true;
	}
	return false;
}

/* An ordinary byte or the end of a line, into the ring. */
static void input_store(struct ldisc *ld, u8 c, bool literal)
{
	bool canon = ld_canonical(ld);
	bool is_eof = canon && !literal && is_special(ld, c, LINUX_VEOF);
	bool ends = canon && !literal &&
		    (c == '\n' || is_eof || is_special(ld, c, LINUX_VEOL) ||
		     (ld_lflag(ld, LINUX_IEXTEN) && is_special(ld, c, LINUX_VEOL2)));

	/* A line longer than the ring loses its end, but can always be ended. */
	if (in_used(ld) >= LDISC_IN_SIZE - (ends ? 0 : 1)) {
		if (ld_iflag(ld, LINUX_IMAXBEL))
			ld_put_raw(ld, '\a');
		return;
	}
	if (!is_eof && !ld_lflag(ld, LINUX_EXTPROC) &&
	    (ld_lflag(ld, LINUX_ECHO) || (c == '\n' && canon && ld_lflag(ld, LINUX_ECHONL)))) {
		ld_finish_erasing(ld);
		if (ld->head == ld->canon)
			ld->line_column = ld->column;
		if (c == '\n' && !literal)
			ld_put_processed(ld, '\n');
		else
			ld_echo(ld, c);
	}
	store(ld, c, ends, is_eof);
	if (!canon)
		ld->canon = ld->head;
}

static void input_byte(struct ldisc *ld, u8 c)
{
	bool literal = ld->literal;

	if (ld_iflag(ld, LINUX_ISTRIP))
		c &= 0x7F;
	if (ld_lflag(ld, LINUX_EXTPROC)) { /* somebody else does the editing */
		input_store(ld, c, true);
		return;
	}
	if (literal) {
		ld->literal = false;
		input_store(ld, c, true);
		return;
	}
	if (ld_iflag(ld, LINUX_IUCLC) && ld_lflag(ld, LINUX_IEXTEN) && c >= 'A' && c <= 'Z')
		c = (u8)(c - 'A' + 'a');
	if (ld->stopped && ld_iflag(ld, LINUX_IXON) && ld_iflag(ld, LINUX_IXANY) &&
	    !is_special(ld, c, LINUX_VSTOP))
		ldisc_set_stopped(ld, false);
	if (input_control(ld, c))
		return;
	if (c == '\r') {
		if (ld_iflag(ld, LINUX_IGNCR))
			return;
		if (ld_iflag(ld, LINUX_ICRNL))
			c = '\n';
	} else if (c == '\n' && ld_iflag(ld, LINUX_INLCR)) {
		c = '\r';
	}
	if (ld_canonical(ld) && input_edit(ld, c))
		return;
	input_store(ld, c, false);
}

size_t ldisc_input(struct ldisc *ld, const u8 *data, size_t size)
{
	size_t n = 0;

	while (n < size) {
		/* Full of complete input: the sender waits. A single endless line must go on to be ended. */
		if (in_used(ld) >= LDISC_IN_SIZE - 1 && ld->canon != ld->tail)
			break;
		input_byte(ld, data[n++]);
	}
	if (ld_iflag(ld, LINUX_IXOFF) && !ld->throttled && in_used(ld) > LDISC_IN_SIZE - 128) {
		ld->throttled = true;
		ldisc_send_flow(ld, false);
	}
	return n;
}

bool ldisc_readable(const struct ldisc *ld, u32 min)
{
	if (ld_canonical(ld))
		return ld->canon != ld->tail;
	return in_used(ld) >= (min ? min : 1);
}

u32 ldisc_pending(const struct ldisc *ld)
{
	u32 n = 0;

	if (!ld_canonical(ld))
		return in_used(ld);
	for (u32 i = ld->tail; i != ld->canon; i++)
		n += !bit_get(ld->eof, i);
	return n;
}

s64 ldisc_read(struct ldisc *ld, u8 *dst, size_t size)
{
	bool canon = ld_canonical(ld);
	u32 end = canon ? ld->canon : ld->head;
	size_t n = 0;

	if (ld->tail == end)
		return -EAGAIN;
	while (ld->tail != end) {
		u32 i = ld->tail;
		bool mark = canon && bit_get(ld->mark, i), is_eof = canon && bit_get(ld->eof, i);

		if (n == size && !(is_eof && n)) /* an EOF just behind a full buffer goes with it */
			break;
		ld->tail++;
		if (!is_eof)
			dst[n++] = *ld_at(ld, i);
		if (mark)
			break;
	}
	if (ld->throttled && in_used(ld) < 128) {
		ld->throttled = false;
		ldisc_send_flow(ld, true);
	}
	return (s64)n;
}

void ldisc_flush_input(struct ldisc *ld)
{
	ld->tail = ld->canon = ld->head;
	ld->erasing = ld->literal = false;
	if (ld->throttled) {
		ld->throttled = false;
		ldisc_send_flow(ld, true);
	}
	if (ld->flushed)
		ld->flushed(ld);
}

void ldisc_set_stopped(struct ldisc *ld, bool stopped)
{
	if (ld->stopped == stopped)
		return;
	ld->stopped = stopped;
	if (ld->flow_changed)
		ld->flow_changed(ld);
}
