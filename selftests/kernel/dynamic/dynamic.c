// SPDX-License-Identifier: MIT
/*
 * What is executed with shared libraries: loads the library that it is given, if
 * any.
 */
#include <dlfcn.h>

#include "../probe.h"

int main(int argc, char **argv)
{
	if (argc > 1 && !dlopen(argv[1], RTLD_NOW))
		return strstr(dlerror(), "failed to map") ? DENIED : DENIED_OTHERWISE;
	return ALLOWED;
}
