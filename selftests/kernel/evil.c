// SPDX-License-Identifier: MIT
/*
 * What must never run: not sealed, and told from all else by its exit status.
 */
int main(void)
{
	return 99;
}
