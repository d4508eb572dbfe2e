/* ldisc_priv.h - shared by ldisc.c (input) and ldisc_out.c (output and echo). */
#ifndef WARREN_FS_DEVPTS_LDISC_PRIV_H
#define WARREN_FS_DEVPTS_LDISC_PRIV_H

#include "sandbox/fs/devpts/ldisc.h"

#define CTRL_SHOWN(c) ((u8)((c) ^ 0100))

static inline bool ld_lflag(const struct ldisc *ld, u32 f)
{
	return ld->tio.c_lflag & f;
}
static inline bool ld_iflag(const struct ldisc *ld, u32 f)
{
	return ld->tio.c_iflag & f;
}
/* With EXTPROC the other side edits: to us it is raw. */
static inline bool ld_canonical(const struct ldisc *ld)
{
	return (ld->tio.c_lflag & (LINUX_ICANON | LINUX_EXTPROC)) == LINUX_ICANON;
}
static inline u8 *ld_at(struct ldisc *ld, u32 i)
{
	return &ld->in[i % LDISC_IN_SIZE];
}
static inline bool ld_is_control(u8 c)
{
	return c < 32 || c == 127;
}

void ld_put_raw(struct ldisc *ld, u8 c);
/* One byte through output processing; false when there is no room for it. */
bool ld_put_processed(struct ldisc *ld, u8 c);
void ld_echo(struct ldisc *ld, u8 c);
/* Shows that the last character (bytes at [from, head)) goes away. */
void ld_echo_erase(struct ldisc *ld, u32 from);
void ld_finish_erasing(struct ldisc *ld);
void ld_echo_string(struct ldisc *ld, const char *s);

#endif
