/* More of everything than a small table holds: threads of one process, processes of one parent, and both at
 * their limits. clone(2), setrlimit(2), wait(2). */
#include "case.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define THREADS   1200
#define PROCESSES 3000

struct crowd {
	pthread_barrier_t all;
	pthread_mutex_t lock;
	long sum;
};

static void *one_of_many(void *arg)
{
	struct crowd *c = arg;

	pthread_barrier_wait(&c->all); /* nobody ends before all are there */
	pthread_mutex_lock(&c->lock);
	c->sum += syscall(SYS_gettid) > 0;
	pthread_mutex_unlock(&c->lock);
	return arg;
}

static void start_threads(pthread_t *threads, unsigned n, struct crowd *c)
{
	pthread_attr_t small;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (unsigned i = 0; i < n; i++)
		EXPECT_EQ(pthread_create(&threads[i], &small, one_of_many, c), 0);
	pthread_attr_destroy(&small);
}

static unsigned threads_listed(void)
{
	char line[128];
	unsigned n = 0;
	FILE *f = fopen("/proc/self/status", "r");

	EXPECT(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "Threads: %u", &n) == 1)
			break;
	fclose(f);
	return n;
}

CASE(many_threads_live_at_once)
{
	static pthread_t threads[THREADS];
	struct crowd c = {.sum = 0};

	pthread_barrier_init(&c.all, NULL, THREADS + 1);
	pthread_mutex_init(&c.lock, NULL);
	for (int round = 0; round < 2; round++) { /* the second takes the places of the first */
		start_threads(threads, THREADS, &c);
		EXPECT_EQ(threads_listed(), THREADS + 1);
		pthread_barrier_wait(&c.all);
		for (unsigned i = 0; i < THREADS; i++) {
			void *result = NULL;
			EXPECT_EQ(pthread_join(threads[i], &result), 0);
			EXPECT(result == &c);
		}
		EXPECT_EQ(c.sum, (round + 1L) * THREADS);
	}
}
CASE(many_threads_end_with_their_process)
{
	pid_t pid = fork();

	if (!pid) {
		static pthread_t threads[THREADS];
		struct crowd c = {.sum = 0};
		pthread_barrier_init(&c.all, NULL, THREADS + 1);
		pthread_mutex_init(&c.lock, NULL);
		start_threads(threads, THREADS, &c);
		_exit(9);
	}
	expect_exit(pid, 9);
}

/* Processes that wait for the end of the pipe and then end with their number. */
static unsigned start_processes(unsigned n, int gate[2])
{
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			return i;
		if (!pid) {
			char c;
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(gate[1]);
			_exit(read(gate[0], &c, 1) ? 255 : (int)(i % 251));
		}
	}
	return n;
}

CASE(many_processes_live_at_once)
{
	static unsigned got[251];
	unsigned n, reaped = 0;
	int gate[2], status;

	alarm(60); /* a busy machine needs more than ten seconds for so many */
	EXPECT_EQ(pipe(gate), 0);
	n = start_processes(PROCESSES, gate);
	EXPECT_EQ(n, PROCESSES);
	EXPECT_EQ(waitpid(-1, &status, WNOHANG), 0);
	close(gate[1]);
	while (wait(&status) > 0) {
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) < 251);
		got[WEXITSTATUS(status)]++;
		reaped++;
	}
	EXPECT_EQ(errno, ECHILD);
	EXPECT_EQ(reaped, PROCESSES);
	for (unsigned i = 0; i < 251; i++)
		EXPECT_EQ(got[i], PROCESSES / 251 + (i < PROCESSES % 251));
}
CASE(the_limit_of_a_user_is_kept_with_many)
{
	pid_t pid = fork();

	if (!pid) {
		struct rlimit limit = {500, 500};
		int gate[2], status, reaped = 0;
		unsigned n;

		EXPECT_EQ(setresgid(61234, 61234, 61234), 0);
		EXPECT_EQ(setresuid(61234, 61234, 61234), 0);
		EXPECT_EQ(setrlimit(RLIMIT_NPROC, &limit), 0);
		EXPECT_EQ(pipe(gate), 0);
		n = start_processes(PROCESSES, gate);
		EXPECT_EQ(errno, EAGAIN);
		EXPECT_EQ(n, 499); /* and this one */
		close(gate[1]);
		while (wait(&status) > 0)
			reaped++;
		EXPECT_EQ(reaped, 499);
		EXPECT_EQ(pipe(gate), 0);
		EXPECT_EQ(start_processes(1, gate), 1);
		close(gate[1]);
		EXPECT(wait(&status) > 0);
		_exit(7);
	}
	expect_exit(pid, 7);
}
