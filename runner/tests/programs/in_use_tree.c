// SPDX-License-Identifier: GPL-2.0-only
/* Says what uses a PCI function of the machine that a folder stands for: in_use_tree ROOT BDF. */
#include <stdio.h>

#include "../../exec/in_use.h"

int main(int argc, char **argv)
{
	char why[512] = "";

	if (argc != 3)
		return 2;
	puts(in_use(argv[1], argv[2], why, sizeof(why)) ? why : "free");
	return 0;
}
