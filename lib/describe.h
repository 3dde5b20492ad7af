/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `--describe`: the tests of this program as JSON on stdout, one object for each test and fixture
 * variant.
 *
 * The harness's own lists are walked, not the data of CTS_TEST_F(): so a test that was declared
 * without data is seen as well (its "title" is null) and the build can refuse it. Part of test.h.
 */
#ifndef CTS_DESCRIBE_H
#define CTS_DESCRIBE_H

static inline const char *cts_kind_name(enum cts_kind kind)
{
	switch (kind) {
	case CTS_PROMISE:
		return "promise";
	case CTS_CHARACTERISATION:
		return "characterisation";
	case CTS_MEASUREMENT:
		return "measurement";
	}
	return "";
}

static inline void cts_describe_requirements(const struct cts_test *data)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(data->requirements) && data->requirements[i]; i++) {
		if (i)
			putchar(',');
		cts_json_string(stdout, data->requirements[i]);
	}
}

static inline void cts_describe_needs(const struct cts_test *data)
{
	const char *comma = "";
	size_t i;

	for (i = 0; i < cts_need_count; i++) {
		if (!(data->needs & (1U << i)))
			continue;
		printf("%s\"%s\"", comma, cts_need_names[i]);
		comma = ",";
	}
}

static inline void cts_describe_test(const char *fixture, const char *variant, const char *name)
{
	static const struct cts_test no_data;
	const struct cts_test *data = cts_find_test(fixture, name) ?: &no_data;

	fputs("{\"fixture\":", stdout);
	cts_json_string(stdout, fixture);
	fputs(",\"variant\":", stdout);
	cts_json_string(stdout, variant);
	fputs(",\"name\":", stdout);
	cts_json_string(stdout, name);
	fputs(",\"title\":", stdout);
	if (data->title)
		cts_json_string(stdout, data->title);
	else
		fputs("null", stdout);
	fputs(",\"requirements\":[", stdout);
	cts_describe_requirements(data);
	fputs("],\"needs\":[", stdout);
	cts_describe_needs(data);
	printf("],\"kind\":\"%s\",\"timeout_s\":%u,\"taints\":%u,\"faults\":%s}",
	       cts_kind_name(data->kind), data->timeout_s ?: CTS_TIMEOUT_S, data->taints,
	       data->faults ? "true" : "false");
}

static inline int cts_describe(void)
{
	struct __fixture_variant_metadata no_variant = { .name = "" };
	struct __fixture_variant_metadata *variant;
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;
	const char *comma = "";

	fputs("{\"tests\":[", stdout);
	for (fixture = __fixture_list; fixture; fixture = fixture->next) {
		for (variant = fixture->variant ?: &no_variant; variant; variant = variant->next) {
			for (test = fixture->tests; test; test = test->next) {
				fputs(comma, stdout);
				cts_describe_test(fixture->name, variant->name, test->name);
				comma = ",\n";
			}
		}
	}
	fputs("]}\n", stdout);
	return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
