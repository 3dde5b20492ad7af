// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "wait.h"

#define KILL_LIMIT_NS (10 * NS_PER_S)
#define KILL_AGAIN_NS (100 * NS_PER_MS)
/* What is still at work so long before the limit is killed, whatever it does. */
#define KILL_ALL_NS (2 * NS_PER_S)
/* Who puts back what a test has changed (lib/restore.c) is called so. */
#define RESTORER "cts-restore\n"

/*
 * HELD -> RUNNING -> KILLING -> DONE. KILLING ends when no child is left, or at its limit; a
 * test that exits by itself passes through it too, in which case there is mostly nothing to
 * kill.
 */
static struct {
	enum { DONE, HELD, RUNNING, KILLING } state;
	pid_t pid; /* 0 once reaped */
	int gate;  /* a byte written here lets it go */
	int64_t start;
	int64_t limit; /* RUNNING: the deadline; KILLING: the end of our patience */
	int64_t kill_again;
	struct child_result result;
} child;

int child_init(void)
{
	if (waitpid(-1, NULL, WNOHANG) == 0)
		return -EEXIST;
	return prctl(PR_SET_CHILD_SUBREAPER, 1) ? -errno : 0;
}

static _Noreturn void child_fail(int fd, enum child_stage stage)
{
	struct child_exec_error msg = { .error = errno, .stage = stage };

	/* Less than PIPE_BUF into an empty pipe: all or, if cts-exec is gone, nothing. */
	if (write(fd, &msg, sizeof(msg)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void child_main(char *const *argv, char *const *envp, const struct child_fds *fds,
				 int gate, int error_fd, pid_t parent)
{
	char byte;
	int null;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* if cts-exec is killed outright */
	if (getppid() != parent)
		_exit(126); /* it has been already */
	setsid();
	wait_reset_signals();
	if (chdir("/"))
		child_fail(error_fd, CHILD_CHDIR);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		child_fail(error_fd, CHILD_NULL);
	dup2(fds->out, STDOUT_FILENO);
	dup2(fds->err, STDERR_FILENO);
	dup2(fds->record, CHILD_RECORD_FD);
	if (read(gate, &byte, 1) != 1)
		_exit(126);
	execve(argv[0], argv, envp);
	child_fail(error_fd, CHILD_EXEC);
}

static void keep_status(int status)
{
	child.result.outcome = WIFEXITED(status) ? CHILD_EXITED : CHILD_SIGNALED;
	child.result.value = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

/* Takes in whoever has died. Returns true if there are children alive. */
static bool reap(void)
{
	struct rusage usage;
	int status;
	pid_t pid;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
		child.kill_again = 0; /* its children are ours now */
		if (pid == child.pid) {
			child.pid = 0;
			child.result.usage = usage;
			child.result.duration_ns = now_ns() - child.start;
			if (child.state != KILLING)
				keep_status(status);
		} else if (child.state == KILLING && WIFSIGNALED(status) &&
			   WTERMSIG(status) == SIGKILL) {
			child.result.left++;
		}
	}
	return pid == 0;
}

bool child_stuck(void)
{
	return reap();
}

/* The parent of process pid as /proc/<pid>/stat tells it, or -1. */
static pid_t parent_of(const char *pid)
{
	char path[64], text[512], *paren;
	ssize_t n = -1;
	int fd, parent;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* The name stands in parentheses and may hold any of them, so look for the last one. */
	paren = strrchr(text, ')');
	if (!paren || sscanf(paren, ") %*c %d", &parent) != 1)
		return -1;
	return parent;
}

/* Is the process one that puts something back, and has it time left for that? */
static bool puts_back(const char *pid)
{
	char path[64], name[32] = "";
	ssize_t n = -1;
	int fd;

	if (now_ns() >= child.limit - KILL_ALL_NS)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, name, sizeof(name));
		close(fd);
	}
	return n == strlen(RESTORER) && !memcmp(name, RESTORER, strlen(RESTORER));
}

/*
 * Kills every child of ours with its process group. Grandchildren become children when their
 * parents die, so this is called until none is left. Every group of a descendant is the test's
 * own, because the test began with setsid().
 */
static void kill_children(void)
{
	struct dirent *entry;
	DIR *proc;

	if (child.pid) {
		kill(-child.pid, SIGKILL);
		kill(child.pid, SIGKILL); /* it may not have come to setsid() yet */
	}
	proc = opendir("/proc");
	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		pid_t pid, group;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (parent_of(entry->d_name) != getpid() || puts_back(entry->d_name))
			continue;
		pid = atoi(entry->d_name);
		group = getpgid(pid);
		if (group > 0 && group != getpgrp())
			kill(-group, SIGKILL);
		kill(pid, SIGKILL);
	}
	closedir(proc);
}

pid_t child_spawn(char *const *argv, char *const *envp, const struct child_fds *fds, int *exec_fd)
{
	pid_t pid, parent = getpid();
	int gate[2], error[2], err;

	if (pipe2(gate, O_CLOEXEC))
		return -errno;
	if (pipe2(error, O_CLOEXEC)) {
		err = errno;
		goto no_error;
	}
	pid = fork();
	if (pid < 0) {
		err = errno;
		goto no_child;
	}
	if (!pid) {
		close(gate[1]);
		child_main(argv, envp, fds, gate[0], error[1], parent);
	}
	close(gate[0]);
	close(error[1]);
	*exec_fd = error[0];
	memset(&child, 0, sizeof(child));
	child.state = HELD;
	child.pid = pid;
	child.gate = gate[1];
	return pid;

no_child:
	close(error[0]);
	close(error[1]);
no_error:
	close(gate[0]);
	close(gate[1]);
	return -err;
}

void child_go(int64_t timeout_ms)
{
	ssize_t n;

	child.start = now_ns();
	child.limit = child.start + timeout_ms * NS_PER_MS;
	child.state = RUNNING;
	do /* cannot block; if the process is gone, reap() will see it */
		n = write(child.gate, "", 1);
	while (n < 0 && errno == EINTR);
	close(child.gate);
}

static void end_it(enum child_outcome outcome, int64_t now)
{
	child.result.outcome = outcome;
	child.state = KILLING;
	child.limit = now + KILL_LIMIT_NS;
}

void child_stop(void)
{
	if (child.state == RUNNING && child.pid)
		end_it(CHILD_STOPPED, now_ns());
}

int64_t child_tick(int64_t now)
{
	bool alive;

	if (child.state == DONE || child.state == HELD)
		return NEVER;
	alive = reap();
	if (child.state == RUNNING) {
		if (!child.pid)
			end_it(child.result.outcome, now);
		else if (wait_stop)
			end_it(CHILD_STOPPED, now);
		else if (now >= child.limit)
			end_it(CHILD_TIMEOUT, now);
		else
			return child.limit;
	}
	if (alive && now < child.limit) {
		if (now >= child.kill_again) {
			kill_children();
			child.kill_again = now + KILL_AGAIN_NS;
		}
		return child.kill_again < child.limit ? child.kill_again : child.limit;
	}
	if (alive)
		child.result.outcome = CHILD_UNKILLABLE;
	child.state = DONE;
	return NEVER;
}

bool child_done(struct child_result *result)
{
	if (child.state != DONE)
		return false;
	*result = child.result;
	return true;
}
