// SPDX-License-Identifier: GPL-2.0-only
/* Says which scratch medium __medium_open_in() finds in a folder, or why there is none. */
#include <stdio.h>

#include "medium.h"

int main(int argc, char **argv)
{
	struct medium medium;
	struct cts_missing missing;

	if (argc < 2)
		return 2;
	missing = __medium_open_in(argv[1], &medium);
	if (missing.what)
		printf("%s: %s\n", cts_skip_code(missing.reason), missing.what);
	else
		printf("%s %s\n", medium.disk, medium.bdf);
	return 0;
}
