/*
 * ldisc_out.c - the line discipline's way to the screen: output processing, echo, and the display of erasing.
 * An echo that finds the ring full is dropped: the process that does not read its screen has nothing to see.
 */
#include "sandbox/fs/devpts/ldisc_priv.h"

static u32 out_room(const struct ldisc *ld)
{
	return LDISC_OUT_SIZE - (ld->out_head - ld->out_tail);
}

void ld_put_raw(struct ldisc *ld, u8 c)
{
	if (out_room(ld))
		ld->out[ld->out_head++ % LDISC_OUT_SIZE] = c;
}

bool ld_put_processed(struct ldisc *ld, u8 c)
{
	u32 of = ld->tio.c_oflag, spaces;

	if (out_room(ld) < 8)
		return false;
	if (!(of & LINUX_OPOST)) {
		ld_put_raw(ld, c);
		return true;
	}
	switch (c) {
	case '\n':
		if (of & LINUX_ONLRET)
			ld->column = 0;
		if (of & LINUX_ONLCR) {
			ld_put_raw(ld, '\r');
			ld->column = 0;
		}
		ld->line_column = ld->column;
		break;
	case '\r':
		if ((of & LINUX_ONOCR) && ld->column == 0)
			return true;
		if (of & LINUX_OCRNL) {
			c = '\n';
			if (of & LINUX_ONLRET)
				ld->column = ld->line_column = 0;
			break;
		}
		ld->column = ld->line_column = 0;
		break;
	case '\t':
		spaces = 8 - (ld->column & 7);
		ld->column += spaces;
		if ((of & LINUX_TABDLY) == LINUX_XTABS) {
			while (spaces--)
				ld_put_raw(ld, ' ');
			return true;
		}
		break;
	case '\b':
		if (ld->column)
			ld->column--;
		break;
	default:
		if (ld_is_control(c))
			break;
		if ((of & LINUX_OLCUC) && c >= 'a' && c <= 'z')
			c = (u8)(c - 'a' + 'A');
		if (!(ld_iflag(ld, LINUX_IUTF8) && (c & 0xC0) == 0x80))
			ld->column++;
	}
	ld_put_raw(ld, c);
	return true;
}

/* Echoes one input character; control characters as ^X with ECHOCTL. */
void ld_echo(struct ldisc *ld, u8 c)
{
	if (ld_lflag(ld, LINUX_ECHOCTL) && ld_is_control(c) && c != '\t' && c != '\n') {
		ld_put_processed(ld, '^');
		ld_put_processed(ld, CTRL_SHOWN(c));
		return;
	}
	ld_put_processed(ld, c);
}

void ld_echo_string(struct ldisc *ld, const char *s)
{
	while (*s)
		ld_put_processed(ld, (u8)*s++);
}

void ld_finish_erasing(struct ldisc *ld)
{
	if (ld->erasing) {
		ld_put_processed(ld, '/');
		ld->erasing = false;
	}
}

/* The column the cursor would have after showing the edited line up to `end`. */
static u32 column_at(struct ldisc *ld, u32 end)
{
	u32 col = ld->line_column;

	for (u32 i = ld->canon; i != end; i++) {
		u8 c = *ld_at(ld, i);

		if (c == '\t')
			col = (col | 7) + 1;
		else if (ld_is_control(c))
			col += ld_lflag(ld, LINUX_ECHOCTL) ? 2 : 0;
		else if (!(ld_iflag(ld, LINUX_IUTF8) && (c & 0xC0) == 0x80))
			col++;
	}
	return col;
}

void ld_echo_erase(struct ldisc *ld, u32 from)
{
	u32 width, before, after;

	if (ld_lflag(ld, LINUX_ECHOPRT)) {
		if (!ld->erasing) {
			ld_put_processed(ld, '\\');
			ld->erasing = true;
		}
		for (u32 i = from; i != ld->head; i++)
			ld_echo(ld, *ld_at(ld, i));
		return;
	}
	before = column_at(ld, ld->head);
	after = column_at(ld, from);
	width = before > after ? before - after : 0;
	if (*ld_at(ld, from) == '\t') { /* the blanks were never written over: only go back */
		while (width--)
			ld_put_processed(ld, '\b');
		return;
	}
	while (width--)
		ld_echo_string(ld, "\b \b");
}

size_t ldisc_output(struct ldisc *ld, const u8 *data, size_t size)
{
	size_t n = 0;

	if (ld->stopped)
		return 0;
	while (n < size && ld_put_processed(ld, data[n]))
		n++;
	/* what is typed next begins where this output ended */
	if (n && ld->head == ld->canon)
		ld->line_column = ld->column;
	return n;
}

bool ldisc_writable(const struct ldisc *ld)
{
	return !ld->stopped && out_room(ld) >= 256;
}

u32 ldisc_out_pending(const struct ldisc *ld)
{
	return ld->out_head - ld->out_tail;
}

size_t ldisc_take(struct ldisc *ld, u8 *dst, size_t size)
{
	size_t n = 0;

	while (n < size && ld->out_tail != ld->out_head)
		dst[n++] = ld->out[ld->out_tail++ % LDISC_OUT_SIZE];
	return n;
}

void ldisc_send_flow(struct ldisc *ld, bool start)
{
	u8 c = ld->tio.c_cc[start ? LINUX_VSTART : LINUX_VSTOP];

	if (c)
		ld_put_raw(ld, c);
}
