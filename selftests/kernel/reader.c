// SPDX-License-Identifier: MIT
/*
 * reader FILE: an interpreter that takes its time. ALLOWED when FILE has the word
 * "exchanged" in it by then.
 */
#include "probe.h"

int main(int argc, char **argv)
{
	char text[4096] = "", c;
	int fd;

	if (read(0, &c, 1) < 0)
		return BROKEN;
	fd = open(argc > 1 ? argv[1] : "", O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return BROKEN;
	return strstr(text, "exchanged") ? ALLOWED : DENIED;
}
