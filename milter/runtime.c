/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * runtime.c - a configuration with all that was opened for it.
 *
 * In:    a configuration.
 * Out:   key sources, spool directory and engines, ready for use.
 * Never: changes them afterwards.
 */
#include "milter/runtime.h"

#include <errno.h>
#include <sys/stat.h>

static int
make_directory(const char *path, struct fault *fault)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return 0;
	fault_set(fault, FAULT_TEMP, "making the directory %s: %s", path,
	    g_strerror(errno));
	return -1;
}

int
runtime_open(
    struct config *config, struct runtime **runtimep, struct fault *fault)
{
	struct runtime *runtime = g_new0(struct runtime, 1);
	const struct keys_config keys = {
	    .state = config->state,
	    .sources = (const char *const *)config->sources,
	    .gnupg_home = config->gnupg_home,
	    .smime_trust = (const char *const *)config->smime_trust,
	    .crl_files = (const char *const *)config->crl_files,
	    .crl_fetched = config->crl_fetch,
	    .gpg = config->gpg,
	    .deadline_ms = config->gpg_seconds * 1000,
	};

	g_atomic_ref_count_init(&runtime->references);
	runtime->config = config_ref(config);
	runtime->spool_directory =
	    g_build_filename(config->state, "spool", NULL);
	runtime->limits = (struct spool_limits){
	    runtime->spool_directory, config->spool_memory_octets};
	runtime->engines = (struct seal_engines){
	    .state = config->state,
	    .gpg = config->gpg,
	    .gpg_deadline_ms = keys.deadline_ms,
	    .pgp = config->engines,
	};
	if (make_directory(config->state, fault) != 0 ||
	    make_directory(runtime->spool_directory, fault) != 0 ||
	    keys_open(&keys, &runtime->keys, fault) != 0) {
		runtime_unref(&runtime);
		return -1;
	}
	*runtimep = runtime;
	return 0;
}

int
runtime_open_injector(
    struct runtime *runtime, const struct runtime *old, struct fault *fault)
{
	if (runtime->config->delivery != DELIVERY_REINJECT)
		return 0;
	return injector_open(runtime->config,
	    old == NULL ? NULL : old->injector, &runtime->injector, fault);
}

struct runtime *
runtime_ref(struct runtime *runtime)
{
	g_atomic_ref_count_inc(&runtime->references);
	return runtime;
}

void
runtime_unref(struct runtime **runtimep)
{
	struct runtime *runtime = *runtimep;

	*runtimep = NULL;
	if (runtime == NULL || !g_atomic_ref_count_dec(&runtime->references))
		return;
	injector_close(&runtime->injector);
	keys_close(&runtime->keys);
	config_unref(&runtime->config);
	g_free(runtime->spool_directory);
	g_free(runtime);
}
