// SPDX-License-Identifier: GPL-2.0-only
/* Runs a fuzz target once over each file that is named: for a compiler without libFuzzer. */
#include "fuzz.h"

static void replay(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data;
	long size;

	CHECK(file && !fseek(file, 0, SEEK_END));
	size = ftell(file);
	rewind(file);
	data = malloc(size > 0 ? (size_t)size : 1);
	CHECK(size >= 0 && data && fread(data, 1, (size_t)size, file) == (size_t)size);
	fclose(file);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	return 0;
}
