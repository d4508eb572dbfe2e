/* hello.c - a static glibc program for test_loader: says what it was given. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) || getauxval(AT_PAGESZ) != 4096)
		return 1;
	printf("hello %d %s %s %s\n", argc, argv[1], getenv("WHO"), malloc(300000) ? "heap" : "none");
	fflush(stdout);
	return 42;
}
