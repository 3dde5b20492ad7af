/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program wrote last, in a file that never grows beyond SPOOL_BYTES. */
#ifndef CTS_SPOOL_H
#define CTS_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPOOL_BYTES (64ULL << 20)
/*
 * What was passed on may still be on its way when the connection breaks: in two sockets, in ssh's
 * window of 2 MiB, in pipes. So much of it is kept.
 */
#define SPOOL_KEPT (16ULL << 20)

/* Bytes of the stream: so many there have been, and so many were passed on to who is attached. */
extern uint64_t spool_head, spool_sent;

/* Makes the file. Returns 0 or -errno. */
int spool_open(const char *path);

/* How much may be added now without losing what was not passed on. */
size_t spool_room(void);

/* Adds len bytes, at most spool_room(). Returns 0 or -errno. */
int spool_add(const char *bytes, size_t len);

/* The next bytes to be passed on, at most size. Returns how many there are, or -errno. */
ssize_t spool_next(char *bytes, size_t size);

/* Passes on from this byte of the stream. False if it is not kept any more, or never was. */
bool spool_seek(uint64_t offset);

#endif
