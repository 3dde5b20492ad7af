/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CTS_FILE_H
#define CTS_FILE_H

#define FILE_MAX (1 << 20) /* bytes of one file */

/*
 * Sends the bytes of the file at path as file events; a longer file than FILE_MAX ends with an
 * error.
 */
void file_send(const char *path);

#endif
