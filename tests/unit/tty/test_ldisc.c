/*
 * test_ldisc.c - the line discipline, table driven: settings, what is typed, what a read gives, what is seen.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "sandbox/abi/signal.h"
#include "sandbox/fs/devpts/ldisc.h"

static int last_signal;

static void note_signal(struct ldisc *ld, int sig)
{
	last_signal = sig;
}

struct ldisc_case {
	const char *name;
	u32 iset, iclr, oset, oclr, lset, lclr;
	const char *typed;  /* from the keyboard */
	const char *read;   /* what one read of 100 gives; NULL: -EAGAIN */
	const char *screen; /* what the master sees */
	int signal;
	int cc, cc_value; /* a special character to set, when cc_value is not 0 */
};

#define I(s, c)  .iset = (s), .iclr = (c)
#define O(s, c)  .oset = (s), .oclr = (c)
#define L(s, c)  .lset = (s), .lclr = (c)
#define CC(i, v) .cc = (i), .cc_value = (v)
#define QUIET    LINUX_ECHO
#define RAW      (LINUX_ICANON | LINUX_ECHO | LINUX_ISIG | LINUX_IEXTEN)

static const struct ldisc_case cases[] = {
    {"line", .typed = "abc\n", .read = "abc\n", .screen = "abc\r\n"},
    {"unfinished line", .typed = "abc", .read = NULL, .screen = "abc"},
    {"two lines: one read, one line", .typed = "a\nb\n", .read = "a\n", .screen = "a\r\nb\r\n"},
    {"cr becomes nl", .typed = "x\r", .read = "x\n", .screen = "x\r\n"},
    {"cr kept without ICRNL", I(0, LINUX_ICRNL), .typed = "x\r\n", .read = "x\r\n", .screen = "x^M\r\n"},
    {"IGNCR", I(LINUX_IGNCR, 0), .typed = "x\ry\n", .read = "xy\n", .screen = "xy\r\n"},
    {"IGNCR before ICRNL", I(LINUX_IGNCR | LINUX_ICRNL, 0), .typed = "\rz\n", .read = "z\n",
     .screen = "z\r\n"},
    {"INLCR", I(LINUX_INLCR, LINUX_ICRNL), .typed = "a\n", .read = NULL, .screen = "a^M"},
    {"ISTRIP", I(LINUX_ISTRIP, 0), .typed = "\xe1\n", .read = "a\n", .screen = "a\r\n"},
    {"IUCLC", I(LINUX_IUCLC, 0), .typed = "AbC\n", .read = "abc\n", .screen = "abc\r\n"},
    {"IUCLC wants IEXTEN", I(LINUX_IUCLC, 0), L(0, LINUX_IEXTEN), .typed = "AB\n", .read = "AB\n",
     .screen = "AB\r\n"},
    {"no echo", L(0, QUIET), .typed = "pw\n", .read = "pw\n", .screen = ""},
    {"ECHONL", L(LINUX_ECHONL, QUIET), .typed = "pw\n", .read = "pw\n", .screen = "\r\n"},
    {"erase",
     .typed = "ab\x7f"
	      "c\n",
     .read = "ac\n", .screen = "ab\b \bc\r\n"},
    {"erase on empty line",
     .typed = "\x7f"
	      "a\n",
     .read = "a\n", .screen = "a\r\n"},
    {"erase does not reach the line before",
     .typed = "a\n\x7f\x7f"
	      "b\n",
     .read = "a\n", .screen = "a\r\nb\r\n"},
    {"erase without ECHOE echoes itself", L(0, LINUX_ECHOE), .typed = "ab\x7f\n", .read = "a\n",
     .screen = "ab^?\r\n"},
    {"erase a control character", .typed = "a\x01\x7f\n", .read = "a\n", .screen = "a^A\b \b\b \b\r\n"},
    {"erase without echo", L(0, QUIET), .typed = "ab\x7f\n", .read = "a\n", .screen = ""},
    {"erase a tab", .typed = "a\t\x7f\n", .read = "a\n", .screen = "a\t\b\b\b\b\b\b\b\r\n"},
    {"ECHOPRT", L(LINUX_ECHOPRT, 0),
     .typed = "ab\x7f\x7f"
	      "c\n",
     .read = "c\n", .screen = "ab\\ba/c\r\n"},
    {"ECHOPRT, rest of line", L(LINUX_ECHOPRT, 0),
     .typed = "ab\x7f"
	      "c\n",
     .read = "ac\n", .screen = "ab\\b/c\r\n"},
    {"utf-8 erase", I(LINUX_IUTF8, 0), .typed = "a\xc3\xa9\x7f\n", .read = "a\n",
     .screen = "a\xc3\xa9\b \b\r\n"},
    {"bytes without IUTF8", .typed = "\xc3\xa9\x7f\n", .read = "\xc3\n", .screen = "\xc3\xa9\b \b\r\n"},
    {"erase character changed", CC(LINUX_VERASE, '#'), .typed = "ab#\n", .read = "a\n",
     .screen = "ab\b \b\r\n"},
    {"kill with ECHOKE",
     .typed = "abc\x15"
	      "d\n",
     .read = "d\n", .screen = "abc\b \b\b \b\b \bd\r\n"},
    {"kill without ECHOKE", L(0, LINUX_ECHOKE),
     .typed = "ab\x15"
	      "d\n",
     .read = "d\n", .screen = "ab^U\r\nd\r\n"},
    {"kill without ECHOK", L(0, LINUX_ECHOK | LINUX_ECHOKE),
     .typed = "ab\x15"
	      "d\n",
     .read = "d\n", .screen = "ab^Ud\r\n"},
    {"kill without echo", L(0, QUIET),
     .typed = "ab\x15"
	      "d\n",
     .read = "d\n", .screen = ""},
    {"word erase", .typed = "ab cd\x17x\n", .read = "ab x\n", .screen = "ab cd\b \b\b \bx\r\n"},
    {"word erase takes the blanks behind", .typed = "ab  \x17x\n", .read = "x\n",
     .screen = "ab  \b \b\b \b\b \b\b \bx\r\n"},
    {"word erase wants IEXTEN", L(0, LINUX_IEXTEN), .typed = "a\x17\n", .read = "a\x17\n",
     .screen = "a^W\r\n"},
    {"reprint", .typed = "ab\x12\n", .read = "ab\n", .screen = "ab^R\r\nab\r\n"},
    {"reprint without echo is data", L(0, QUIET), .typed = "a\x12\n", .read = "a\x12\n", .screen = ""},
    {"literal next: erase", .typed = "a\x16\x7f\n", .read = "a\x7f\n", .screen = "a^\b^?\r\n"},
    {"literal next: interrupt", .typed = "\x16\x03\n", .read = "\x03\n", .screen = "^\b^C\r\n"},
    {"literal next: eof", .typed = "\x16\x04\n", .read = "\x04\n", .screen = "^\b^D\r\n"},
    {"literal next: cr stays", .typed = "\x16\r\n", .read = "\r\n", .screen = "^\b^M\r\n"},
    {"literal next wants IEXTEN", L(0, LINUX_IEXTEN), .typed = "\x16z\n", .read = "\x16z\n",
     .screen = "^Vz\r\n"},
    {"eof alone", .typed = "\x04", .read = "", .screen = ""},
    {"eof ends a line", .typed = "ab\x04", .read = "ab", .screen = "ab"},
    {"eof then text", .typed = "\x04zz\n", .read = "", .screen = "zz\r\n"},
    {"VEOL", CC(LINUX_VEOL, ';'), .typed = "a;b", .read = "a;", .screen = "a;b"},
    {"VEOL2", CC(LINUX_VEOL2, '!'), .typed = "a!b", .read = "a!", .screen = "a!b"},
    {"VEOL2 wants IEXTEN", CC(LINUX_VEOL2, '!'), L(0, LINUX_IEXTEN), .typed = "a!", .read = NULL,
     .screen = "a!"},
    {"INTR", .typed = "ab\x03", .read = NULL, .screen = "ab^C", .signal = LINUX_SIGINT},
    {"QUIT", .typed = "\x1c", .read = NULL, .screen = "^\\", .signal = LINUX_SIGQUIT},
    {"SUSP", .typed = "\x1a", .read = NULL, .screen = "^Z", .signal = LINUX_SIGTSTP},
    {"INTR flushes lines", .typed = "ab\n\x03", .read = NULL, .screen = "ab\r\n^C", .signal = LINUX_SIGINT},
    {"NOFLSH keeps them", L(LINUX_NOFLSH, 0), .typed = "ab\n\x03", .read = "ab\n", .screen = "ab\r\n^C",
     .signal = LINUX_SIGINT},
    {"no ISIG: data", L(0, LINUX_ISIG), .typed = "\x03\n", .read = "\x03\n", .screen = "^C\r\n"},
    {"INTR without echo", L(0, QUIET), .typed = "\x03", .read = NULL, .screen = "", .signal = LINUX_SIGINT},
    {"INTR changed", CC(LINUX_VINTR, 'q'), .typed = "\x03q", .read = NULL, .screen = "^Cq",
     .signal = LINUX_SIGINT},
    {"no ECHOCTL", L(0, LINUX_ECHOCTL), .typed = "\x01\n", .read = "\x01\n", .screen = "\x01\r\n"},
    {"tab is not shown as ^I", .typed = "\t\n", .read = "\t\n", .screen = "\t\r\n"},
    {"xtabs in echo", O(LINUX_XTABS, 0), .typed = "a\tb\n", .read = "a\tb\n", .screen = "a       b\r\n"},
    {"no OPOST: bare nl", O(0, LINUX_OPOST), .typed = "a\n", .read = "a\n", .screen = "a\n"},
    {"no ONLCR", O(0, LINUX_ONLCR), .typed = "a\n", .read = "a\n", .screen = "a\n"},
    {"OLCUC", O(LINUX_OLCUC, 0), .typed = "ab\n", .read = "ab\n", .screen = "AB\r\n"},
    {"raw: bytes at once", I(0, LINUX_ICRNL | LINUX_IXON), L(0, RAW), .typed = "a\r\x03\x04",
     .read = "a\r\x03\x04", .screen = ""},
    {"raw with echo", L(LINUX_ECHO, RAW & ~LINUX_ECHO), .typed = "ab", .read = "ab", .screen = "ab"},
    {"cbreak keeps signals", L(0, LINUX_ICANON), .typed = "a\x03", .read = NULL, .screen = "a^C",
     .signal = LINUX_SIGINT},
    {"raw: no erase", L(0, LINUX_ICANON | LINUX_ECHO), .typed = "a\x7f", .read = "a\x7f", .screen = ""},
    {"VSTOP is eaten", .typed = "a\x13\n", .read = "a\n", .screen = "a\r\n"},
    {"no IXON: data", I(0, LINUX_IXON), .typed = "\x13\n", .read = "\x13\n", .screen = "^S\r\n"},
};

static void run_case(const struct ldisc_case *c)
{
	struct ldisc *ld = malloc(sizeof(*ld));
	u8 got[100], seen[200];
	struct linux_termios t;
	s64 n;

	ldisc_init(ld);
	ld->signal = note_signal;
	t = ld->tio;
	t.c_iflag = (t.c_iflag | c->iset) & ~c->iclr;
	t.c_oflag = (t.c_oflag | c->oset) & ~c->oclr;
	t.c_lflag = (t.c_lflag & ~c->lclr) | c->lset;
	if (c->cc_value)
		t.c_cc[c->cc] = (u8)c->cc_value;
	ldisc_set_termios(ld, &t);
	last_signal = 0;
	ck_assert_uint_eq(ldisc_input(ld, (const u8 *)c->typed, strlen(c->typed)), strlen(c->typed));
	n = ldisc_read(ld, got, sizeof(got));
	if (!c->read)
		ck_assert_msg(n == -EAGAIN, "%s: read gave %d, not EAGAIN", c->name, (int)n);
	else
		ck_assert_msg(n == (s64)strlen(c->read) && !memcmp(got, c->read, (size_t)n),
			      "%s: read gave %d bytes \"%.*s\"", c->name, (int)n, n > 0 ? (int)n : 0, got);
	n = (s64)ldisc_take(ld, seen, sizeof(seen));
	ck_assert_msg(n == (s64)strlen(c->screen) && !memcmp(seen, c->screen, (size_t)n),
		      "%s: screen shows %d bytes \"%.*s\"", c->name, (int)n, (int)n, seen);
	ck_assert_msg(last_signal == c->signal, "%s: signal %d", c->name, last_signal);
	free(ld);
}

START_TEST(table)
{
	run_case(&cases[_i]);
}
END_TEST

/* One ldisc with default settings, freed by the caller. */
static struct ldisc *fresh(void)
{
	struct ldisc *ld = malloc(sizeof(*ld));

	ldisc_init(ld);
	return ld;
}

START_TEST(flow_control)
{
	struct ldisc *ld = fresh();

	ldisc_input(ld, (const u8 *)"\x13", 1);
	ck_assert_uint_eq(ldisc_output(ld, (const u8 *)"x", 1), 0);
	ck_assert(!ldisc_writable(ld));
	ldisc_input(ld, (const u8 *)"q", 1); /* without IXANY only VSTART helps */
	ck_assert_uint_eq(ldisc_output(ld, (const u8 *)"x", 1), 0);
	ldisc_input(ld, (const u8 *)"\x11", 1);
	ck_assert_uint_eq(ldisc_output(ld, (const u8 *)"x", 1), 1);
	ld->tio.c_iflag |= LINUX_IXANY;
	ldisc_input(ld, (const u8 *)"\x13q", 2);
	ck_assert_uint_eq(ldisc_output(ld, (const u8 *)"x", 1), 1);
	free(ld);
}
END_TEST

START_TEST(long_line)
{
	struct ldisc *ld = fresh();
	u8 buf[5000];

	ld->tio.c_lflag &= ~LINUX_ECHO;
	memset(buf, 'a', sizeof(buf));
	ck_assert_uint_eq(ldisc_input(ld, buf, sizeof(buf)), sizeof(buf)); /* the excess is dropped */
	ck_assert_int_eq(ldisc_read(ld, buf, sizeof(buf)), -EAGAIN);
	ldisc_input(ld, (const u8 *)"\n", 1);
	ck_assert_int_eq(ldisc_read(ld, buf, sizeof(buf)), 4096);
	ck_assert_int_eq(buf[4095], '\n');
	free(ld);
}
END_TEST

START_TEST(raw_ring_full)
{
	struct ldisc *ld = fresh();
	u8 buf[5000] = {0};

	ld->tio.c_lflag = 0;
	ld->tio.c_iflag = 0;
	ck_assert_uint_eq(ldisc_input(ld, buf, sizeof(buf)), 4095);
	ck_assert(ldisc_readable(ld, 4095));
	ck_assert(!ldisc_readable(ld, 4096));
	ck_assert_int_eq(ldisc_read(ld, buf, 95), 95);
	ck_assert_uint_eq(ldisc_input(ld, buf, sizeof(buf)), 95);
	free(ld);
}
END_TEST

START_TEST(short_reads)
{
	struct ldisc *ld = fresh();
	u8 buf[8];

	ldisc_input(ld, (const u8 *)"abcd\nab\x04\x04", 9);
	ck_assert_int_eq(ldisc_read(ld, buf, 2), 2);
	ck_assert_int_eq(ldisc_read(ld, buf, 8), 3);
	ck_assert_int_eq(ldisc_read(ld, buf, 2), 2); /* the EOF behind it is used up with it */
	ck_assert_int_eq(ldisc_read(ld, buf, 8), 0);
	ck_assert_int_eq(ldisc_read(ld, buf, 8), -EAGAIN);
	free(ld);
}
END_TEST

START_TEST(mode_change)
{
	struct ldisc *ld = fresh();
	struct linux_termios t = ld->tio;
	u8 buf[8];

	ldisc_input(ld, (const u8 *)"abc", 3);
	t.c_lflag &= ~LINUX_ICANON;
	ldisc_set_termios(ld, &t);
	ck_assert(ldisc_readable(ld, 3));
	t.c_lflag |= LINUX_ICANON;
	ldisc_set_termios(ld, &t);
	ck_assert_int_eq(ldisc_read(ld, buf, 8), 3);
	free(ld);
}
END_TEST

START_TEST(output_columns)
{
	static const struct {
		u32 oflag;
		const char *in, *out;
	} o[] = {
	    {LINUX_OPOST | LINUX_ONLCR, "a\nb", "a\r\nb"},
	    {LINUX_OPOST | LINUX_OCRNL, "a\rb", "a\nb"},
	    {LINUX_OPOST | LINUX_ONOCR, "\ra\rb", "a\rb"},
	    {LINUX_OPOST | LINUX_XTABS, "ab\tc\t", "ab      c       "},
	    {LINUX_OPOST | LINUX_XTABS, "abc\b\b\tx", "abc\b\b       x"},
	    {LINUX_OPOST | LINUX_ONLRET | LINUX_XTABS, "abc\n\tx", "abc\n        x"},
	    {LINUX_OPOST | LINUX_XTABS, "abc\n\tx", "abc\n     x"},
	    {LINUX_OPOST | LINUX_ONLRET | LINUX_ONOCR, "a\n\r", "a\n"},
	    {0, "a\n\t\r", "a\n\t\r"},
	};

	for (size_t i = 0; i < ARRAY_COUNT(o); i++) {
		struct ldisc *ld = fresh();
		u8 seen[64];
		size_t n;

		ld->tio.c_oflag = o[i].oflag;
		ldisc_output(ld, (const u8 *)o[i].in, strlen(o[i].in));
		n = ldisc_take(ld, seen, sizeof(seen));
		ck_assert_msg(n == strlen(o[i].out) && !memcmp(seen, o[i].out, n), "output %zu: \"%.*s\"", i,
			      (int)n, seen);
		free(ld);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ldisc");
	TCase *tc = tcase_create("all");
	SRunner *r;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, table, 0, (int)ARRAY_COUNT(cases));
	tcase_add_test(tc, flow_control);
	tcase_add_test(tc, long_line);
	tcase_add_test(tc, raw_ring_full);
	tcase_add_test(tc, short_reads);
	tcase_add_test(tc, mode_change);
	tcase_add_test(tc, output_columns);
	suite_add_tcase(s, tc);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
