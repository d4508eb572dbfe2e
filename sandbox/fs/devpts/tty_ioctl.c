/*
 * tty_ioctl.c - ioctl_tty(2) on the slave side.
 */
#include <errno.h>

#include "sandbox/abi/poll.h"
#include "sandbox/abi/sched.h"
#include "sandbox/fs/devpts/tty.h"
#include "sandbox/kernel/task.h"

static s64 get_termios(struct tty *t, u64 arg, bool two)
{
	struct linux_termios2 t2 = {t->ld.tio, 38400, 38400};

	return copy_out(uaddr(arg), &t2, two ? sizeof(t2) : sizeof(t2.t));
}

/* What packet mode tells of a change of settings: whether VSTOP and VSTART are ^S and ^Q, and EXTPROC. */
static void tell_settings(struct tty *t, const struct linux_termios *old)
{
	const struct linux_termios *tio = &t->ld.tio;
	bool was =
	    (old->c_iflag & LINUX_IXON) && old->c_cc[LINUX_VSTOP] == 19 && old->c_cc[LINUX_VSTART] == 17;
	bool is =
	    (tio->c_iflag & LINUX_IXON) && tio->c_cc[LINUX_VSTOP] == 19 && tio->c_cc[LINUX_VSTART] == 17;

	if (was != is)
		tty_packet_status(t, is ? LINUX_TIOCPKT_DOSTOP : LINUX_TIOCPKT_NOSTOP,
				  is ? LINUX_TIOCPKT_NOSTOP : LINUX_TIOCPKT_DOSTOP);
	if ((old->c_lflag | tio->c_lflag) & LINUX_EXTPROC)
		tty_packet_status(t, LINUX_TIOCPKT_IOCTL, 0);
}

/* What is locked (TIOCSLCKTRMIOS) stays as it was. */
static void keep_locked(const struct tty *t, struct linux_termios *tio)
{
	const struct linux_termios *old = &t->ld.tio, *locked = &t->kept;

	tio->c_iflag = (old->c_iflag & locked->c_iflag) | (tio->c_iflag & ~locked->c_iflag);
	tio->c_oflag = (old->c_oflag & locked->c_oflag) | (tio->c_oflag & ~locked->c_oflag);
	tio->c_cflag = (old->c_cflag & locked->c_cflag) | (tio->c_cflag & ~locked->c_cflag);
	tio->c_lflag = (old->c_lflag & locked->c_lflag) | (tio->c_lflag & ~locked->c_lflag);
	for (u32 i = 0; i < LINUX_NCCS; i++)
		if (locked->c_cc[i])
			tio->c_cc[i] = old->c_cc[i];
}

static s64 set_locked(struct tty *t, u64 arg)
{
	struct linux_termios locked;

	if (!capable(LINUX_CAP_SYS_ADMIN))
		return -EPERM;
	if (copy_in(&locked, uaddr(arg), sizeof(locked)))
		return -EFAULT;
	t->kept = locked;
	return 0;
}

static s64 apply_termios(struct tty *t, struct linux_termios *tio, bool flush)
{
	struct linux_termios old = t->ld.tio;

	if (flush)
		ldisc_flush_input(&t->ld);
	keep_locked(t, tio);
	tio->c_line = 0;
	ldisc_set_termios(&t->ld, tio);
	tell_settings(t, &old);
	wake_up_all(&t->slave_wait, 0);
	return 0;
}

/* The W and F variants have nothing to wait for: what was written is with the master at once. F forgets what
 * was typed. */
static s64 set_termios(struct tty *t, u64 arg, bool two, bool flush)
{
	struct linux_termios2 t2;
	int err = tty_check_job_control(t, LINUX_SIGTTOU);

	if (!err && copy_in(&t2, uaddr(arg), two ? sizeof(t2) : sizeof(t2.t)))
		err = -EFAULT;
	return err ? err : apply_termios(t, &t2.t, flush);
}

/* ---- struct termio ---- */

static s64 get_termio(struct tty *t, u64 arg)
{
	const struct linux_termios *tio = &t->ld.tio;
	struct linux_termio old;

	memset(&old, 0, sizeof(old)); /* its last byte belongs to no field */
	old.c_iflag = (u16)tio->c_iflag;
	old.c_oflag = (u16)tio->c_oflag;
	old.c_cflag = (u16)tio->c_cflag;
	old.c_lflag = (u16)tio->c_lflag;
	old.c_line = tio->c_line;
	memcpy(old.c_cc, tio->c_cc, sizeof(old.c_cc));
	return copy_out(uaddr(arg), &old, sizeof(old));
}

static u32 low_half(u32 flags, u16 low)
{
	return (flags & 0xffff0000U) | low;
}

static s64 set_termio(struct tty *t, u64 arg, bool flush)
{
	struct linux_termios tio = t->ld.tio;
	struct linux_termio in;
	int err = tty_check_job_control(t, LINUX_SIGTTOU);

	if (!err && copy_in(&in, uaddr(arg), sizeof(in)))
		err = -EFAULT;
	if (err)
		return err;
	tio.c_iflag = low_half(tio.c_iflag, in.c_iflag);
	tio.c_oflag = low_half(tio.c_oflag, in.c_oflag);
	tio.c_cflag = low_half(tio.c_cflag, in.c_cflag);
	tio.c_lflag = low_half(tio.c_lflag, in.c_lflag);
	memcpy(tio.c_cc, in.c_cc, sizeof(in.c_cc));
	return apply_termios(t, &tio, flush);
}

static s64 flush_queues(struct tty *t, u64 which)
{
	int err = tty_check_job_control(t, LINUX_SIGTTOU);

	if (err)
		return err;
	if (which > LINUX_TCIOFLUSH)
		return -EINVAL;
	if (which != LINUX_TCOFLUSH) {
		ldisc_flush_input(&t->ld);
		wake_up(&t->master_wait, LINUX_POLLOUT);
	}
	if (which != LINUX_TCIFLUSH) /* there is never any */
		tty_packet_status(t, LINUX_TIOCPKT_FLUSHWRITE, 0);
	return 0;
}

static s64 flow(struct tty *t, u64 action)
{
	int err = tty_check_job_control(t, LINUX_SIGTTOU);

	if (err)
		return err;
	switch (action) {
	case LINUX_TCOOFF:
	case LINUX_TCOON:
		ldisc_set_stopped(&t->ld, action == LINUX_TCOOFF);
		break;
	case LINUX_TCIOFF:
	case LINUX_TCION:
		ldisc_send_flow(&t->ld, action == LINUX_TCION);
		wake_up(&t->master_wait, 0);
		break;
	default:
		return -EINVAL;
	}
	wake_up_all(&t->slave_wait, 0);
	return 0;
}

static s64 set_foreground(struct tty *t, u64 arg)
{
	struct thread_group *tg = current_task()->tg, *first;
	struct pid *pgrp;
	s32 nr;
	int err;

	if (tg->tty != t || tg->session != t->session)
		return -ENOTTY;
	err = tty_check_job_control(t, LINUX_SIGTTOU);
	if (err)
		return err == -EIO ? -ENOTTY : err;
	if (get_user(&nr, uaddr(arg)))
		return -EFAULT;
	if (nr < 0)
		return -EINVAL;
	pgrp = pid_find(current_task()->pid->links[current_task()->pid->level].ns, nr);
	if (!pgrp || list_empty(&pgrp->pgrp_members))
		return -ESRCH;
	first = list_first_entry(&pgrp->pgrp_members, struct thread_group, pgrp_node);
	if (first->session != tg->session)
		return -EPERM;
	pid_get(pgrp);
	if (t->pgrp)
		pid_put(t->pgrp);
	t->pgrp = pgrp;
	return 0;
}

static s64 put_s32(u64 arg, s32 v)
{
	return put_user(&v, uaddr(arg));
}

static s64 controlling(struct tty *t, u32 cmd, u64 arg)
{
	struct thread_group *tg = current_task()->tg;

	switch (cmd) {
	case LINUX_TIOCSCTTY:
		return tty_set_controlling(t, tg, arg == 1 && capable(LINUX_CAP_SYS_ADMIN));
	case LINUX_TIOCNOTTY:
		if (tg->tty != t)
			return -ENOTTY;
		tty_disassociate(tg, false);
		return 0;
	case LINUX_TIOCSPGRP:
		return set_foreground(t, arg);
	case LINUX_TIOCGPGRP:
		if (tg->tty != t)
			return -ENOTTY;
		return put_s32(arg, t->pgrp ? pid_vnr(t->pgrp) : 0);
	default: /* TIOCGSID */
		if (tg->tty != t || !t->session)
			return -ENOTTY;
		return put_s32(arg, pid_vnr(t->session));
	}
}

static s64 set_winsize(struct tty *t, u64 arg)
{
	struct linux_winsize ws;

	if (get_user(&ws, uaddr(arg)))
		return -EFAULT;
	if (t->winsize.ws_xpixel != ws.ws_xpixel || t->winsize.ws_ypixel != ws.ws_ypixel)
		t->winsize.ws_col = (u16)~ws.ws_col; /* a change of pixels alone is one, too */
	t->winsize.ws_xpixel = ws.ws_xpixel;
	t->winsize.ws_ypixel = ws.ws_ypixel;
	pty_resize(t, ws.ws_col, ws.ws_row);
	return 0;
}

/* Types a byte for others: only with CAP_SYS_ADMIN, as with dev.tty.legacy_tiocsti = 0. */
static s64 simulate_typing(struct tty *t, u64 arg)
{
	u8 c;

	if (!capable(LINUX_CAP_SYS_ADMIN))
		return -EIO;
	if (get_user(&c, uaddr(arg)))
		return -EFAULT;
	(void)pty_master_write(t, &c, 1);
	return 0;
}

static s64 send_break(struct tty *t)
{
	return tty_check_job_control(t, LINUX_SIGTTOU); /* a pty has no line to break, and nothing to drain */
}

s64 tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct tty *t = f->private;

	if (t->master_closed)
		return cmd == LINUX_TIOCSPGRP ? -ENOTTY : -EIO;
	return tty_ioctl_tty(t, cmd, arg);
}

s64 tty_ioctl_tty(struct tty *t, u32 cmd, u64 arg)
{
	switch (cmd) {
	case LINUX_TCGETS:
	case LINUX_TCGETS2:
		return get_termios(t, arg, cmd == LINUX_TCGETS2);
	case LINUX_TCSETS:
	case LINUX_TCSETSW:
	case LINUX_TCSETSF:
		return set_termios(t, arg, false, cmd == LINUX_TCSETSF);
	case LINUX_TCSETS2:
	case LINUX_TCSETSW2:
	case LINUX_TCSETSF2:
		return set_termios(t, arg, true, cmd == LINUX_TCSETSF2);
	case LINUX_TIOCGLCKTRMIOS:
		return put_user(&t->kept, uaddr(arg));
	case LINUX_TIOCSLCKTRMIOS:
		return set_locked(t, arg);
	case LINUX_TCGETA:
		return get_termio(t, arg);
	case LINUX_TCSETA:
	case LINUX_TCSETAW:
	case LINUX_TCSETAF:
		return set_termio(t, arg, cmd == LINUX_TCSETAF);
	case LINUX_TIOCGWINSZ:
		return put_user(&t->winsize, uaddr(arg));
	case LINUX_TIOCSWINSZ:
		return set_winsize(t, arg);
	case LINUX_TIOCSCTTY:
	case LINUX_TIOCNOTTY:
	case LINUX_TIOCSPGRP:
	case LINUX_TIOCGPGRP:
	case LINUX_TIOCGSID:
		return controlling(t, cmd, arg);
	case LINUX_TCFLSH:
		return flush_queues(t, arg);
	case LINUX_TCXONC:
		return flow(t, arg);
	case LINUX_TCSBRK:
	case LINUX_TCSBRKP:
		return send_break(t);
	case LINUX_TIOCOUTQ:
		return put_s32(arg, 0); /* all of it is with the master */
	case LINUX_FIONREAD:
		return put_s32(arg, (s32)ldisc_pending(&t->ld));
	case LINUX_TIOCSTI:
		return simulate_typing(t, arg);
	case LINUX_TIOCEXCL:
	case LINUX_TIOCNXCL:
		t->exclusive = cmd == LINUX_TIOCEXCL;
		return 0;
	case LINUX_TIOCGEXCL:
		return put_s32(arg, t->exclusive);
	case LINUX_TIOCGETD:
		return put_s32(arg, 0);
	default:
		return -ENOTTY;
	}
}
