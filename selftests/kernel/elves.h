/* SPDX-License-Identifier: MIT */
/*
 * Small ELF files, for what no linker makes. All of them have the same three pages:
 * headers, code that ends with ALLOWED (or waits first), and code that ends with
 * RAN_ASTRAY (or with DENIED, where it asks for executable memory in vain), to which
 * nothing leads but headers that were changed.
 */
#ifndef ELVES_H
#define ELVES_H

#include <elf.h>

#include "probe.h"

#define ELVES		"/t/loaders"	/* where they are, sealed */
#define LOADER		"/run/loader"	/* what the program names as its loader */
#define PAGE		4096UL
#define PROGRAM_AT	0x400000UL
#define LOADER_AT	0x10000000UL
#define MOST_SEGMENTS	3
#define RAN_ASTRAY	98

#define CODE_EXIT(status) "\xb8\x3c\0\0\0\xbf" status "\0\0\0\x0f\x05"
/* read(0, sp, 1) */
#define CODE_WAIT "\x31\xc0\x31\xff\x48\x89\xe6\xba\x01\0\0\0\x0f\x05"
/* mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) */
#define CODE_MAP "\xb8\x09\0\0\0\x31\xff\xbe\0\x10\0\0\xba\x05\0\0\0\x41\xba\x22\0\0\0" \
		 "\x49\xc7\xc0\xff\xff\xff\xff\x45\x31\xc9\x0f\x05"
/* Over the first of two ends when it failed. */
#define CODE_SKIP "\x48\x85\xc0\x78\x0c"

struct segment {
	uint32_t flags;
	uint64_t page;		/* in the file and in memory */
	uint64_t in_file, in_memory;
};

struct elf {
	const char *name;
	const char *loader;	/* PT_INTERP */
	bool dynamic, waits, asks;
	uint64_t at, entry;
	struct segment segments[MOST_SEGMENTS];
};

#define CODE_PAGE	{ PF_R | PF_X, 1, PAGE, PAGE }
#define BOTH_PAGES	{ PF_R | PF_X, 1, 2 * PAGE, 2 * PAGE }
#define OF_LOADER	.at = LOADER_AT, .entry = LOADER_AT + PAGE
#define IN_PROGRAM	PROGRAM_AT + PAGE

static const struct elf elves[] = {
	{ "program", LOADER, .at = PROGRAM_AT, .entry = IN_PROGRAM, .segments = { CODE_PAGE } },
	{ "relative", "loader", .at = PROGRAM_AT, .entry = IN_PROGRAM, .segments = { CODE_PAGE } },
	{ "waits", .waits = true, OF_LOADER, .segments = { CODE_PAGE } },
	{ "astray", OF_LOADER + PAGE, .segments = { { PF_R | PF_X, 2, PAGE, PAGE } } },
	{ "asks", .asks = true, OF_LOADER, .segments = { BOTH_PAGES } },
	{ "asks-astray", .asks = true, OF_LOADER + PAGE, .segments = { BOTH_PAGES } },
	/* Loaders of every shape. */
	{ "plain", OF_LOADER, .segments = { CODE_PAGE } },
	{ "dynamic", .dynamic = true, .entry = PAGE, .segments = { CODE_PAGE } },
	{ "bss", OF_LOADER,
	  .segments = { CODE_PAGE, { PF_R | PF_W, 2, 16, 3 * PAGE } } },
	{ "bss-exec", OF_LOADER,
	  .segments = { CODE_PAGE, { PF_R | PF_W | PF_X, 4, 0, 16 * PAGE } } },
	{ "write-exec", OF_LOADER, .segments = { { PF_R | PF_W | PF_X, 1, PAGE, PAGE } } },
	/* The kernel starts where the loader says: in the program, here. */
	{ "outside", .at = LOADER_AT, .entry = IN_PROGRAM, .segments = { { PF_R, 1, PAGE, PAGE } } },
	{ "no-page", .at = LOADER_AT, .entry = IN_PROGRAM,
	  .segments = { { PF_R | PF_W, 1, 0, PAGE } } },
};

static MAYBE_UNUSED void make_elf(const struct elf *elf, const char *path)
{
	static const char wait[] = CODE_WAIT, good[] = CODE_EXIT("\x0a"), astray[] = CODE_EXIT("\x62");
	static const char asks[] = CODE_MAP CODE_SKIP CODE_EXIT("\x62") CODE_EXIT("\x0b");
	static char file[3 * PAGE];
	Elf64_Ehdr *head = (void *)file;
	Elf64_Phdr *p = (void *)(head + 1);
	char *name = file + PAGE / 2, *code = file + PAGE;
	int fd;

	memset(file, 0, sizeof(file));
	memcpy(head->e_ident, ELFMAG "\2\1\1", 7);
	head->e_type = elf->dynamic ? ET_DYN : ET_EXEC;
	head->e_machine = EM_X86_64;
	head->e_version = EV_CURRENT;
	head->e_entry = elf->entry;
	head->e_phoff = sizeof(*head);
	head->e_ehsize = sizeof(*head);
	head->e_phentsize = sizeof(*p);
	if (elf->loader) {
		strcpy(name, elf->loader);
		*p++ = (Elf64_Phdr){ PT_INTERP, PF_R, PAGE / 2, 0, 0, strlen(name) + 1,
				     strlen(name) + 1, 1 };
	}
	/* Another content than that of its twin with a changed header. */
	if (elf->asks)
		strcpy(name, elf->name);
	for (const struct segment *s = elf->segments; s->flags; s++) {
		uint64_t at = elf->at + s->page * PAGE;

		*p++ = (Elf64_Phdr){ PT_LOAD, s->flags, s->page * PAGE, at, at, s->in_file,
				     s->in_memory, PAGE };
		if (s == &elf->segments[MOST_SEGMENTS - 1])
			break;
	}
	*p++ = (Elf64_Phdr){ PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0, 0, 16 };
	head->e_phnum = p - (Elf64_Phdr *)(head + 1);
	if (elf->waits) {
		memcpy(code, wait, sizeof(wait) - 1);
		code += sizeof(wait) - 1;
	}
	memcpy(code, good, sizeof(good));
	memcpy(file + 2 * PAGE, elf->asks ? asks : astray,
	       elf->asks ? sizeof(asks) : sizeof(astray));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	if (fd < 0)
		broken("%s", path);
	write_file(fd, file, sizeof(file));
	close(fd);
}

/* Where the headers say what page the first segment with code is. */
static MAYBE_UNUSED off_t place_of_code(const char *path)
{
	char file[PAGE];
	const Elf64_Ehdr *head = (void *)file;
	const Elf64_Phdr *p = (void *)(head + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, file, sizeof(file)) != (ssize_t)sizeof(file))
		broken("%s", path);
	close(fd);
	for (int i = 0; i < head->e_phnum; i++)
		if (p[i].p_type == PT_LOAD && p[i].p_flags & PF_X)
			return (const char *)&p[i].p_offset - file;
	broken("%s: no code", path);
}

/* Makes @to what a fixed name leads to. */
static MAYBE_UNUSED void point(const char *name, const char *to)
{
	unlink(name);
	if (symlink(to, name))
		broken("symlink %s", name);
}

#endif /* ELVES_H */
