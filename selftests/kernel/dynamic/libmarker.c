// SPDX-License-Identifier: MIT
/*
 * What is loaded: leaves a mark when its code runs. Fits LD_PRELOAD and LD_AUDIT.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

unsigned int la_version(unsigned int version);

static void __attribute__((constructor)) mark(void)
{
	const char *path = getenv("MARKER");

	if (path)
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

unsigned int la_version(unsigned int version)
{
	return version;
}
