/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * key_refresh.c - sealctl key refresh: what was revoked of the certificates
 * in the store?
 *
 * In:    the places that they name for CRLs.
 * Out:   CRLs in STATE/crl, which the daemon reads by itself; a line on each.
 * Never: runs while somebody's mail waits for it.
 */
#include "ctl/fetch.h"
#include "ctl/key.h"
#include "keys/authorities_crl.h"

#include <config.h>

#include <stdio.h>
#include <time.h>

static int refresh(
    struct ctl *ctl, struct store *store, struct authorities *authorities);
static int refresh_one(struct ctl *ctl, const struct crl_point *point);

int
ctl_key_refresh(struct ctl *ctl, int argc, char *const argv[])
{
	struct authorities *authorities = NULL;
	struct store *store = NULL;
	int status;

	if (argc != 1)
		return ctl_key_usage(argv[0]);
	if (!ctl->config->crl_fetch) {
		ctl_error("keys.crl_fetch is not set: nothing is fetched");
		return CTL_REFUSED;
	}
	status = ctl_key_open(ctl, &store, &authorities);
	if (status == CTL_DONE)
		status = refresh(ctl, store, authorities);
	store_close(&store);
	authorities_close(&authorities);
	return status;
}

static int
refresh(struct ctl *ctl, struct store *store, struct authorities *authorities)
{
	GPtrArray *points =
	    g_ptr_array_new_with_free_func((GDestroyNotify)crl_point_free);
	struct fault fault = {FAULT_NONE, ""};
	const struct certificate *one;
	GPtrArray *all = NULL;
	int status = CTL_DONE, one_status;
	guint i;

	if (store_list(store, NULL, false, &all, &fault) != 0) {
		g_ptr_array_unref(points);
		return ctl_fault(&fault);
	}
	for (i = 0; i < all->len; i++) {
		one = g_ptr_array_index(all, i);
		if (one->key->kind == KEY_SMIME)
			crl_points_add(
			    points, authorities, one->key, time(NULL));
	}
	for (i = 0; i < points->len; i++) {
		one_status = refresh_one(ctl, g_ptr_array_index(points, i));
		status = MAX(status, one_status);
	}
	if (points->len == 0)
		ctl_error("no certificate in the store that an authority of "
			  "keys.smime_trust vouches for names a CRL at an "
			  "http or https address");
	g_ptr_array_unref(all);
	g_ptr_array_unref(points);
	return status;
}

/* One that fails stops no other. */
static int
refresh_one(struct ctl *ctl, const struct crl_point *point)
{
	const struct config *config = ctl->config;
	const struct fetch_limits limits = {
	    config->crl_fetch_seconds, CRL_OCTETS, config->crl_fetch_private};
	struct fault fault = {FAULT_NONE, ""};
	GBytes *octets = NULL;
	char *what = NULL;
	int r;

	r = fetch_url(&limits, point->url, &octets, &fault);
	if (r == 0)
		r = crl_keep(
		    config->state, point, octets, time(NULL), &what, &fault);
	if (r == -1)
		ctl_error("%s: %s", point->url, fault.text);
	else
		printf("%s %s (%s)\n", r == 1 ? "fetched" : "unchanged",
		    point->url, what);
	g_free(what);
	g_bytes_unref(octets);
	return r == -1 ? CTL_TEMPORARY : CTL_DONE;
}
