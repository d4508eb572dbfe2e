/*
 * tty.h - pseudo terminals, controlling terminals and job control: pty(7), ioctl_tty(2), credentials(7).
 *
 * A `struct tty` is one pair: a line discipline between a master side (the screen and keyboard: a kernel
 * coroutine of control/, or a file opened from ptmx) and a slave side (files of guest processes). It is
 * counted: each open file, the kernel's master and each thread group whose controlling terminal it is hold
 * one reference. tg->tty of a new process: tty_get of its parent's.
 */
#ifndef WARREN_FS_DEVPTS_TTY_H
#define WARREN_FS_DEVPTS_TTY_H

#include "sandbox/base/object.h"
#include "sandbox/fs/devpts/ldisc.h"
#include "sandbox/kernel/pid.h"
#include "sandbox/vfs/vfs.h"

struct thread_group;

struct tty {
	struct object obj;
	struct ldisc ld;
	u32 index;
	struct linux_winsize winsize;
	struct linux_termios kept;     /* TIOCSLCKTRMIOS: bits that stay as they are */
	struct wait_queue slave_wait;  /* readers and writers on the slave side */
	struct wait_queue master_wait; /* and on the master's */
	struct pid *session, *pgrp;    /* counted; NULL: controls nobody */
	u32 slave_files;
	bool slave_opened;  /* ever: before that, the master does not see a hang-up */
	bool master_closed; /* slave: reads end, writes are EIO */
	bool exclusive, locked;
	bool packet;         /* TIOCPKT: what the master reads begins with a status byte */
	u8 packet_status;    /* LINUX_TIOCPKT_*, not yet read */
	struct dentry *name; /* counted; of a pair that devpts_open_pair made */
};

static inline struct tty *tty_get(struct tty *t)
{
	if (t)
		object_get(&t->obj);
	return t;
}
static inline void tty_put(struct tty *t)
{
	if (t)
		object_put(&t->obj);
}

/* A tty without files; one reference, the master's. NULL without memory. */
struct tty *tty_new(u16 cols, u16 rows) must_check;
/* A new pair: the tty, whose one reference is the kernel's master side, and a slave file for fd 0, 1 and 2.
 */
int pty_open_pair(u16 cols, u16 rows, struct tty **master, struct file **slave) must_check;
/* Keyboard input; bytes taken, 0 when the slave's input is full: wait on master_wait for POLLOUT. */
size_t pty_master_write(struct tty *t, const void *data, size_t size);
/* Screen output; 0 when there is none: wait on master_wait for POLLIN. */
size_t pty_master_read(struct tty *t, void *buf, size_t size);
/* LINUX_POLL*; POLLHUP once all slaves are closed and the output has been read. */
u32 pty_master_poll(struct tty *t);
/* SIGWINCH to the foreground group if the size changed. */
void pty_resize(struct tty *t, u16 cols, u16 rows);
/* Closes the master side: hang-up for the slave. Drops the caller's reference. */
void pty_master_close(struct tty *t);

/* Packet mode: the master is to hear of `status`, which takes `cancels` back. */
void tty_packet_status(struct tty *t, u8 status, u8 cancels);
/* Makes it the controlling terminal of the session led by tg. -EPERM (not a leader, has one, or the tty has
 * another session; `steal` takes it from that). */
int tty_set_controlling(struct tty *t, struct thread_group *tg, bool steal) must_check;
/* The session's processes lose it, without a signal. */
void tty_clear_session(struct tty *t);
/* Gives the tty to a session (spawn: the new process is its leader); any session before loses it. */
void tty_set_session(struct tty *t, struct pid *session, struct pid *pgrp);
/* setsid(2), TIOCNOTTY, exit: tg gives up its terminal. A session leader's whole session does, and the
 * foreground group gets SIGHUP, and SIGCONT unless it was at exit. */
void tty_disassociate(struct thread_group *tg, bool at_exit);
/* May the current task read (sig = SIGTTIN) or change (SIGTTOU) it? 0, -EIO, -ERESTARTSYS. */
int tty_check_job_control(struct tty *t, int sig) must_check;

/* ioctl on the slave side (tty_ioctl.c). */
s64 tty_ioctl(struct file *f, u32 cmd, u64 arg);
/* The same without a file: what a master shares with it. */
s64 tty_ioctl_tty(struct tty *t, u32 cmd, u64 arg);

#endif
