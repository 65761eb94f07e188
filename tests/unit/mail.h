/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_MAIL_H
#define TESTS_UNIT_MAIL_H

/* Messages, spools, pieces of any size, and a gpg that has the secret keys. */

#include "keys/inspect.h"
#include "keys/key.h"
#include "seal/message.h"
#include "seal/seal.h"
#include "tests/tap.h"
#include "tests/unit/sample.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory of this program's own; mail_end() removes it. */
static char *mail_directory;
static struct spool_limits mail_limits;
static char *mail_home;   /* of gpg, NULL until it is needed */
static char *mail_output; /* standard output of what ran last */

static inline void
mail_begin(void)
{
	/* What a library complains of is a failure. */
	(void)g_log_set_always_fatal(
	    G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
	mail_directory = g_dir_make_tmp("sealmilter-XXXXXX", NULL);
	if (mail_directory == NULL)
		g_error("cannot make a directory");
	mail_limits = (struct spool_limits){mail_directory, 1U << 20};
}

static inline bool
mail_run(const char *first, ...)
{
	GPtrArray *argv = g_ptr_array_new();
	char *argument, *errors = NULL;
	int status = -1;
	va_list rest;
	bool done;

	g_ptr_array_add(argv, g_strdup(first));
	va_start(rest, first);
	while ((argument = va_arg(rest, char *)) != NULL)
		g_ptr_array_add(argv, g_strdup(argument));
	va_end(rest);
	g_ptr_array_add(argv, NULL);
	g_clear_pointer(&mail_output, g_free);
	done = g_spawn_sync(mail_directory, (char **)argv->pdata, NULL,
		   G_SPAWN_SEARCH_PATH, NULL, NULL, &mail_output, &errors,
		   &status, NULL) &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
	g_free(errors);
	g_strfreev((char **)g_ptr_array_free(argv, FALSE));
	return done;
}

__attribute__((unused)) static inline void
mail_end(void)
{
	if (mail_home != NULL)
		(void)mail_run(
		    "gpgconf", "--homedir", mail_home, "--kill", "all", NULL);
	(void)mail_run("rm", "-rf", mail_directory, NULL);
	g_clear_pointer(&mail_output, g_free);
	g_clear_pointer(&mail_home, g_free);
	g_clear_pointer(&mail_directory, g_free);
}

__attribute__((unused)) static inline char *
mail_path(const char *name)
{
	return g_build_filename(mail_directory, name, NULL);
}

/* --- Pieces */

enum feed {
	FEED_WHOLE,
	FEED_BYTES,
	FEED_RANDOM,
};

#define FEEDS 3

__attribute__((unused)) static const char *const feed_names[FEEDS] = {
    "whole", "octet by octet", "in random pieces"};

static GRand *feed_rand;

/* TEST_SEED repeats a run. */
__attribute__((unused)) static inline void
feed_begin(void)
{
	const char *given = g_getenv("TEST_SEED");
	guint32 seed = given != NULL
			   ? (guint32)g_ascii_strtoull(given, NULL, 10)
			   : g_random_int();

	printf("# seed %u\n", seed);
	feed_rand = g_rand_new_with_seed(seed);
}

__attribute__((unused)) static inline void
feed_end(void)
{
	g_clear_pointer(&feed_rand, g_rand_free);
}

/* From 0 to max - 1. */
__attribute__((unused)) static inline size_t
feed_random(size_t max)
{
	return max <= 1 ? 0
			: (size_t)g_rand_int_range(feed_rand, 0, (gint32)max);
}

/* The length of the next piece of what is left. */
__attribute__((unused)) static inline size_t
feed_next(enum feed feed, size_t left)
{
	size_t n;

	switch (feed) {
	case FEED_WHOLE:
		return left;
	case FEED_BYTES:
		return MIN(left, 1);
	case FEED_RANDOM:
		n = 1 + feed_random(97);
		return MIN(left, n);
	}
	return left;
}

__attribute__((unused)) static inline GByteArray *
feed_octets(size_t len)
{
	GByteArray *octets = g_byte_array_new();
	size_t i;
	guint8 octet;

	for (i = 0; i < len; i++) {
		octet = (guint8)feed_random(256);
		g_byte_array_append(octets, &octet, 1);
	}
	return octets;
}

/* --- Spools */

/* All of a spool, or NULL if it cannot be read. */
__attribute__((unused)) static inline GString *
spool_text(const struct spool *spool)
{
	struct spool_reader *reader = spool_reader_make(spool);
	GString *text = g_string_new(NULL);
	const unsigned char *data;
	struct fault fault;
	size_t len;
	int r;

	while ((r = spool_reader_next(reader, &data, &len, &fault)) == 1)
		g_string_append_len(text, (const char *)data, (gssize)len);
	spool_reader_free(&reader);
	if (r != 0) {
		g_string_free(text, TRUE);
		return NULL;
	}
	return text;
}

__attribute__((unused)) static inline struct spool *
spool_of(const GString *text)
{
	struct spool *spool = spool_make(&mail_limits, false);
	struct fault fault;

	if (spool_append(spool, text->str, text->len, &fault) != 0)
		g_error("%s", fault.text);
	return spool;
}

/* --- Messages */

static inline int
mail_memory_file(const void *data, size_t len)
{
	int fd = memfd_create("mail", MFD_CLOEXEC);
	struct fault fault;

	if (fd == -1 || write_octets(fd, data, len, &fault) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0)
		g_error("no file in memory");
	return fd;
}

__attribute__((unused)) static inline struct message *
mail_parse_octets(const void *data, size_t len)
{
	struct message *message = message_make(&mail_limits);
	int fd = mail_memory_file(data, len);
	struct fault fault;

	if (message_read(message, fd, UINT64_MAX, &fault) != 0)
		g_error("%s", fault.text);
	close(fd);
	return message;
}

__attribute__((unused)) static inline struct message *
mail_parse(const char *text)
{
	return mail_parse_octets(text, strlen(text));
}

/* A file of tests/samples. */
__attribute__((unused)) static inline struct message *
mail_sample(const char *name)
{
	const char *top = g_getenv("top_srcdir");
	char *path = g_build_filename(
	    top == NULL ? "." : top, "tests", "samples", name, NULL);
	struct message *message;
	char *text;
	gsize len;

	if (!g_file_get_contents(path, &text, &len, NULL))
		g_error("%s is missing", path);
	message = mail_parse_octets(text, len);
	g_free(text);
	g_free(path);
	return message;
}

/* --- Keys */

/* The key of a file in tests/keys (or ../certs), as a source would find it. */
__attribute__((unused)) static inline struct key *
mail_key(const char *file, const char *address)
{
	const struct inspect_config config = {
	    mail_directory, GPG_PATH, 60000, false, NULL, NULL};
	GBytes *octets = sample_read(file, NULL);
	GPtrArray *found = NULL;
	struct key *key = NULL;
	struct fault fault;
	char *why = NULL;

	if (inspect_keys(&config, octets, &found, &fault) != 0)
		g_error("%s: %s", file, fault.text);
	((struct inspected *)g_ptr_array_index(found, 0))->checked = true;
	if (key_choose(found, address, "test", NULL, &key, &why, &fault) != 1)
		g_error("%s: %s", file, why == NULL ? "none" : why);
	g_ptr_array_unref(found);
	g_bytes_unref(octets);
	return key;
}

/* --- GnuPG with the secret keys */

static inline void
mail_home_need(void)
{
	static const char *const files[] = {
	    "alice.sec", "bob.sec", "carol.sec"};
	char *path;
	size_t i;

	if (mail_home != NULL)
		return;
	mail_home = mail_path("secret");
	if (g_mkdir(mail_home, 0700) != 0)
		g_error("%s: cannot make", mail_home);
	for (i = 0; i < G_N_ELEMENTS(files); i++) {
		path = sample_path(files[i]);
		if (!mail_run(GPG_PATH, "--homedir", mail_home, "--batch",
			"--quiet", "--import", path, NULL))
			g_error("gpg does not import %s", path);
		g_free(path);
	}
}

/* What gpg makes of that, with those options before it; NULL: nothing. */
__attribute__((unused)) static inline GString *
mail_gpg(const char *option1, const char *option2, const void *data, size_t len)
{
	char *in = mail_path("in"), *out = mail_path("out"), *text = NULL;
	GString *result = NULL;
	gsize octets;

	mail_home_need();
	g_unlink(out);
	if (!g_file_set_contents(in, data, (gssize)len, NULL))
		g_error("%s: cannot write", in);
	if (mail_run(GPG_PATH, "--homedir", mail_home, "--batch", "--quiet",
		"--yes", "--trust-model", "always", "--output", out, option1,
		option2 == NULL ? in : option2, option2 == NULL ? NULL : in,
		NULL) &&
	    g_file_get_contents(out, &text, &octets, NULL))
		result = g_string_new_len(text, (gssize)octets);
	g_free(text);
	g_free(in);
	g_free(out);
	return result;
}

#endif
