// SPDX-License-Identifier: MIT
/*
 * What is executed: as a program, or as the interpreter of a script.
 */
#include "probe.h"

int main(void)
{
	return ALLOWED;
}
