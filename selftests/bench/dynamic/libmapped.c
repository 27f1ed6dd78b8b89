// SPDX-License-Identifier: MIT
/* The library that the bench maps. */
int mapped(void);

int mapped(void)
{
	return 0;
}
