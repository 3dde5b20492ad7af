// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"
#include "spool.h"

#define NS_PER_S 1000000000LL
#define NEVER INT64_MAX
#define GRACE_NS (30 * NS_PER_S) /* for the program to kill a test and give devices back */

static int signals = -1, listener = -1, to_program = -1, from_program = -1;
static int greeter = -1; /* connected, and has not said what it wants */
static int client = -1;	 /* attached, or waits for the relay to end */
static pid_t program;	 /* 0 once it has ended */
static char input[PACKET_MAX];
static size_t input_len, input_at; /* what the program has not taken yet */
static uint64_t input_total;	   /* bytes of input that were ever taken from who was attached */
static bool told_end;		   /* to who is attached */
static bool asked_to_stop;	   /* nobody will attach any more */
static int terminations;	   /* how often the program was told to end */
static int64_t linger_ns, limit = NEVER;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Who is attached may take any time; if nobody is, the linger begins. */
static void set_limit(void)
{
	if (!terminations || !program)
		limit = client >= 0 ? NEVER : now_ns() + linger_ns;
}

static void drop_client(void)
{
	drop(&client);
	set_limit();
}

static bool tell(int fd, char kind, const char *text)
{
	char packet[64];
	int len = snprintf(packet, sizeof(packet), "%c%s", kind, text);

	return send(fd, packet, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) == len;
}

/* Tells the program to end in order; from the second time on it is not asked. */
static void terminate(void)
{
	if (program)
		kill(program, terminations ? SIGKILL : SIGTERM);
	terminations++;
	limit = now_ns() + GRACE_NS;
}

/* Returns 0 or -errno: also if there is no such program. */
static int start_program(char *const *argv)
{
	int in[2], out[2], failure[2], error = 0;
	sigset_t none;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(failure, O_CLOEXEC))
		return -errno;
	program = fork();
	if (program < 0)
		return -errno;
	if (!program) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGHUP, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], argv);
		error = errno;
		_exit(write(failure[1], &error, sizeof(error)) < 0 ? 126 : 127);
	}
	close(in[0]);
	close(out[1]);
	close(failure[1]);
	if (read(failure[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(failure[0]);
	to_program = in[1];
	from_program = out[0];
	fcntl(to_program, F_SETFL, O_NONBLOCK);
	fcntl(from_program, F_SETFL, O_NONBLOCK);
	return -error;
}

static void read_signals(void)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD) {
			asked_to_stop = true;
			terminate();
		} else if (program && waitpid(program, NULL, WNOHANG) == program) {
			program = 0;
			set_limit();
		}
	}
}

/* Passes the greeter's connection on to the client's place; who was there is told so. */
static void replace_client(void)
{
	if (client >= 0)
		tell(client, PACKET_REPLACED, "");
	drop(&client);
	client = greeter;
	greeter = -1;
	told_end = false;
}

static void greet(void)
{
	char packet[32], number[24];
	ssize_t len = recv(greeter, packet, sizeof(packet) - 1, MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	packet[len > 0 ? len : 0] = 0;
	if (packet[0] == PACKET_STOP) {
		replace_client();
		asked_to_stop = true;
		terminate();
	} else if (packet[0] == PACKET_ATTACH && !asked_to_stop &&
		   spool_seek(strtoull(packet + 1, NULL, 10))) {
		/* From here on nothing counts that is still on its way from who was attached. */
		replace_client();
		snprintf(number, sizeof(number), "%llu", (unsigned long long)input_total);
		set_limit();
		if (!tell(client, PACKET_HELLO, number))
			drop_client();
	} else {
		tell(greeter, PACKET_GONE, "");
		drop(&greeter);
	}
}

static void accept_greeter(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	drop(&greeter);
	greeter = fd;
}

static void take_input(void)
{
	char packet[PACKET_MAX];
	ssize_t len = recv(client, packet, sizeof(packet), MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || packet[0] != PACKET_INPUT) {
		drop_client();
		return;
	}
	input_at = 0;
	input_len = (size_t)len - 1;
	input_total += input_len;
	memcpy(input, packet + 1, input_len);
}

static void pass_input(void)
{
	ssize_t n = write(to_program, input + input_at, input_len - input_at);

	if (n > 0)
		input_at += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		drop(&to_program);
	if (input_at == input_len || to_program < 0)
		input_len = input_at = 0;
}

static void take_output(void)
{
	static char output[PACKET_MAX];
	size_t room = spool_room();
	ssize_t n = read(from_program, output, room < sizeof(output) ? room : sizeof(output));

	if (n < 0 && (errno == EINTR || (errno == EAGAIN && program)))
		return;
	if (n <= 0) { /* or only something that the program left behind holds the pipe open */
		drop(&from_program);
		return;
	}
	if (spool_add(output, (size_t)n)) {
		/* No room on the disk: the stream ends here, and so does the program. */
		drop(&from_program);
		terminate();
	}
	if (asked_to_stop)
		spool_sent = spool_head;
}

static void pass_output(void)
{
	char packet[PACKET_MAX];
	ssize_t n = spool_next(packet + 1, sizeof(packet) - 1);

	packet[0] = PACKET_OUTPUT;
	if (n > 0 && send(client, packet, (size_t)n + 1, MSG_NOSIGNAL | MSG_DONTWAIT) == n + 1)
		spool_sent += (uint64_t)n;
	else if (n <= 0 || (errno != EAGAIN && errno != EINTR))
		drop_client();
}

static bool is_over(void)
{
	return !program && from_program < 0;
}

/* Is there something to tell who is attached? */
static bool has_news(void)
{
	return spool_sent < spool_head || (is_over() && !told_end);
}

static void serve_client(short revents)
{
	if (revents & POLLOUT && spool_sent < spool_head)
		pass_output();
	else if (revents & POLLOUT && is_over())
		told_end = tell(client, PACKET_END, "");
	if (client >= 0 && revents & (POLLIN | POLLHUP | POLLERR) && !input_len)
		take_input();
}

static void wait_and_serve(void)
{
	short wanted = (short)((input_len ? 0 : POLLIN) | (has_news() ? POLLOUT : 0));
	struct pollfd fds[] = {
		{ .fd = signals, .events = POLLIN },
		{ .fd = from_program >= 0 && spool_room() ? from_program : -1, .events = POLLIN },
		{ .fd = to_program, .events = input_len ? POLLOUT : 0 },
		{ .fd = wanted ? client : -1, .events = wanted },
		{ .fd = greeter, .events = POLLIN },
		{ .fd = listener, .events = POLLIN },
	};
	int64_t left = limit == NEVER ? -1 : limit - now_ns();

	/* What has ended is read without waiting: it may have left the pipe to somebody else. */
	if (!program && from_program >= 0)
		left = 0;
	if (poll(fds, sizeof(fds) / sizeof(fds[0]),
		 limit == NEVER && left ? -1 : (int)(left / 1000000) + (left > 0)) < 0)
		return;
	if (fds[0].revents)
		read_signals();
	if (fds[1].revents || (fds[1].fd >= 0 && !program))
		take_output();
	if (fds[2].revents & POLLERR)
		drop(&to_program);
	if (input_len && (to_program < 0 || fds[2].revents))
		pass_input();
	if (fds[3].revents)
		serve_client(fds[3].revents);
	if (fds[4].revents)
		greet();
	if (fds[5].revents)
		accept_greeter();
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)st;
	(void)flag;
	(void)walk;
	remove(path);
	return 0;
}

static int listen_and_start(const struct relay *relay)
{
	char path[4096];
	int error;

	snprintf(path, sizeof(path), "%s/" SPOOL_NAME, relay->folder);
	error = spool_open(path);
	if (error)
		return error;
	listener = relay_socket(relay->folder, 1);
	return listener < 0 ? listener : start_program(relay->argv);
}

void relay_serve(const struct relay *relay, void (*ready)(int error))
{
	sigset_t mask;
	int error;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	error = listen_and_start(relay);
	ready(-error);
	if (error)
		_exit(1);

	linger_ns = relay->linger_ns;
	set_limit();
	while (!asked_to_stop || !is_over()) {
		if (now_ns() >= limit) {
			/* Killed, and still there: the kernel holds it, and will not let it go. */
			if (is_over() || terminations > 1)
				break;
			terminate();
		}
		wait_and_serve();
	}
	if (client >= 0 && is_over())
		tell(client, PACKET_END, "");
	nftw(relay->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	_exit(0);
}
