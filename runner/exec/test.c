// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "child.h"
#include "env.h"
#include "frame.h"
#include "inventory.h"
#include "kmsg.h"
#include "lava.h"
#include "output.h"
#include "record.h"
#include "test.h"
#include "wait.h"

#define ERROR_MAX 256

/* Big and one at a time, so not on the stack. */
static struct output out, err;
static struct record_pipe record;

/* The ends that cts-exec reads are in out, err and record. */
static int make_pipes(struct child_fds *fds)
{
	struct {
		int *ours, *childs;
	} pipes[] = {
		{ &out.fd, &fds->out },
		{ &err.fd, &fds->err },
		{ &record.fd, &fds->record },
	};

	*fds = (struct child_fds){ -1, -1, -1 };
	for (size_t i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC))
			return -errno;
		*pipes[i].ours = ends[0];
		*pipes[i].childs = ends[1];
		if (fcntl(ends[0], F_SETFL, O_NONBLOCK))
			return -errno;
	}
	return 0;
}

static void close_fds(const struct child_fds *fds)
{
	const int all[] = { fds->out, fds->err, fds->record };

	for (size_t i = 0; i < 3; i++) {
		if (all[i] >= 0)
			close(all[i]);
	}
}

/* Starts the test up to the gate. Returns its pid, or -1 with the reason in error. */
static pid_t start(const struct op *op, int *exec_fd, char *error)
{
	struct child_fds fds;
	char *const *env;
	int failure = make_pipes(&fds);
	pid_t pid;

	if (failure) {
		snprintf(error, ERROR_MAX, "make a pipe: %s", strerror(-failure));
		close_fds(&fds);
		return -1;
	}
	env = env_make(op);
	pid = env ? child_spawn(op->argv, env, &fds, exec_fd) : -ENOMEM;
	close_fds(&fds);
	if (pid < 0) {
		snprintf(error, ERROR_MAX, "start a process: %s", strerror(-pid));
		return -1;
	}
	return pid;
}

static void send_start(const char *id, pid_t pid, int64_t taint)
{
	struct json_out *json = frame_begin("test_start");

	json_put_string(json, "id", id);
	json_put_int(json, "pid", pid);
	json_put_int(json, "taint", taint);
	json_put_int(json, "monotonic_ns", now_ns());
	frame_end();
}

/* The process tells on *fd why its binary was not executed, or nothing. */
static void read_exec_error(int *fd, const char *argv0, char *error)
{
	struct child_exec_error msg;

	if (read(*fd, &msg, sizeof(msg)) == sizeof(msg)) {
		static const char *const what[] = {
			[CHILD_CHDIR] = "change to the directory /",
			[CHILD_NULL] = "open /dev/null",
			[CHILD_EXEC] = "execute ",
		};

		snprintf(error, ERROR_MAX, "%s%.128s: %s", what[msg.stage],
			 msg.stage == CHILD_EXEC ? argv0 : "", strerror(msg.error));
	}
	close(*fd);
	*fd = -1;
}

/* Moves bytes until the test and what it left are gone. */
static void watch(const struct op *op, int exec_fd, struct child_result *result, char *error)
{
	while (!child_done(result)) {
		struct pollfd fds[] = {
			{ .fd = frame_fd() },
			{ .fd = exec_fd, .events = POLLIN },
			{ .fd = out.fd, .events = POLLIN },
			{ .fd = err.fd, .events = POLLIN },
			{ .fd = record.fd, .events = POLLIN },
			{ .fd = kmsg_fd(), .events = POLLIN },
		};

		if (frame_gone()) {
			fds[0].fd = -1;
			child_stop();
		}
		wait_fds(fds, sizeof(fds) / sizeof(fds[0]), NEVER);
		frame_check(fds[0].revents);
		if (fds[1].revents)
			read_exec_error(&exec_fd, op->argv[0], error);
		if (fds[2].revents)
			output_read(&out);
		if (fds[3].revents)
			output_read(&err);
		if (fds[4].revents)
			record_read(&record);
		if (fds[5].revents)
			kmsg_some(op->id);
	}
	if (exec_fd >= 0)
		read_exec_error(&exec_fd, op->argv[0], error);
}

/* How many bytes are in the pipe: no more is read at the end, in case somebody still writes. */
static size_t waiting(int fd)
{
	int n = 0;

	return fd < 0 || ioctl(fd, FIONREAD, &n) ? 0 : (size_t)n;
}

static void drain_output(struct output *o)
{
	size_t n, left = waiting(o->fd);

	for (; left && (n = output_read(o)); left -= n < left ? n : left)
		;
}

static void drain(const char *id)
{
	size_t n, left;

	drain_output(&out);
	drain_output(&err);
	left = waiting(record.fd);
	for (; left && (n = record_read(&record)); left -= n < left ? n : left)
		;
	kmsg_end_line();
	kmsg_all(id);
	output_end(&out);
	output_end(&err);
	record_end(&record);
}

static int64_t microseconds(const struct timeval *t)
{
	return t->tv_sec * 1000000LL + t->tv_usec;
}

/*
 * Why the next test should not find the kernel as it is now, or NULL. The runner has the last word
 * on it (runner/session.py).
 */
static const char *why_stop(const struct op *op, const struct child_result *result,
			    const char *error, int64_t before, int64_t after)
{
	if (*error)
		return "a test could not be started";
	if (result->outcome == CHILD_UNKILLABLE)
		return "a test could not be killed";
	if (kmsg_splat())
		return "the kernel reported a fault";
	if (after & ~before & ~op->taints)
		return "the kernel is newly tainted";
	if (result->outcome != CHILD_EXITED || (result->value && !op->harmless))
		return "a test failed";
	return NULL;
}

/* Returns what `stop` of the event says: NULL if it says nothing. */
static const char *send_end(const struct op *op, const struct child_result *result,
			    const char *error, int64_t taint, bool alone)
{
	static const char *const outcomes[] = {
		[CHILD_EXITED] = "exited",	   [CHILD_SIGNALED] = "signaled",
		[CHILD_TIMEOUT] = "timeout",	   [CHILD_STOPPED] = "stopped",
		[CHILD_UNKILLABLE] = "unkillable",
	};
	struct json_out *json = frame_begin("test_end");
	const struct rusage *usage = &result->usage;
	int64_t after = inventory_taint();
	const char *stop = alone ? why_stop(op, result, error, taint, after) : NULL;

	json_put_string(json, "id", op->id);
	if (*error) {
		json_put_string(json, "outcome", "not_started");
		json_put_string(json, "error", error);
	} else {
		json_put_string(json, "outcome", outcomes[result->outcome]);
		if (result->outcome == CHILD_EXITED)
			json_put_int(json, "code", result->value);
		if (result->outcome == CHILD_SIGNALED)
			json_put_int(json, "signal", result->value);
	}
	json_put_int(json, "duration_ns", result->duration_ns);
	json_put_int(json, "user_us", microseconds(&usage->ru_utime));
	json_put_int(json, "system_us", microseconds(&usage->ru_stime));
	json_put_int(json, "max_rss_kib", usage->ru_maxrss);
	json_put_int(json, "taint_before", taint);
	json_put_int(json, "taint_after", after);
	json_put_string(json, "kmsg", kmsg_state());
	json_put_int(json, "left", result->left);
	if (stop)
		json_put_string(json, "stop", stop);
	frame_end();
	return stop;
}

bool test_run(const struct op *op, bool alone)
{
	struct child_result result = {};
	char error[ERROR_MAX] = "";
	const char *stop;
	int64_t taint;
	int exec_fd;
	pid_t pid;

	kmsg_all(NULL);
	kmsg_mark();
	taint = inventory_taint();
	out = (struct output){ .id = op->id, .name = "stdout", .fd = -1 };
	err = (struct output){ .id = op->id, .name = "stderr", .fd = -1 };
	record = (struct record_pipe){ .id = op->id, .fd = -1 };

	if (child_stuck()) {
		snprintf(error, sizeof(error), "a process of an earlier test cannot be killed");
	} else {
		pid = start(op, &exec_fd, error);
		if (pid > 0) {
			send_start(op->id, pid, taint);
			child_go(op->timeout_ms);
			watch(op, exec_fd, &result, error);
		}
	}
	drain(op->id);
	stop = send_end(op, &result, error, taint, alone);
	lava_case(op->id, !*error && result.outcome == CHILD_EXITED && !result.value);
	kmsg_mark();
	return !stop;
}
