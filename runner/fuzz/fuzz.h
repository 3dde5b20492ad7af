/* SPDX-License-Identifier: GPL-2.0-only */
/* What libFuzzer calls, and the checks of the fuzz targets. */
#ifndef CTS_FUZZ_H
#define CTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * See https://llvm.org/docs/LibFuzzer.html. A target has run_one() and set_up(); the mutator
 * and its seed are libFuzzer's.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* Something that holds for every input. */
#define CHECK(what)                                                                              \
	do {                                                                                     \
		if (!(what)) {                                                                   \
			fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #what); \
			abort();                                                                 \
		}                                                                                \
	} while (0)

#endif
