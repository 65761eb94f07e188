/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * passphrase.c - sealctl passphrase: set, list, delete.
 *
 * In:    addresses; a passphrase from a terminal, standard input or chance.
 * Out:   what changed; one that was generated, once.
 * Never: takes a passphrase from arguments or the environment, or logs one.
 */
#include <config.h>

#include "ctl/ask.h"
#include "ctl/family.h"
#include "ctl/json.h"
#include "keys/passphrases.h"
#include "policy/address.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static ctl_command passphrase_set, passphrase_print, passphrase_remove;

static const struct ctl_member members[] = {
    {"set", passphrase_set,
	"[--from SENDER] [--generate] [--hint TEXT] ADDRESS",
	"what opens envelopes to that address; it is asked for, read from "
	"standard input, or generated"},
    {"list", passphrase_print, "[--json] [ADDRESS]", "who has one"},
    {"delete", passphrase_remove, "[--from SENDER] ADDRESS",
	"use it no longer"},
};

static const struct ctl_family family = {
    "passphrase", members, G_N_ELEMENTS(members)};

/* The command line; strings are freed by clear(). */
struct wanted {
	bool generate, json;
	const char *hint;
	char *sender; /* canonical, or NULL */
	char *address;
};

static int parse(struct wanted *wanted, int argc, char *const argv[],
    const char *allowed, bool address_needed);
static int take_option(
    struct wanted *wanted, int option, const char *allowed, char *const argv[]);
static char *take_address(const char *text);
static void clear(struct wanted *wanted);
static char *get_words(const struct wanted *wanted, struct fault *fault);
static int store_words(const struct ctl *ctl, const struct wanted *wanted,
    const char *words, bool *therep, struct fault *fault);
static void print_entry(const struct passphrase_entry *entry);
static void json_entry(GString *json, const struct passphrase_entry *entry);

int
ctl_passphrase(struct ctl *ctl, int argc, char *const argv[])
{
	return ctl_family_run(&family, ctl, argc, argv);
}

/* --- The command line */

/* CTL_DONE; or CTL_USAGE after a message. */
static int
parse(struct wanted *wanted, int argc, char *const argv[], const char *allowed,
    bool address_needed)
{
	static const struct option options[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"generate", no_argument, NULL, 'g'},
	    {"hint", required_argument, NULL, 'h'},
	    {"json", no_argument, NULL, 'j'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1)
		if (take_option(wanted, option, allowed, argv) != 0)
			return ctl_family_usage(&family, argv[0]);
	if (argc - optind > 1 || (address_needed && optind == argc))
		return ctl_family_usage(&family, argv[0]);
	if (optind < argc &&
	    (wanted->address = take_address(argv[optind])) == NULL)
		return CTL_USAGE;
	return CTL_DONE;
}

static int
take_option(
    struct wanted *wanted, int option, const char *allowed, char *const argv[])
{
	if (option == '?' || option == ':') {
		ctl_option_error(option, argv);
		return -1;
	}
	if (strchr(allowed, option) == NULL) {
		ctl_error("\"passphrase %s\" has no such option", argv[0]);
		return -1;
	}
	if (option == 'f') {
		g_free(wanted->sender);
		wanted->sender = take_address(optarg);
		return wanted->sender == NULL ? -1 : 0;
	}
	if (option == 'g')
		wanted->generate = true;
	else if (option == 'h')
		wanted->hint = optarg;
	else
		wanted->json = true;
	return 0;
}

/* In canonical form, a new string; NULL after a message. */
static char *
take_address(const char *text)
{
	char *address = address_canonical(text);

	if (address != NULL && *address_domain(address) != '\0')
		return address;
	ctl_error("\"%s\" is not an address", text);
	g_free(address);
	return NULL;
}

static void
clear(struct wanted *wanted)
{
	g_free(wanted->sender);
	g_free(wanted->address);
}

/* --- set */

static int
passphrase_set(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct wanted wanted = {0};
	bool there = false;
	char *words = NULL;
	int status = parse(&wanted, argc, argv, "fgh", true);

	if (status != CTL_DONE)
		goto out;
	words = get_words(&wanted, &fault);
	if (words == NULL ||
	    store_words(ctl, &wanted, words, &there, &fault) != 0) {
		status = ctl_fault(&fault);
		goto out;
	}
	if (wanted.generate)
		puts(words);
	fprintf(stderr, "passphrase of %s%s%s %s\n", wanted.address,
	    wanted.sender == NULL ? "" : ", for mail from ",
	    wanted.sender == NULL ? "" : wanted.sender,
	    there ? "changed: envelopes that were sealed before open with the "
		    "old one, not with this one"
		  : "set");
out:
	passphrase_wipe(&words);
	clear(&wanted);
	return status;
}

/* A new string, or NULL with fault. */
static char *
get_words(const struct wanted *wanted, struct fault *fault)
{
	char *words;

	if (wanted->generate)
		return passphrase_generate(fault);
	words = ask_passphrase(
	    ASK_INPUT, "Passphrase (20 characters or more)", true, fault);
	if (words != NULL &&
	    passphrase_acceptable(words, wanted->address, fault) != 0)
		passphrase_wipe(&words);
	return words;
}

/* *therep: was there one?  0, or -1 with fault. */
static int
store_words(const struct ctl *ctl, const struct wanted *wanted,
    const char *words, bool *therep, struct fault *fault)
{
	struct store *store = NULL;
	int r, ret = -1;

	if (ctl_become_runtime_user(ctl, fault) != 0 ||
	    store_open(ctl->config->state, &store, fault) != 0)
		return -1;
	r = passphrase_put(store, wanted->sender, wanted->address, words,
	    wanted->hint, true, fault);
	*therep = r == 0;
	if (r == 0)
		r = passphrase_put(store, wanted->sender, wanted->address,
		    words, wanted->hint, false, fault);
	if (r == 1)
		ret = 0;
	store_close(&store);
	return ret;
}

/* --- list, delete */

static int
passphrase_print(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct wanted wanted = {.json = ctl->json};
	struct store *store = NULL;
	GPtrArray *list = NULL;
	GString *json;
	int status = parse(&wanted, argc, argv, "j", false);
	guint i;

	if (status != CTL_DONE)
		goto out;
	if (ctl_become_runtime_user(ctl, &fault) != 0 ||
	    store_open(ctl->config->state, &store, &fault) != 0 ||
	    passphrase_list(store, wanted.address, &list, &fault) != 0) {
		status = ctl_fault(&fault);
		goto out;
	}
	json = g_string_new("[");
	for (i = 0; i < list->len; i++) {
		g_string_append(json, i == 0 ? "\n" : ",\n");
		if (wanted.json)
			json_entry(json, g_ptr_array_index(list, i));
		else
			print_entry(g_ptr_array_index(list, i));
	}
	if (wanted.json)
		printf("%s%s]\n", json->str, list->len == 0 ? "" : "\n");
	if (wanted.address != NULL && list->len == 0)
		status = CTL_REFUSED;
	g_string_free(json, TRUE);
	g_ptr_array_unref(list);
out:
	store_close(&store);
	clear(&wanted);
	return status;
}

static void
print_entry(const struct passphrase_entry *entry)
{
	char *when = time_text(entry->created);

	printf("%s  from %s  set %s  %s%s%s\n", entry->recipient,
	    entry->sender[0] == '\0' ? "anybody" : entry->sender, when,
	    entry->fingerprint,
	    entry->hint[0] == '\0' ? "" : "  hint: ", entry->hint);
	g_free(when);
}

static void
json_entry(GString *json, const struct passphrase_entry *entry)
{
	g_string_append(json, "{");
	json_text(json, "address", entry->recipient);
	json_text(
	    json, "from", entry->sender[0] == '\0' ? NULL : entry->sender);
	json_text(json, "hint", entry->hint[0] == '\0' ? NULL : entry->hint);
	json_text(json, "key", entry->fingerprint);
	json_number(json, "iterations", entry->iterations);
	json_time(json, "set", entry->created);
	g_string_append(json, "}");
}

static int
passphrase_remove(struct ctl *ctl, int argc, char *const argv[])
{
	struct fault fault = {FAULT_NONE, ""};
	struct wanted wanted = {0};
	struct store *store = NULL;
	int r = -1, status = parse(&wanted, argc, argv, "f", true);

	if (status != CTL_DONE)
		goto out;
	if (ctl_become_runtime_user(ctl, &fault) == 0 &&
	    store_open(ctl->config->state, &store, &fault) == 0)
		r = passphrase_delete(
		    store, wanted.sender, wanted.address, &fault);
	if (r == 1)
		fprintf(stderr,
		    "passphrase of %s deleted: envelopes that were sealed "
		    "before still open with it\n",
		    wanted.address);
	else if (r == -1)
		status = ctl_fault(&fault);
	else {
		ctl_error("no passphrase is set for %s%s%s", wanted.address,
		    wanted.sender == NULL ? "" : " and mail from ",
		    wanted.sender == NULL ? "" : wanted.sender);
		status = CTL_REFUSED;
	}
out:
	store_close(&store);
	clear(&wanted);
	return status;
}
