/* SPDX-License-Identifier: MIT */
/*
 * What an ELF file needs to run: its interpreter, its libraries, an executable stack.
 */
#ifndef RCPT_ELFFILE_H
#define RCPT_ELFFILE_H

#include <stdbool.h>
#include <stddef.h>

#define ELF_MAX_NEEDED	256

/**
 * struct elf_needs - what it needs
 * @interp: path of the interpreter, or NULL
 * @runpath: DT_RUNPATH, else DT_RPATH, or NULL
 * @nneeded: used entries of @needed
 * @needed: names of libraries
 * @text: storage of @interp
 * @strings: storage of the others
 */
struct elf_needs {
	const char *interp;
	const char *runpath;
	size_t nneeded;
	const char *needed[ELF_MAX_NEEDED];
	char *text;
	char *strings;
};

/* What elf_read() returns. */
enum elf_kind {
	ELF_NONE,
	ELF_READ,
	ELF_OTHER,
};

bool elf_is_64(int fd);
bool elf_executable_memory(int fd);
enum elf_kind elf_read(int fd, struct elf_needs *needs);
void elf_free(struct elf_needs *needs);

#endif /* RCPT_ELFFILE_H */
