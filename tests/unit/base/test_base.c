/*
 * test_base.c - the arena and the tree, by random operations against simple models; timers and coroutines
 * with a platform that does nothing.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "sandbox/base/cycles.h"
#include "sandbox/base/tree.h"
#include "sandbox/kernel/sched_priv.h"
#include "sandbox/platform/platform.h"

/* ---- a platform without stubs ---- */
bool platform_poll(void)
{
	return false;
}
bool platform_sleep_prepare(void)
{
	return true;
}
void platform_sleep_done(void)
{
}
int platform_epoll_setup(int epoll_fd)
{
	return 0;
}
void platform_epoll_event(u64 data)
{
}
u64 platform_spin_cycles(void)
{
	return 0;
}
u64 platform_next_trap(void)
{
	return 0;
}
bool platform_in_the_way(void)
{
	return false;
}
unsigned platform_cpu_count(void)
{
	return 2;
}
bool platform_cpu_is_left(void)
{
	return false;
}
bool platform_guests_run(void)
{
	return false;
}
void platform_idle(void)
{
}

static void setup(void)
{
	struct kernel *k;

	ck_assert_int_eq(arena_create(0), 0);
	k = knew(struct kernel);
	arena_set_root(k);
	list_init(&k->host_fds);
	ck_assert_int_eq(sched_init(), 0);
	srandom(7);
}

/* ---- arena ---- */

START_TEST(arena_random)
{
	enum { N = 400 };
	unsigned char *p[N] = {0};
	size_t size[N] = {0};
	u64 before = arena_used();

	for (int round = 0; round < 20000; round++) {
		int i = (int)(random() % N);
		if (p[i]) {
			for (size_t b = 0; b < size[i]; b += 61)
				ck_assert_msg(p[i][b] == (unsigned char)i, "block %d overwritten at %zu", i,
					      b);
			kfree(p[i]);
			p[i] = NULL;
		} else {
			size[i] = (size_t)(random() % (random() % 8 ? 3000 : 200000));
			p[i] = kmalloc(size[i]);
			ck_assert_ptr_nonnull(p[i]);
			ck_assert_uint_eq((uintptr_t)p[i] % 16, 0);
			ck_assert(arena_contains(p[i], size[i]));
			ck_assert_uint_ge(ksize(p[i]), size[i]);
			memset(p[i], i, size[i]);
		}
	}
	for (int i = 0; i < N; i++)
		kfree(p[i]);
	/* one empty slab per class may stay */
	ck_assert_uint_le(arena_used(), before + 13 * 4 * PAGE_SIZE);
}
END_TEST

START_TEST(arena_realloc_keeps_content)
{
	char *p = kmalloc(10);

	memcpy(p, "123456789", 10);
	p = krealloc(p, 100000);
	ck_assert_str_eq(p, "123456789");
	kfree(p);
	p = kasprintf("%d-%s", 5, "x");
	ck_assert_str_eq(p, "5-x");
	kfree(p);
	ck_assert_ptr_nonnull(p = kmalloc(0));
	kfree(p);
}
END_TEST

START_TEST(arena_limit)
{
	struct kernel *k;

	ck_assert_int_eq(arena_create(1 << 20), 0);
	k = kzalloc(64);
	ck_assert_ptr_nonnull(k);
	ck_assert_ptr_null(kmalloc(2 << 20));
	ck_assert_ptr_null(kmalloc(SIZE_MAX / 2));
	ck_assert_ptr_null(karray(SIZE_MAX / 4, 8, "t"));
}
END_TEST

static void count_walk(void *p, size_t size, const char *type, void *arg)
{
	if (!strcmp(type, "walked"))
		++*(int *)arg;
}

START_TEST(arena_walk_finds_all)
{
	int found = 0;
	void *p[100];

	for (int i = 0; i < 100; i++)
		p[i] = kmalloc_typed((size_t)(i * 97), "walked");
	arena_walk(count_walk, &found);
	ck_assert_int_eq(found, 100);
	for (int i = 0; i < 100; i += 2)
		kfree(p[i]);
	found = 0;
	arena_walk(count_walk, &found);
	ck_assert_int_eq(found, 50);
}
END_TEST

START_TEST(arena_double_free_panics)
{
	void *p = kmalloc(40);

	log_set_fd(-1);
	kfree(p);
	kfree(p);
}
END_TEST

/* ---- tree ---- */

struct item {
	struct tree_node node;
	int key;
	bool in;
};

static int check_subtree(struct tree_node *n, struct tree_node *parent)
{
	int l, r;

	if (!n)
		return 0;
	ck_assert_ptr_eq(n->parent, parent);
	l = check_subtree(n->left, n);
	r = check_subtree(n->right, n);
	ck_assert_int_le(abs(l - r), 1);
	ck_assert_int_eq(n->height, 1 + (l > r ? l : r));
	return n->height;
}

START_TEST(tree_random)
{
	enum { N = 300 };
	static struct item items[N];
	struct tree t = {0};
	int count = 0;

	for (int i = 0; i < N; i++)
		items[i].key = i;
	for (int round = 0; round < 6000; round++) {
		struct item *it = &items[random() % N];
		if (it->in) {
			tree_erase(&t, &it->node);
			count--;
		} else {
			struct tree_node *parent = NULL, **link = &t.root;
			while (*link) {
				parent = *link;
				link = it->key < container_of(parent, struct item, node)->key
					   ? &parent->left
					   : &parent->right;
			}
			tree_link(&t, &it->node, parent, link);
			count++;
		}
		it->in = !it->in;
		if (round % 50 == 0) {
			int seen = 0, last = -1;
			check_subtree(t.root, NULL);
			for (struct tree_node *n = tree_first(&t); n; n = tree_next(n)) {
				ck_assert_int_gt(container_of(n, struct item, node)->key, last);
				last = container_of(n, struct item, node)->key;
				seen++;
			}
			ck_assert_int_eq(seen, count);
			for (struct tree_node *n = tree_last(&t); n; n = tree_prev(n))
				seen--;
			ck_assert_int_eq(seen, 0);
		}
	}
}
END_TEST

/* ---- coroutines, wait queues, timers ---- */

static struct wait_queue queue;
static int state, order[256], order_count;

static void waits_for_state(void *arg)
{
	int err = wait_event(&queue, state == 2, TIME_NEVER);

	ck_assert_int_eq(err, 0);
	order[order_count++] = 1;
	sched_stop(5);
}

static void sets_state(void *arg)
{
	state = 1;
	wake_up(&queue, 0); /* not yet: it must go on sleeping */
	sched_yield_now();
	order[order_count++] = 2;
	state = 2;
	wake_up(&queue, 0);
}

START_TEST(wait_event_wakes)
{
	struct coro *c;

	wait_queue_init(&queue);
	ck_assert_int_eq(coro_start(waits_for_state, NULL, NULL, &c), 0);
	ck_assert_int_eq(coro_start(sets_state, NULL, NULL, &c), 0);
	ck_assert_int_eq(sched_loop(), 5);
	ck_assert_int_eq(order[0], 2);
	ck_assert_int_eq(order[1], 1);
}
END_TEST

static void times_out(void *arg)
{
	u64 start = clock_monotonic();
	int err = wait_event(&queue, false, start + 3000000);

	ck_assert_int_eq(err, -ETIMEDOUT);
	ck_assert_uint_ge(clock_monotonic() - start, 3000000);
	sched_stop(0);
}

START_TEST(wait_event_times_out)
{
	struct coro *c;

	wait_queue_init(&queue);
	ck_assert_int_eq(coro_start(times_out, NULL, NULL, &c), 0);
	ck_assert_int_eq(sched_loop(), 0);
}
END_TEST

/* ---- turns: of two CPUs one is the loop's, so that one task has a turn at a time ---- */

static struct task *const a_task = (struct task *)(void *)1; /* nobody looks into it */

struct guest {
	struct coro *coro, *wakes; /* wakes: whom it wakes in its first call */
	int calls, number;
	bool in_guest;
	u64 works_ns; /* in guest code, after its first call */
	struct timer timer;
};
static int live;

static void guest_calls(struct timer *t)
{
	struct guest *g = container_of(t, struct guest, timer);

	turn_trapped(g->coro);
	coro_wake(g->coro);
}

/* As uthread_run(): answered, until the next trap. */
static void run_guest(struct guest *g)
{
	turn_in_guest(g->coro, cycles(), false);
	ck_assert_int_eq(timer_arm(&g->timer, clock_monotonic() + g->works_ns), 0);
	ck_assert_int_eq(sched_sleep(TIME_NEVER, SLEEP_UNINTERRUPTIBLE), 0);
}

static void guest_main(void *arg)
{
	struct guest *g = arg;

	timer_init(&g->timer, guest_calls);
	for (int i = 0; i < g->calls; i++) {
		while (turn_gate())
			;
		order[order_count++] = g->number;
		run_guest(g);
		if (i == 0 && g->wakes)
			coro_wake(g->wakes);
	}
	live--;
}

static void start_guest(struct guest *g)
{
	live++;
	ck_assert_int_eq(coro_start(guest_main, g, a_task, &g->coro), 0);
}

static struct coro *start_sleeper(void (*fn)(void *))
{
	struct coro *c;

	live++;
	ck_assert_int_eq(coro_start(fn, NULL, a_task, &c), 0);
	return c;
}

static bool all_done(void *arg)
{
	if (!live)
		sched_stop(0);
	return !live;
}

static void run_all(void)
{
	order_count = 0;
	sched_when_at_rest(all_done, NULL);
	ck_assert_int_eq(sched_loop(), 0);
	ck_assert_uint_eq(sched()->turn_count, 0);
	ck_assert(list_empty(&sched()->waiting));
}

START_TEST(a_turn_lasts_over_several_calls)
{
	struct guest a = {.calls = 3, .number = 1}, b = {.calls = 3, .number = 2};
	static const int want[] = {1, 1, 1, 2, 2, 2};

	start_guest(&a);
	start_guest(&b);
	run_all();
	ck_assert_int_eq(order_count, 6);
	ck_assert_mem_eq(order, want, sizeof(want));
}
END_TEST

START_TEST(guest_code_that_runs_on_does_not_keep_its_turn)
{
	struct guest a = {.calls = 2, .number = 1, .works_ns = 2 * NSEC_PER_SEC},
		     b = {.calls = 4, .number = 2};
	static const int want[] = {1, 2, 2, 2, 2, 1};

	start_guest(&a);
	start_guest(&b);
	run_all();
	ck_assert_int_eq(order_count, 6);
	ck_assert_mem_eq(order, want, sizeof(want));
}
END_TEST

START_TEST(turns_end_though_nobody_sleeps)
{
	struct guest g[3];
	int first[4] = {0}, last[4] = {0};

	for (int i = 0; i < 3; i++) {
		g[i] = (struct guest){.calls = 60, .number = i + 1, .works_ns = 10000};
		start_guest(&g[i]);
	}
	run_all();
	ck_assert_int_eq(order_count, 180);
	for (int i = 180; i--;)
		first[order[i]] = i;
	for (int i = 0; i < 180; i++)
		last[order[i]] = i;
	ck_assert_int_lt(first[3], last[1]); /* 60 calls are longer than a turn */
	ck_assert_int_lt(first[2], last[1]);
}
END_TEST

static void sleeps_in_call(void *arg)
{
	ck_assert_int_eq(sched_sleep(clock_monotonic() + 60 * NSEC_PER_SEC, SLEEP_INTERRUPTIBLE), 0);
	order[order_count++] = 9;
	live--;
}

static void kernel_sleeps(void *arg)
{
	ck_assert_int_eq(sched_sleep(clock_monotonic() + 60 * NSEC_PER_SEC, SLEEP_UNINTERRUPTIBLE), 0);
	order[order_count++] = 8;
	live--;
}

START_TEST(who_is_woken_in_a_call_waits_for_its_turn)
{
	struct guest a = {.calls = 4, .number = 1};
	struct coro *sleeper = start_sleeper(sleeps_in_call);
	a.wakes = sleeper;
	start_guest(&a);
	run_all();
	ck_assert_int_eq(order_count, 5);
	ck_assert_int_eq(order[4], 9); /* when a has ended, and only once */
}
END_TEST

START_TEST(the_kernels_own_waits_need_no_turn)
{
	struct guest a = {.calls = 4, .number = 1};
	struct coro *sleeper = start_sleeper(kernel_sleeps);
	a.wakes = sleeper;
	start_guest(&a);
	run_all();
	ck_assert_int_eq(order_count, 5);
	ck_assert_int_ne(order[4], 8);
}
END_TEST

static struct coro *watched;
static bool waited;

static void look_in_call(void)
{
	ck_assert(!coro_runnable(watched)); /* it sleeps */
	coro_wake(watched);
	coro_wake(watched); /* twice is once */
	waited = coro_runnable(watched) && turns_are_taken();
}

START_TEST(who_waits_can_be_told_from_who_sleeps)
{
	waited = false;
	for (int i = 0; i < 1000 && !waited; i++) { /* on a busy machine a turn may be over by then */
		struct guest a = {.calls = 1, .number = 1};
		watched = start_sleeper(sleeps_in_call);
		(void)sched_run_ready(); /* to its sleep */
		start_guest(&a);
		sched()->turn_limit = 1;
		(void)sched_run_ready(); /* a has its turn and is in guest code */
		look_in_call();
		run_all();
		ck_assert_int_eq(order_count, 1); /* run_all() counts anew */
		ck_assert_int_eq(order[0], 9);
	}
	ck_assert(waited);
}
END_TEST

static u64 last_deadline;
static int fired;
struct counted_timer {
	struct timer timer;
	u64 deadline;
};

static void in_order(struct timer *t)
{
	struct counted_timer *c = container_of(t, struct counted_timer, timer);

	ck_assert_uint_ge(c->deadline, last_deadline);
	last_deadline = c->deadline;
	fired++;
}

START_TEST(timers_fire_in_order)
{
	enum { N = 500 };
	static struct counted_timer t[N];
	u64 past = clock_monotonic() - NSEC_PER_SEC;

	for (int i = 0; i < N; i++) {
		timer_init(&t[i].timer, in_order);
		t[i].deadline = past + (u64)random() % 1000000;
		ck_assert_int_eq(timer_arm(&t[i].timer, t[i].deadline), 0);
	}
	for (int i = 0; i < N; i += 5)
		timer_cancel(&t[i].timer);
	ck_assert_uint_eq(timers_run(), TIME_NEVER);
	ck_assert_int_eq(fired, N - N / 5);
}
END_TEST

static int woken[3];
static void note_wake(struct waiter *w, u32 events)
{
	++*(int *)w->owner;
}

START_TEST(exclusive_waiters_one_at_a_time)
{
	struct waiter w[3];

	wait_queue_init(&queue);
	for (int i = 0; i < 3; i++) {
		waiter_init_fn(&w[i], note_wake, &woken[i]);
		w[i].exclusive = i != 1;
		wait_queue_add(&queue, &w[i]);
	}
	wake_up(&queue, 1);
	ck_assert_int_eq(woken[0] + woken[2], 1);
	ck_assert_int_eq(woken[1], 1);
	wake_up_all(&queue, 1);
	ck_assert_int_eq(woken[0] + woken[2], 3);
}
END_TEST

static int live;
static void short_life(void *arg)
{
	for (int i = 0; i < 3; i++)
		sched_yield_now();
	if (--live == 0)
		sched_stop(0);
}

START_TEST(thousand_coroutines_leave_nothing)
{
	struct coro *c;
	u64 before = arena_used();

	live = 1000;
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(coro_start(short_life, NULL, NULL, &c), 0);
	ck_assert_int_eq(sched_loop(), 0);
	ck_assert_uint_le(arena_used(), before + (STACK_CACHE + 2) * CORO_STACK_SIZE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60); /* of a test, on a busy machine */

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, arena_random);
	tcase_add_test(t, arena_realloc_keeps_content);
	tcase_add_test(t, arena_limit);
	tcase_add_test(t, arena_walk_finds_all);
	tcase_add_test_raise_signal(t, arena_double_free_panics, 6);
	tcase_add_test(t, tree_random);
	tcase_add_test(t, wait_event_wakes);
	tcase_add_test(t, wait_event_times_out);
	tcase_add_test(t, a_turn_lasts_over_several_calls);
	tcase_add_test(t, guest_code_that_runs_on_does_not_keep_its_turn);
	tcase_add_test(t, turns_end_though_nobody_sleeps);
	tcase_add_test(t, who_is_woken_in_a_call_waits_for_its_turn);
	tcase_add_test(t, the_kernels_own_waits_need_no_turn);
	tcase_add_test(t, who_waits_can_be_told_from_who_sleeps);
	tcase_add_test(t, timers_fire_in_order);
	tcase_add_test(t, exclusive_waiters_one_at_a_time);
	tcase_add_test(t, thousand_coroutines_leave_nothing);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
