/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cts-relay keeps cts-exec running while nobody listens. See docs/stream.md.
 *
 * The packets on its socket (SOCK_SEQPACKET) begin with one of these bytes.
 */
#ifndef CTS_RELAY_H
#define CTS_RELAY_H

#include <stddef.h>
#include <stdint.h>

#define SOCKET_NAME "socket"
#define SPOOL_NAME "spool"
#define PACKET_MAX 32768

/* to the relay */
#define PACKET_ATTACH 'A' /* and a decimal number: from which byte of the stream on */
#define PACKET_STOP 'S'
#define PACKET_INPUT 'I' /* and bytes for the program */
/* from the relay */
#define PACKET_HELLO 'H'    /* and a decimal number: how many bytes of input it has got so far */
#define PACKET_OUTPUT 'O'   /* and bytes of the stream */
#define PACKET_END 'E'	    /* the program has ended, and that was all */
#define PACKET_REPLACED 'R' /* somebody else is attached now */
#define PACKET_GONE 'G'	    /* the stream is not kept from that byte on */

/* Exit codes of cts-relay beside 0 and of a program that can't be started. */
#define EXIT_NO_RELAY 1
#define EXIT_USAGE 2
#define EXIT_REPLACED 4
#define EXIT_GONE 5

struct relay {
	const char *folder; /* 0700, ours */
	char *const *argv;
	int64_t linger_ns;
};

/*
 * Runs argv with its standard streams as the stream, until it has ended and that was told, or
 * nobody asked for longer than the linger; then removes the folder. Once it listens it calls
 * ready(0), or ready(errno) if it never will. Does not return.
 */
_Noreturn void relay_serve(const struct relay *relay, void (*ready)(int error));

/* Joins standard input and output to the relay in folder. Returns an exit code. */
int relay_attach(const char *folder, uint64_t offset);

/* Ends the program and the relay, and waits for that. Returns an exit code. */
int relay_stop(const char *folder);

/* A socket's address has room for 107 bytes: this takes any path. Connected or listening; -errno. */
int relay_socket(const char *folder, int listening);

#endif
