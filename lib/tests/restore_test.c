// SPDX-License-Identifier: GPL-2.0-only
/* What a test changes is put back step by step, however it ends. */
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>

#include "restore.h"
#include "unit.h"

static char first[256], second[256];

static void make(char path[256], const char *folder, const char *name)
{
	FILE *file;

	snprintf(path, 256, "%s/%s", folder, name);
	file = fopen(path, "w");
	CHECK(file);
	fputs("changed", file);
	fclose(file);
}

static bool holds(const char *path, const char *wanted)
{
	char text[64] = "";
	FILE *file = fopen(path, "r");

	CHECK(file && fgets(text, sizeof(text), file));
	fclose(file);
	return !strcmp(text, wanted);
}

/* /dev/full takes nothing. */
static void begin(struct restore *restore, bool may_fail)
{
	restore_begin_all(restore,
			  (const struct restore_step[]){
				  { .path = "/dev/full", .text = "x", .may_fail = may_fail },
				  { .path = first, .text = "was one" },
				  { .path = second, .text = "was two" },
			  },
			  3);
}

static void check_the_end(void)
{
	struct restore restore = { 0 };

	restore_end(&restore); /* never begun */
	begin(&restore, true);
	CHECK(holds(first, "changed") && holds(second, "changed"));
	restore_end(&restore);
	CHECK(holds(first, "was one") && holds(second, "was two"));
	restore_end(&restore);
}

static void check_a_kill(void)
{
	struct restore restore = { 0 };
	int status;
	pid_t test;

	/* Who puts it back becomes ours when the test is gone. */
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1));
	test = fork();
	if (!test) {
		/* As at a test's deadline: all of its process group. */
		CHECK(!setpgid(0, 0));
		begin(&restore, true);
		kill(0, SIGKILL);
	}
	CHECK(waitpid(test, &status, 0) == test && WIFSIGNALED(status));
	CHECK(wait(&status) > 0 && !status);
	CHECK(holds(first, "was one") && holds(second, "was two"));
}

static void fail_to_put_back(void)
{
	struct restore restore = { 0 };

	begin(&restore, false);
	restore_end(&restore);
}

static void check_a_refusal(void)
{
	CHECK_ENDS(fail_to_put_back());
	CHECK(holds(first, "was one") && holds(second, "was two"));
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : ".";

	make(first, folder, "first");
	make(second, folder, "second");
	check_the_end();
	make(first, folder, "first");
	make(second, folder, "second");
	check_a_kill();
	make(first, folder, "first");
	make(second, folder, "second");
	check_a_refusal();
	return 0;
}
