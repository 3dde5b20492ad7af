/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The start of every test file: the kernel's kselftest harness plus what this suite adds to it.
 *
 * - CTS_TEST_F() and CTS_TEST() are TEST_F() and TEST() with data beside the test: what it shows,
 * for which requirement, and what it needs. `--describe` prints that data.
 * - CTS_SKIP() is SKIP() with a reason code from skip_reasons.def.
 * - CTS_CHECK_NEEDS() skips the test when something that it needs is missing.
 * - CTS_MAIN is TEST_HARNESS_MAIN with `--describe`; a program that executes itself has a main() of
 * its own and hands to cts_main() what is not for it.
 *
 * The harness is taken from the kernel tree that the suite is built against. A test program is one
 * C file that includes this header once; helpers that are no macros live in objects of their own.
 */
#ifndef CTS_TEST_H
#define CTS_TEST_H

#include "kselftest_harness.h"

#include "check.h"
#include "needs.h"
#include "record.h"

/*
 * The harness would end a test after 30 s. Here the deadline is kept by whoever runs the program,
 * which knows how slow the machine is. The largest value whose milliseconds fit the harness's int.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 2000000

/* What a test's outcome means: a promise kept or broken; or something recorded and not judged. */
enum cts_kind {
	CTS_PROMISE,
	CTS_CHARACTERISATION,
	CTS_MEASUREMENT,
};

/* The data beside a test. All but the title and the requirements may be left out. */
struct cts_test {
	const char *fixture;
	const char *name;
	const char *title;	     /* one sentence that is true when the test passes */
	const char *requirements[8]; /* ids in suites/requirements/ */
	unsigned int needs;	     /* CTS_NEED_* */
	enum cts_kind kind;
	unsigned int timeout_s; /* deadline on a slow virtual host, seconds; 0: CTS_TIMEOUT_S */
	unsigned int taints;	/* mask of kernel taint bits that the test may set */
	bool faults;		/* the test provokes IOMMU faults of its device */
};

#define CTS_TIMEOUT_S 30

#define CTS_TEST_F(fixture_name, test_name, ...)            \
	CTS_TEST_DATA(fixture_name, test_name, __VA_ARGS__) \
	TEST_F(fixture_name, test_name)

#define CTS_TEST(test_name, ...)                      \
	CTS_TEST_DATA(global, test_name, __VA_ARGS__) \
	TEST(test_name)

#define CTS_TEST_DATA(fixture_name, test_name, ...)                                \
	static const struct cts_test cts_data_##fixture_name##_##test_name = {     \
		.fixture = #fixture_name,                                          \
		.name = #test_name,                                                \
		__VA_ARGS__,                                                       \
	};                                                                         \
	static const struct cts_test *const cts_entry_##fixture_name##_##test_name \
		__attribute__((used, section("cts_tests"))) =                      \
			&cts_data_##fixture_name##_##test_name;

/*
 * Ends the test, in FIXTURE_SETUP() or in its body: nothing can be said here. @id is an entry of
 * skip_reasons.def, the rest says what exactly is missing. A failure seen before stays a failure.
 */
#define CTS_SKIP(id, fmt, ...) __CTS_SKIP(CTS_SKIP_##id, fmt, ##__VA_ARGS__)

#define __CTS_SKIP(reason, fmt, ...)                                            \
	do {                                                                    \
		if (_metadata->exit_code != KSFT_PASS)                          \
			return;                                                 \
		cts_record_skip(reason, fmt, ##__VA_ARGS__);                    \
		SKIP(return, "%s: " fmt, cts_skip_code(reason), ##__VA_ARGS__); \
	} while (0)

/*
 * Skips the test when something in its .needs is missing. First line of a setup, or of a test
 * without one.
 */
#define CTS_CHECK_NEEDS()                                                                          \
	do {                                                                                       \
		const struct cts_test *__test =                                                    \
			cts_find_test(_metadata->fixture->name, _metadata->name);                  \
		const struct cts_missing __missing = cts_missing_need(__test ? __test->needs : 0); \
                                                                                                   \
		if (__missing.what)                                                                \
			__CTS_SKIP(__missing.reason, "%s", __missing.what);                        \
	} while (0)

extern const struct cts_test *const __start_cts_tests[] __attribute__((weak));
extern const struct cts_test *const __stop_cts_tests[] __attribute__((weak));

static inline const struct cts_test *cts_find_test(const char *fixture, const char *name)
{
	const struct cts_test *const *test;

	/* cppcheck-suppress comparePointers ; the linker puts the one at the end of what the other
	 * begins */
	for (test = __start_cts_tests; test < __stop_cts_tests; test++)
		if (!strcmp((*test)->fixture, fixture) && !strcmp((*test)->name, name))
			return *test;
	return NULL;
}

#include "describe.h"

static inline int cts_main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--describe"))
		return cts_describe();
	return test_harness_run(argc, argv);
}

#define CTS_MAIN                             \
	int main(int argc, char **argv)      \
	{                                    \
		return cts_main(argc, argv); \
	}

#endif
