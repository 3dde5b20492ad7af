// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "fio.h"

#define PROGRAM "fio"
#define OPTIONS_MAX 32
/* What execvp() takes where there is no PATH. */
#define USUAL_PATH "/bin:/usr/bin"
/* Where the child finds the disk. */
#define DISK_FD 3
#define DISK_NAME "/proc/self/fd/3"

struct cts_missing __fio_missing(void)
{
	const char *folder = getenv("PATH") ?: USUAL_PATH;
	char path[4096];

	for (; *folder; folder += strcspn(folder, ":"), folder += *folder == ':') {
		snprintf(path, sizeof(path), "%.*s/" PROGRAM, (int)strcspn(folder, ":"), folder);
		if (!access(path, X_OK))
			return (struct cts_missing){ 0 };
	}
	return (struct cts_missing){ .what = "there is no fio in PATH", .reason = CTS_SKIP_NO_FIO };
}

/* Only returns if fio could not be executed. */
static void become(pid_t test, int nothing, int said, int disk, char *const *words)
{
	/* Numbers that are in none of the places where they are to go. */
	const int from[] = { fcntl(nothing, F_DUPFD, DISK_FD + 1),
			     fcntl(said, F_DUPFD, DISK_FD + 1), fcntl(disk, F_DUPFD, DISK_FD + 1) };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != test)
		return;
	if (dup2(from[0], 0) == 0 && dup2(from[1], 1) == 1 && dup2(from[2], DISK_FD) == DISK_FD &&
	    !close_range(DISK_FD + 1, ~0U, 0))
		execvp(PROGRAM, words);
}

void fio_start(struct fio *fio, const struct medium *medium, const char *const *options)
{
	/* In threads: its processes would be in sessions of their own and outlive who kills it. */
	const char *words[OPTIONS_MAX] = {
		PROGRAM,    "--name=cts",	 "--filename=" DISK_NAME, "--direct=1",
		"--thread", "--ioengine=libaio", "--output-format=json"
	};
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const pid_t test = getpid();
	unsigned int n = 7;

	for (; *options; options++) {
		cts_lab_require(n < OPTIONS_MAX - 1, "fewer options of fio");
		words[n++] = *options;
	}
	fio->said = memfd_create(PROGRAM, MFD_CLOEXEC);
	cts_lab_require(nothing >= 0 && fio->said >= 0, "files for fio");
	fflush(NULL);
	fio->child = fork();
	cts_lab_require(fio->child >= 0, "fork");
	if (!fio->child) {
		become(test, nothing, fio->said, medium->fd, (char *const *)words);
		_exit(127);
	}
	close(nothing);
	fio->ended = (int)syscall(SYS_pidfd_open, fio->child, 0);
	cts_lab_require(fio->ended >= 0, "pidfd_open");
}

bool fio_goes_on(const struct fio *fio)
{
	struct pollfd ended = { .fd = fio->ended, .events = POLLIN };

	return !poll(&ended, 1, 0);
}

/* Waits for the end, and returns the exit status of wait(2). */
static int await(struct fio *fio)
{
	int status;

	cts_lab_require(waitpid(fio->child, &status, 0) == fio->child, "waitpid");
	fio->child = 0;
	cts_close(&fio->ended);
	return status;
}

/* What it said, which the caller frees: an object of JSON, after lines that are none; or NULL. */
static char *read_said(struct fio *fio)
{
	struct stat st;
	char *text, *json;

	cts_lab_require(!fstat(fio->said, &st), "fstat");
	text = calloc(1, (size_t)st.st_size + 1);
	cts_lab_require(text && pread(fio->said, text, (size_t)st.st_size, 0) == st.st_size,
			"what fio said");
	cts_close(&fio->said);
	json = *text == '{' ? text : strstr(text, "\n{");
	if (json)
		memmove(text, json, strlen(json) + 1);
	else
		printf("# fio: %s\n", text);
	if (json)
		return text;
	free(text);
	return NULL;
}

int fio_finish(struct fio *fio, const struct cts_param *params)
{
	static const char key[] = "\"error\" : "; /* of the only job, and of nothing else */
	const int status = await(fio);
	char *json = read_said(fio), *found = json ? strstr(json, key) : NULL;
	const int error = found ? atoi(found + strlen(key)) : 0;

	if (!found || !WIFEXITED(status) || !WEXITSTATUS(status) != !error)
		cts_lab_error("fio can't do its work here: status %#x, error %d", status, error);
	cts_record_fio(json, params);
	free(json);
	return -error;
}

void fio_stop(struct fio *fio)
{
	if (!fio->child)
		return;
	kill(fio->child, SIGKILL);
	await(fio);
	cts_close(&fio->said);
}
