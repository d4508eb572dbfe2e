/*
 * abi/termios.h - terminal settings and tty ioctls as x86-64 guests see them: termios(3), ioctl_tty(2).
 */
#ifndef WARREN_ABI_TERMIOS_H
#define WARREN_ABI_TERMIOS_H

#include "sandbox/base/types.h"

#define LINUX_NCCS 19

enum { /* indices into c_cc */
       LINUX_VINTR,
       LINUX_VQUIT,
       LINUX_VERASE,
       LINUX_VKILL,
       LINUX_VEOF,
       LINUX_VTIME,
       LINUX_VMIN,
       LINUX_VSWTC,
       LINUX_VSTART,
       LINUX_VSTOP,
       LINUX_VSUSP,
       LINUX_VEOL,
       LINUX_VREPRINT,
       LINUX_VDISCARD,
       LINUX_VWERASE,
       LINUX_VLNEXT,
       LINUX_VEOL2
};

/* c_iflag */
#define LINUX_ISTRIP  0000040U
#define LINUX_INLCR   0000100U
#define LINUX_IGNCR   0000200U
#define LINUX_ICRNL   0000400U
#define LINUX_IUCLC   0001000U
#define LINUX_IXON    0002000U
#define LINUX_IXANY   0004000U
#define LINUX_IXOFF   0010000U
#define LINUX_IMAXBEL 0020000U
#define LINUX_IUTF8   0040000U
/* c_oflag */
#define LINUX_OPOST  0000001U
#define LINUX_OLCUC  0000002U
#define LINUX_ONLCR  0000004U
#define LINUX_OCRNL  0000010U
#define LINUX_ONOCR  0000020U
#define LINUX_ONLRET 0000040U
#define LINUX_TABDLY 0014000U
#define LINUX_XTABS  0014000U
/* c_cflag */
#define LINUX_B38400 0000017U
#define LINUX_CS8    0000060U
#define LINUX_CREAD  0000200U
/* c_lflag */
#define LINUX_ISIG    0000001U
#define LINUX_ICANON  0000002U
#define LINUX_ECHO    0000010U
#define LINUX_ECHOE   0000020U
#define LINUX_ECHOK   0000040U
#define LINUX_ECHONL  0000100U
#define LINUX_NOFLSH  0000200U
#define LINUX_TOSTOP  0000400U
#define LINUX_ECHOCTL 0001000U
#define LINUX_ECHOPRT 0002000U
#define LINUX_ECHOKE  0004000U
#define LINUX_IEXTEN  0100000U
#define LINUX_EXTPROC 0200000U

struct linux_termios {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[LINUX_NCCS];
};
static_assert(sizeof(struct linux_termios) == 36, "struct termios of the kernel");

struct linux_termios2 {
	struct linux_termios t;
	u32 c_ispeed, c_ospeed;
};
static_assert(sizeof(struct linux_termios2) == 44, "struct termios2");

struct linux_termio { /* of System V: the low halves of the flags */
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[8];
};
static_assert(sizeof(struct linux_termio) == 18, "struct termio");

struct linux_winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};
static_assert(sizeof(struct linux_winsize) == 8, "struct winsize");

#define LINUX_TCGETS             0x5401U
#define LINUX_TCSETS             0x5402U
#define LINUX_TCSETSW            0x5403U
#define LINUX_TCSETSF            0x5404U
#define LINUX_TCGETA             0x5405U
#define LINUX_TCSETA             0x5406U
#define LINUX_TCSETAW            0x5407U
#define LINUX_TCSETAF            0x5408U
#define LINUX_TCSBRK             0x5409U
#define LINUX_TCXONC             0x540AU
#define LINUX_TCFLSH             0x540BU
#define LINUX_TIOCEXCL           0x540CU
#define LINUX_TIOCNXCL           0x540DU
#define LINUX_TIOCSCTTY          0x540EU
#define LINUX_TIOCGPGRP          0x540FU
#define LINUX_TIOCSPGRP          0x5410U
#define LINUX_TIOCOUTQ           0x5411U
#define LINUX_TIOCSTI            0x5412U
#define LINUX_TIOCGWINSZ         0x5413U
#define LINUX_TIOCSWINSZ         0x5414U
#define LINUX_FIONREAD           0x541BU
#define LINUX_TIOCPKT            0x5420U
#define LINUX_FIONBIO            0x5421U
#define LINUX_TIOCNOTTY          0x5422U
#define LINUX_TIOCGETD           0x5424U
#define LINUX_TCSBRKP            0x5425U
#define LINUX_TIOCGSID           0x5429U
#define LINUX_TIOCGLCKTRMIOS     0x5456U
#define LINUX_TIOCSLCKTRMIOS     0x5457U
#define LINUX_TCGETS2            0x802C542AU
#define LINUX_TCSETS2            0x402C542BU
#define LINUX_TCSETSW2           0x402C542CU
#define LINUX_TCSETSF2           0x402C542DU
#define LINUX_TIOCGPTN           0x80045430U
#define LINUX_TIOCSPTLCK         0x40045431U
#define LINUX_TIOCGPTLCK         0x80045439U
#define LINUX_TIOCGPKT           0x80045438U
#define LINUX_TIOCGEXCL          0x80045440U
#define LINUX_TIOCGPTPEER        0x5441U

#define LINUX_TIOCPKT_FLUSHREAD  1
#define LINUX_TIOCPKT_FLUSHWRITE 2
#define LINUX_TIOCPKT_STOP       4
#define LINUX_TIOCPKT_START      8
#define LINUX_TIOCPKT_NOSTOP     16
#define LINUX_TIOCPKT_DOSTOP     32
#define LINUX_TIOCPKT_IOCTL      64

#define LINUX_TCIFLUSH           0
#define LINUX_TCOFLUSH           1
#define LINUX_TCIOFLUSH          2
#define LINUX_TCOOFF             0
#define LINUX_TCOON              1
#define LINUX_TCIOFF             2
#define LINUX_TCION              3

#endif
