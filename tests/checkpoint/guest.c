/* guest.c - see guest.h. usage: guest SITUATION */
#include "guest.h"

#include <time.h>

void say(const char *text)
{
	size_t len = strlen(text);

	if (write(1, text, len) != (ssize_t)len)
		_exit(3);
}

void die(const char *what, int line)
{
	char text[400];

	snprintf(text, sizeof(text), "FAIL line %d: %s (errno %d)\n", line, what, errno);
	say(text);
	_exit(1);
}

void await_go(void)
{
	char c = 0;
	ssize_t n;

	while (c != '\n') {
		n = read(0, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		CHECK(n == 1);
	}
}

void pause_here(void)
{
	say("ready\n");
	await_go();
}

int64_t now_ms(int clock)
{
	struct timespec ts;

	CHECK(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	static const struct situation *const all[] = {cpu_situations,    wait_situations, time_situations,
						      memory_situations, file_situations, process_situations,
						      net_situations};

	for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(*all); i++)
		for (const struct situation *s = all[i]; s->name; s++)
			if (!strcmp(s->name, argv[1])) {
				s->run();
				say("ok\n");
				return 0;
			}
	say("no such situation\n");
	return 2;
}
