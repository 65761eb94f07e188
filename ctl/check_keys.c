/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * check_keys.c - can the daemon read its keys, and are they of use?
 *
 * In:    the configuration; run as the daemon's user.
 * Out:   findings, the key sources, addresses that have a usable key.
 * Never: changes a key.
 */
#include "ctl/check.h"
#include "keys/key.h"
#include "keys/store.h"
#include "keys/usable.h"
#include "milter/runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAMED 5           /* of what is wrong, so many are named */
#define PROBED 20         /* addresses to seal a probe to */
#define SOON (14 * 86400) /* seconds before a key's end to say so */

/* What is seen while walking the store. */
struct tally {
	struct check_report *report;
	struct authorities *authorities;
	GPtrArray *addresses;
	guint usable;
	guint unusable;
	guint ending; /* soon */
};

static void cannot_see(struct check_report *report, const char *why);
static int look_at_state(
    struct check_report *report, const struct config *config);
static int look_at_spool(
    struct check_report *report, const struct config *config);
static int may_not_write(struct check_report *report,
    const struct config *config, const char *name, const char *directory);
static bool may_make(const char *directory);
static void look_at_store(
    struct check_report *report, const struct ctl *ctl, GPtrArray *addresses);
static void tally_certificate(
    struct tally *tally, const struct certificate *certificate, int64_t now);
static void tally_totals(const struct tally *tally);

struct runtime *
check_keys(
    struct check_report *report, const struct ctl *ctl, GPtrArray *addresses)
{
	struct config *config = ctl->config;
	struct runtime *runtime = NULL;
	struct fault fault;
	char *sources;

	if (look_at_state(report, config) != 0)
		return NULL;
	if (runtime_open(config, &runtime, &fault) != 0) {
		if (check_sees_all(config))
			check_add(report, CHECK_PROBLEM,
			    "the daemon would not start: %s", fault.text);
		else
			cannot_see(report, fault.text);
		return NULL;
	}
	sources = g_strjoinv(", ", config->sources);
	check_add(report, CHECK_OK, "the key sources can be read: %s", sources);
	g_free(sources);
	if (g_strv_contains((const char *const *)config->sources, "store"))
		look_at_store(report, ctl, addresses);
	return runtime;
}

/* What this user may not see, the daemon's may. */
static void
cannot_see(struct check_report *report, const char *why)
{
	check_add(report, CHECK_UNKNOWN,
	    "store and keys: %s\nRun this as root.", why);
}

static int
look_at_state(struct check_report *report, const struct config *config)
{
	struct stat status;

	if (stat(config->state, &status) != 0) {
		if (errno == ENOENT && may_make(config->state))
			return 0;
		if (!check_sees_all(config)) {
			cannot_see(report, g_strerror(errno));
			return -1;
		}
		check_add(report, CHECK_PROBLEM,
		    "state = \"%s\": %s\n"
		    "As root: install -d -m 0700 -o %s %s",
		    config->state,
		    errno == ENOENT ? "there is no such directory"
				    : g_strerror(errno),
		    config->user == NULL ? "USER" : config->user,
		    config->state);
		return -1;
	}
	if (access(config->state, W_OK | X_OK) != 0)
		return may_not_write(report, config, "state", config->state);
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		check_add(report, CHECK_WARNING,
		    "state = \"%s\" is open to other users; who has which "
		    "key is nobody's business\n"
		    "chmod 0700 %s",
		    config->state, config->state);
	return look_at_spool(report, config);
}

/* Where large messages go; the daemon makes it. */
static int
look_at_spool(struct check_report *report, const struct config *config)
{
	char *spool = g_build_filename(config->state, "spool", NULL);
	int ret = 0;

	if (access(spool, W_OK | X_OK) != 0 && errno != ENOENT)
		ret = may_not_write(report, config, "spool", spool);
	g_free(spool);
	return ret;
}

static int
may_not_write(struct check_report *report, const struct config *config,
    const char *name, const char *directory)
{
	char *user = check_user_name(), *why;

	if (check_sees_all(config)) {
		check_add(report, CHECK_PROBLEM,
		    "%s = \"%s\": user %s may not write there\n"
		    "As root: chown the directory to the daemon's user.",
		    name, directory, user);
	} else {
		why =
		    g_strdup_printf("%s may not look into %s", user, directory);
		cannot_see(report, why);
		g_free(why);
	}
	g_free(user);
	return -1;
}

/* The daemon makes its directory where it may. */
static bool
may_make(const char *directory)
{
	char *parent = g_path_get_dirname(directory);
	bool may = access(parent, W_OK | X_OK) == 0;

	g_free(parent);
	return may;
}

static void
look_at_store(
    struct check_report *report, const struct ctl *ctl, GPtrArray *addresses)
{
	struct tally tally = {.report = report, .addresses = addresses};
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	GPtrArray *list = NULL;
	struct fault fault;
	int64_t now = (int64_t)time(NULL);
	guint i;

	if (ctl_open_authorities(ctl, &authorities, &fault) != 0 ||
	    store_open(ctl->config->state, &store, &fault) != 0 ||
	    store_list(store, NULL, false, &list, &fault) != 0) {
		check_add(report, CHECK_PROBLEM, "the store: %s", fault.text);
		goto out;
	}
	tally.authorities = authorities;
	for (i = 0; i < list->len; i++)
		tally_certificate(&tally, g_ptr_array_index(list, i), now);
	tally_totals(&tally);
out:
	if (list != NULL)
		g_ptr_array_unref(list);
	store_close(&store);
	authorities_close(&authorities);
}

struct check_owner *
check_owner_make(enum key_kind kind, const char *address)
{
	struct check_owner *owner = g_new(struct check_owner, 1);

	owner->kind = kind;
	owner->address = g_strdup(address);
	return owner;
}

void
check_owner_free(void *data)
{
	struct check_owner *owner = data;

	g_free(owner->address);
	g_free(owner);
}

static void
tally_certificate(
    struct tally *tally, const struct certificate *certificate, int64_t now)
{
	const struct subkey *subkey;
	const char *address = certificate->addresses[0];
	char *why = NULL, *day;
	struct fault fault;
	int64_t until;
	int r;

	r = key_may_be_used(
	    certificate->key, NULL, tally->authorities, &subkey, &why, &fault);
	if (r != 1) {
		if (r == -1)
			why = g_strdup(fault.text);
		if (tally->unusable++ < NAMED)
			check_add(tally->report, CHECK_WARNING,
			    "%s: key %s cannot be used: %s",
			    address == NULL ? "(no address)" : address,
			    certificate->fingerprint, why);
		g_free(why);
		return;
	}
	tally->usable++;
	if (address != NULL && tally->addresses->len < PROBED)
		g_ptr_array_add(tally->addresses,
		    check_owner_make(certificate->key->kind, address));
	until = usable_until(certificate->key, subkey);
	if (until != 0 && until - now < SOON && tally->ending++ < NAMED) {
		day = usable_date(until);
		check_add(tally->report, CHECK_WARNING,
		    "%s: key %s can be used until %s only\n"
		    "Ask its owner for the renewed key and import that.",
		    address == NULL ? "(no address)" : address,
		    certificate->fingerprint, day);
		g_free(day);
	}
}

static void
tally_totals(const struct tally *tally)
{
	if (tally->usable + tally->unusable == 0)
		check_add(tally->report, CHECK_NOTE,
		    "the store is empty: sealctl key import FILE puts the "
		    "first key in");
	else
		check_add(tally->report,
		    tally->usable > 0 ? CHECK_OK : CHECK_WARNING,
		    "the store has %u key%s that can be used, and %u that "
		    "cannot",
		    tally->usable, tally->usable == 1 ? "" : "s",
		    tally->unusable);
}
