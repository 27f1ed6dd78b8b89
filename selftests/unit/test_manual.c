// SPDX-License-Identifier: MIT
/*
 * The manual says what the programs take, and they take what it says: properties
 * of policies, commands and options.
 */
#include "../../kmod/policy_parse.c"	/* before cmocka, which has a fail(), too */

#include <ctype.h>

#include "folder.h"
#include "policy_text.h"

#define MAX_WORDS	256
#define MAX_COMMANDS	64
#define MAN		"Documentation/man/"

static char programs[PATH_MAX];	/* their folder */

/*
 * Sets of words
 */

struct words {
	size_t n;
	char at[MAX_WORDS][64];
};

static bool has(const struct words *set, const char *word)
{
	for (size_t i = 0; i < set->n; i++)
		if (!strcmp(set->at[i], word))
			return true;
	return false;
}

static void add(struct words *set, const char *word)
{
	if (has(set, word))
		return;
	assert_true(set->n < MAX_WORDS && strlen(word) < sizeof(set->at[0]));
	strcpy(set->at[set->n++], word);
}

static size_t nmissing;

/* What is in @a is in @b as well; what is not is counted. */
static void expect_within(const struct words *a, const struct words *b, const char *what,
			  const char *where)
{
	for (size_t i = 0; i < a->n; i++) {
		if (has(b, a->at[i]))
			continue;
		print_error("%s: %s: not in %s\n", what, a->at[i], where);
		nmissing++;
	}
}

static void read_all(FILE *f, char *text, size_t room)
{
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, room - 1, f);
	assert_true(n && n < room - 1);
	text[n] = '\0';
}

static void read_page(const char *name, char *text, size_t room)
{
	FILE *f = fopen(name, "re");

	read_all(f, text, room);
	fclose(f);
}

/*
 * Properties
 */

static const struct {
	const char *section;
	const struct property *properties;
} sections[] = {
	{ "Header", header_properties },
	{ "Logs", log_properties },
	{ "Revocation", revoke_properties },
	{ "Defaults", default_properties },
	{ "Rules", rule_properties },
};

#define LOG	"log name=l alg=ES384 key=" P384_B " issuer=x"
#define RULE	"op=EXECUTE receipt=acme "
#define THEN	" action=ALLOW"

static const struct {
	const char *section;
	const char *name;
	const char *line;
} examples[] = {
	{ "Header", "policy_name", HEADER }, { "Header", "policy_version", HEADER },
	{ "Header", "mode", HEADER },
	{ "Header", "policy_svn", "policy_svn=3 " HEADER },
	{ "Header", "helper_timeout", "helper_timeout=30 " HEADER },
	{ "Header", "no_helper", "no_helper=deny " HEADER },
	{ "Header", "digests", "digests=sha256,fsverity,dmverity " HEADER },
	{ "Header", "recheck", "recheck=setuid " HEADER },
	{ "Header", "mounts", "mounts=sealed " HEADER },
	{ "Logs", "name", LOG }, { "Logs", "alg", LOG }, { "Logs", "key", LOG },
	{ "Logs", "issuer", LOG },
	{ "Logs", "identity", LOG " identity=verified" },
	{ "Logs", "entry", LOG " entry=stmt" },
	{ "Logs", "not_before", LOG " not_before=2026-01-31T00:00:00Z" },
	{ "Logs", "not_after", LOG " not_after=2026-01-31T00:00:00Z" },
	{ "Logs", "min_position", LOG " min_position=7" },
	{ "Revocation", "digest", "revoke digest=sha256:" HEX_A },
	{ "Revocation", "fsverity", "revoke fsverity=sha256:" HEX_A },
	{ "Revocation", "dmverity", "revoke dmverity=sha256:" HEX_A },
	{ "Revocation", "issuer", "revoke issuer=evil" },
	{ "Revocation", "subject", "revoke subject=\"deb/*\"" },
	{ "Revocation", "issuer_key", "revoke issuer_key=" P256_C },
	{ "Revocation", "svn_below", "revoke subject=\"deb/*\" svn_below=7" },
	{ "Defaults", "op", "DEFAULT op=FIRMWARE" THEN },
	{ "Defaults", "action", "DEFAULT op=FIRMWARE" THEN },
	{ "Rules", "op", RULE THEN }, { "Rules", "receipt", RULE THEN },
	{ "Rules", "action", RULE THEN },
	{ "Rules", "issuer", RULE "issuer=\"acme*\"" THEN },
	{ "Rules", "subject", RULE "subject=\"deb/*\"" THEN },
	{ "Rules", "min_svn", RULE "min_svn=7" THEN },
	{ "Rules", "issuer_key", RULE "issuer_key=" P256_C THEN },
	{ "Rules", "digest", "op=EXECUTE digest=sha256:" HEX_A THEN },
	{ "Rules", "fsverity", "op=EXECUTE fsverity=sha256:" HEX_A THEN },
	{ "Rules", "dmverity", "op=EXECUTE dmverity=sha256:" HEX_A THEN },
	{ "Rules", "boot_verified", "op=EXECUTE boot_verified=TRUE" THEN },
	{ "Rules", "fstype", "op=EXECUTE fstype=ext4" THEN },
	{ "Rules", "max_age", RULE "max_age=90d" THEN },
	{ "Rules", "min_position", RULE "min_position=7" THEN },
};

/* Names on a line of mdoc: "NAME Ns =", or all of a list "Cm NAME , NAME". */
static void take_properties(char *line, struct words *set)
{
	bool is_list = !strstr(line, " Ns =") && strstr(line, " , ");
	char *save, *word, *before = "";

	for (word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (is_list ? islower(*word) : !strcmp(word, "=") && *before)
			add(set, is_list ? word : before);
		if (strcmp(word, "Ns"))
			before = islower(*word) ? word : "";
	}
}

static void read_section(const char *section, struct words *set)
{
	char text[65536], heading[64], *line, *save;
	bool inside = false, in_item = false;

	snprintf(heading, sizeof(heading), ".Ss %s", section);
	read_page(MAN "receipt.policy.5", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, ".Ss ", 4) || !strncmp(line, ".Sh ", 4))
			inside = !strcmp(line, heading);
		if (!strcmp(line, ".It Xo") || !strcmp(line, ".Xc"))
			in_item = line[1] == 'I';
		if (inside && (!strncmp(line, ".It Cm ", 7) || in_item))
			take_properties(line, set);
	}
}

static bool is_taken(const char *section, const char *line)
{
	bool is_header = !strcmp(section, "Header");
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	char text[4096];

	snprintf(text, sizeof(text), "%s\n" ACME DENY "%s\n", is_header ? line : VERITY,
		 is_header ? "" : line);
	policy = receipt_policy_parse(text, strlen(text), &err);
	if (IS_ERR(policy))
		return false;
	receipt_policy_free(policy);
	return true;
}

static void test_properties(void **state)
{
	(void)state;
	nmissing = 0;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		struct words manual = { 0 }, parser = { 0 }, shown = { 0 };

		for (const struct property *p = sections[i].properties; p->name; p++)
			add(&parser, p->name);
		for (size_t j = 0; j < ARRAY_SIZE(examples); j++)
			if (!strcmp(examples[j].section, sections[i].section))
				add(&shown, examples[j].name);
		read_section(sections[i].section, &manual);
		expect_within(&manual, &parser, sections[i].section, "the parser");
		expect_within(&parser, &manual, sections[i].section, "the manual");
		expect_within(&parser, &shown, sections[i].section, "the examples");
	}
	assert_int_equal(nmissing, 0);
}

/* Each example is taken; it is not when the property has another name. */
static void test_examples(void **state)
{
	char name[64], other[2048];
	const char *at;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		if (!is_taken(examples[i].section, examples[i].line))
			fail_msg("refused: %s", examples[i].line);
		snprintf(name, sizeof(name), "%s=", examples[i].name);
		at = strstr(examples[i].line, name);
		assert_non_null(at);
		snprintf(other, sizeof(other), "%.*sx%s", (int)(at - examples[i].line),
			 examples[i].line, at);
		if (is_taken(examples[i].section, other))
			fail_msg("taken: %s", other);
	}
}

/*
 * Commands and options
 */

struct command {
	char name[64];
	struct words options;
};

static struct command commands[MAX_COMMANDS];
static size_t ncommands;

static struct command *command(const char *name)
{
	for (size_t i = 0; i < ncommands; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	assert_true(ncommands < MAX_COMMANDS);
	snprintf(commands[ncommands].name, sizeof(commands[0].name), "%s", name);
	return &commands[ncommands++];
}

/* Options on a line of mdoc that has macros for them: "Fl -name", and a list. */
static void take_fl(const char *line, struct words *set)
{
	char copy[1024], *save, *word;

	if (*line != '.' || !strstr(line, "Fl "))
		return;
	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		if (word[0] == '-' && islower(word[1]))
			add(set, word + 1);
}

/* ".It Cm policy load Oo Fl ...": the words before the next macro or argument. */
static struct command *take_command(const char *line)
{
	char copy[1024], name[64] = "", *save, *word;
	size_t len = 0;

	snprintf(copy, sizeof(copy), "%s", line + strlen(".It Cm "));
	for (word = strtok_r(copy, " ", &save); word && islower(*word);
	     word = strtok_r(NULL, " ", &save))
		len += snprintf(name + len, sizeof(name) - len, "%s%s", len ? " " : "", word);
	return command(name);
}

/* Up to the section that tells of fields. */
static void read_commands(void)
{
	char text[65536], *line, *save;
	struct command *c = NULL;
	bool inside = false;

	read_page(MAN "receiptctl.8", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, ".Sh ", 4))
			inside = !strcmp(line, ".Sh DESCRIPTION");
		if (inside && !strncmp(line, ".It Cm ", 7))
			c = take_command(line);
		if (inside && c)
			take_fl(line, &c->options);
	}
}

static void help_of(const char *program, char *text, size_t room)
{
	char shell[PATH_MAX + 128];
	FILE *f;

	snprintf(shell, sizeof(shell), "%s/%s --help", programs, program);
	f = popen(shell, "re");
	read_all(f, text, room);
	if (pclose(f))
		fail_msg("%s --help fails", program);
}

static void take_options(const char *text, struct words *set)
{
	char name[64];
	size_t len;

	while ((text = strstr(text, "--"))) {
		text += 2;
		len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
		snprintf(name, sizeof(name), "%.*s", (int)len, text);
		if (len)
			add(set, name);
	}
}

/* Of a help text for several commands only the usage of one counts. */
static void options_of(const char *name, struct words *set)
{
	char help[16384], program[96], usage[96], *start, *end;

	snprintf(program, sizeof(program), "receiptctl %s", name);
	help_of(program, help, sizeof(help));
	start = help;
	if (!strncmp(name, "policy ", 7) && strstr(help, "receiptctl policy check")) {
		snprintf(usage, sizeof(usage), "receiptctl %s ", name);
		start = strstr(help, usage);
		assert_non_null(start);
		end = strstr(start + 1, "receiptctl policy ");
		end = end ? end : strstr(start, "\n\n");
		*end = '\0';
	}
	take_options(start, set);
}

static void test_options(void **state)
{
	struct words *of_seal = &command("seal")->options;

	(void)state;
	nmissing = 0;
	for (size_t i = 0; i < ncommands; i++) {
		struct command *c = &commands[i];
		struct words help = { 0 }, manual = c->options;

		options_of(c->name, &help);
		/* "Most commands take --json", and each --help. */
		add(&manual, "json");
		add(&manual, "help");
		if (!strcmp(c->name, "policy seal"))
			for (size_t j = 0; j < of_seal->n; j++)
				add(&manual, of_seal->at[j]);
		expect_within(&help, &manual, c->name, "the manual");
		expect_within(&c->options, &help, c->name, "--help");
	}
	assert_int_equal(nmissing, 0);
}

/* Commands that a help text lists in rows, or has in its usage. */
static void take_listed(const char *text, const char *before, struct words *set)
{
	char usage[96], name[64], word[32];
	const char *line;

	snprintf(usage, sizeof(usage), "receiptctl %s", before);
	for (line = text; line; line = strchr(line, '\n')) {
		const char *at = line + (*line == '\n');
		const char *listed = strstr(text, " COMMAND [") ? "  %31[a-z-] %*s" : "\n%31[a-z-]";

		line = at;
		if (*before && (!strncmp(at, "usage: ", 7) || !strncmp(at, "       ", 7)) &&
		    !strncmp(at + 7, usage, strlen(usage)))
			at += 7 + strlen(usage);
		else if (listed[0] != ' ' || strncmp(at, "  ", 2))
			continue;
		if (sscanf(at, " %31[a-z-]", word) != 1)
			continue;
		snprintf(name, sizeof(name), "%s%s%s", before, *before ? " " : "", word);
		if (word[0] != '-')
			add(set, name);
	}
}

static void test_commands(void **state)
{
	struct words top = { 0 }, all = { 0 }, manual = { 0 };
	char help[16384], program[96];

	(void)state;
	nmissing = 0;
	assert_true(ncommands > 20);
	for (size_t i = 0; i < ncommands; i++)
		add(&manual, commands[i].name);
	help_of("receiptctl", help, sizeof(help));
	take_listed(help, "", &top);
	assert_true(top.n > 10);
	for (size_t i = 0; i < top.n; i++) {
		size_t before = all.n;

		snprintf(program, sizeof(program), "receiptctl %s", top.at[i]);
		help_of(program, help, sizeof(help));
		take_listed(help, top.at[i], &all);
		if (all.n == before)
			add(&all, top.at[i]);
	}
	expect_within(&all, &manual, "receiptctl", "the manual");
	expect_within(&manual, &all, "receiptctl", "--help");
	assert_int_equal(nmissing, 0);
}

static void test_receiptd(void **state)
{
	char text[65536], *line, *save;
	struct words manual = { 0 }, help = { 0 };

	(void)state;
	nmissing = 0;
	read_page(MAN "receiptd.8", text, sizeof(text));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_fl(line, &manual);
	help_of("receiptd", text, sizeof(text));
	take_options(text, &help);
	assert_true(help.n > 4);
	expect_within(&manual, &help, "receiptd", "--help");
	expect_within(&help, &manual, "receiptd", "the manual");
	assert_int_equal(nmissing, 0);
}

static int find_programs(void)
{
	ssize_t n = readlink("/proc/self/exe", programs, sizeof(programs) - 32);

	if (n <= 0)
		return -1;
	programs[n] = '\0';
	strcpy(strrchr(programs, '/'), "/..");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_properties),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_receiptd),
	};

	if (find_programs())
		return 1;
	read_commands();
	return cmocka_run_group_tests_name("manual", tests, NULL, NULL);
}
