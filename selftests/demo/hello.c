// SPDX-License-Identifier: MIT
/* A program that nobody vouches for. */
#include <stdio.h>

int main(void)
{
	puts("hello from a program without a receipt");
	return 0;
}
