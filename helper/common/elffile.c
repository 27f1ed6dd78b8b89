// SPDX-License-Identifier: MIT
/*
 * What an ELF file needs to run. The file is hostile: every place that it names
 * is read with a bound, and nothing is read twice.
 */
#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elffile.h"

#ifndef EM_486
#define EM_486		6		/* of Linux alone */
#endif
#define MAX_HEADERS	128		/* program headers */
#define MAX_STACK_HEADERS 4096		/* bytes, as the kernel has it */
#define MAX_INTERP	4096		/* bytes */
#define MAX_DYNAMIC	4096		/* entries */
#define MAX_STRINGS	(4u << 20)	/* bytes */

/**
 * struct image - an ELF file that is being read
 * @fd: open
 * @nheaders: used entries of @headers
 * @headers: program headers
 */
struct image {
	int fd;
	size_t nheaders;
	Elf64_Phdr headers[MAX_HEADERS];
};

static bool read_at(int fd, uint64_t offset, void *buf, size_t len)
{
	size_t used = 0;

	if (offset > INT64_MAX - len)
		return false;
	while (used < len) {
		ssize_t n = pread(fd, (char *)buf + used, len - used, offset + used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		used += n;
	}
	return true;
}

/* A piece of the file with a zero byte behind it, or NULL. */
static char *read_piece(int fd, uint64_t offset, uint64_t len, uint64_t max)
{
	char *piece;

	if (!len || len > max)
		return NULL;
	piece = malloc(len + 1);
	if (!piece)
		return NULL;
	piece[len] = '\0';
	if (read_at(fd, offset, piece, len))
		return piece;
	free(piece);
	return NULL;
}

/**
 * elf_is_64() - could ld.so load it for a program of 64 bits?
 * @fd: open for reading
 *
 * Return: whether it is an ELF file of 64 bits, little endian.
 */
bool elf_is_64(int fd)
{
	unsigned char ident[EI_NIDENT];

	return read_at(fd, 0, ident, sizeof(ident)) && !memcmp(ident, ELFMAG, SELFMAG) &&
	       ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == ELFDATA2LSB;
}

/*
 * Flags of the memory that the kernel gives without a file: the stack, of which the last
 * header counts, @stack where there are none, and what a segment has beyond its file. More
 * headers than fit in a page the kernel does not execute.
 */
static uint32_t memory_flags(int fd, uint64_t offset, size_t size, size_t n, uint32_t stack)
{
	bool wide = size == sizeof(Elf64_Phdr);
	char *headers = read_piece(fd, offset, size * n, MAX_STACK_HEADERS);
	uint32_t beyond = 0;

	for (size_t i = 0; headers && i < n; i++) {
		Elf64_Phdr w = { 0 };
		Elf32_Phdr h = { 0 };
		uint32_t flags;

		memcpy(wide ? (void *)&w : &h, headers + i * size, size);
		flags = wide ? w.p_flags : h.p_flags;
		if ((wide ? w.p_type : h.p_type) == PT_GNU_STACK)
			stack = flags;
		else if (wide ? w.p_type == PT_LOAD && w.p_memsz > w.p_filesz :
			 h.p_type == PT_LOAD && h.p_memsz > h.p_filesz)
			beyond |= flags;
	}
	free(headers);
	return headers ? stack | beyond : 0;
}

/**
 * elf_executable_memory() - does the kernel give it executable memory without a file?
 * @fd: open for reading
 *
 * As kmod/program.c asks. A 32-bit program that says nothing of the stack gets all of its
 * memory executable; which of the two it is, the kernel tells by the size of its
 * program headers.
 *
 * Return: whether it does.
 */
bool elf_executable_memory(int fd)
{
	union {
		Elf32_Ehdr narrow;
		Elf64_Ehdr wide;
	} h = { 0 };
	uint32_t flags = 0;

	if (!read_at(fd, 0, &h, sizeof(h.narrow)) || memcmp(h.wide.e_ident, ELFMAG, SELFMAG))
		return false;
	if (h.wide.e_machine != EM_X86_64 && h.wide.e_machine != EM_386 &&
	    h.wide.e_machine != EM_486)
		return false;
	if (h.narrow.e_phentsize == sizeof(Elf32_Phdr))
		flags |= memory_flags(fd, h.narrow.e_phoff, sizeof(Elf32_Phdr), h.narrow.e_phnum,
				     PF_X);
	if (read_at(fd, 0, &h, sizeof(h.wide)) && h.wide.e_phentsize == sizeof(Elf64_Phdr))
		flags |= memory_flags(fd, h.wide.e_phoff, sizeof(Elf64_Phdr), h.wide.e_phnum, 0);
	return flags & PF_X;
}

static enum elf_kind read_headers(struct image *image)
{
	Elf64_Ehdr h;

	if (!read_at(image->fd, 0, &h, SELFMAG) || memcmp(h.e_ident, ELFMAG, SELFMAG))
		return ELF_NONE;
	if (!elf_is_64(image->fd) || !read_at(image->fd, 0, &h, sizeof(h)) ||
	    h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum > MAX_HEADERS)
		return ELF_OTHER;
	image->nheaders = h.e_phnum;
	return read_at(image->fd, h.e_phoff, image->headers,
		       image->nheaders * sizeof(Elf64_Phdr)) ? ELF_READ : ELF_OTHER;
}

static const Elf64_Phdr *find_header(const struct image *image, uint32_t type)
{
	for (size_t i = 0; i < image->nheaders; i++)
		if (image->headers[i].p_type == type)
			return &image->headers[i];
	return NULL;
}

/* Where an address lies in the file; -1 when nowhere. */
static uint64_t to_offset(const struct image *image, uint64_t address)
{
	for (size_t i = 0; i < image->nheaders; i++) {
		const Elf64_Phdr *h = &image->headers[i];

		if (h->p_type == PT_LOAD && address >= h->p_vaddr &&
		    address - h->p_vaddr < h->p_filesz)
			return h->p_offset + (address - h->p_vaddr);
	}
	return -1;
}

static uint64_t find_tag(const Elf64_Dyn *dyn, size_t n, int64_t tag)
{
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++)
		if (dyn[i].d_tag == tag)
			return dyn[i].d_un.d_val;
	return 0;
}

static bool take_names(struct elf_needs *needs, const Elf64_Dyn *dyn, size_t n, uint64_t size)
{
	uint64_t path = find_tag(dyn, n, DT_RUNPATH);

	if (!path)
		path = find_tag(dyn, n, DT_RPATH);
	if (path >= size)
		return false;
	if (path)
		needs->runpath = needs->strings + path;
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag != DT_NEEDED)
			continue;
		if (dyn[i].d_un.d_val >= size || needs->nneeded == ELF_MAX_NEEDED)
			return false;
		needs->needed[needs->nneeded++] = needs->strings + dyn[i].d_un.d_val;
	}
	return true;
}

static bool read_dynamic(const struct image *image, struct elf_needs *needs)
{
	const Elf64_Phdr *h = find_header(image, PT_DYNAMIC);
	Elf64_Dyn *dyn;
	uint64_t size;
	size_t n;
	bool ok;

	if (!h)
		return true;
	n = h->p_filesz / sizeof(*dyn);
	dyn = (void *)read_piece(image->fd, h->p_offset, h->p_filesz,
				 MAX_DYNAMIC * sizeof(*dyn));
	if (!dyn)
		return false;
	size = find_tag(dyn, n, DT_STRSZ);
	needs->strings = read_piece(image->fd, to_offset(image, find_tag(dyn, n, DT_STRTAB)),
				    size, MAX_STRINGS);
	ok = needs->strings && take_names(needs, dyn, n, size);
	free(dyn);
	return ok;
}

static bool read_interp(const struct image *image, struct elf_needs *needs)
{
	const Elf64_Phdr *h = find_header(image, PT_INTERP);

	if (!h)
		return true;
	needs->text = read_piece(image->fd, h->p_offset, h->p_filesz, MAX_INTERP);
	needs->interp = needs->text;
	return needs->text;
}

/**
 * elf_read() - read what a file needs
 * @fd: open for reading, a regular file; its position does not matter
 * @needs: result, for elf_free(), whatever is returned
 *
 * Return: ELF_READ; ELF_NONE when it is no ELF file; ELF_OTHER when it is one
 * that cannot be looked into: of another class, damaged, beyond a bound, or
 * unreadable.
 */
enum elf_kind elf_read(int fd, struct elf_needs *needs)
{
	struct image image = { .fd = fd };
	enum elf_kind kind = read_headers(&image);

	memset(needs, 0, sizeof(*needs));
	if (kind != ELF_READ)
		return kind;
	return read_interp(&image, needs) && read_dynamic(&image, needs) ? ELF_READ : ELF_OTHER;
}

/**
 * elf_free() - free what elf_read() made
 * @needs: left empty
 */
void elf_free(struct elf_needs *needs)
{
	free(needs->text);
	free(needs->strings);
	memset(needs, 0, sizeof(*needs));
}
