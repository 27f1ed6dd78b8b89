// SPDX-License-Identifier: MIT
/* The static program that the bench executes. */
int main(void)
{
	return 0;
}
