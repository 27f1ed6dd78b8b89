// SPDX-License-Identifier: MIT
/* The dynamic program that the bench executes: needs the loader and libc. */
int main(void)
{
	return 0;
}
