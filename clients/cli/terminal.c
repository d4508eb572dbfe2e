/* terminal.c: our own terminal in raw mode, and giving it back. One terminal a process: its saved state is
 * static. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "clients/cli/cli.h"

static struct termios g_saved;
static int g_raw_fd = -1;

bool terminal_raw(int fd)
{
	struct termios raw;

	if (g_raw_fd < 0) {
		if (tcgetattr(fd, &g_saved) != 0)
			return false;
		atexit(terminal_restore);
	}
	raw = g_saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) != 0)
		return false;
	g_raw_fd = fd;
	return true;
}

void terminal_restore(void)
{
	if (g_raw_fd >= 0)
		tcsetattr(g_raw_fd, TCSADRAIN, &g_saved);
	g_raw_fd = -1;
}

bool terminal_is_raw(void)
{
	return g_raw_fd >= 0;
}

void terminal_size(unsigned int *columns, unsigned int *rows)
{
	struct winsize size = {0};

	*columns = 80;
	*rows = 24;
	if ((ioctl(0, TIOCGWINSZ, &size) == 0 || ioctl(1, TIOCGWINSZ, &size) == 0) && size.ws_col &&
	    size.ws_row) {
		*columns = size.ws_col;
		*rows = size.ws_row;
	}
}
