/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MILTER_RUNTIME_H
#define MILTER_RUNTIME_H

#include "keys/keys.h"
#include "milter/config.h"
#include "milter/injector.h"
#include "seal/seal.h"

/*
 * A configuration with all that was opened for it.  Counted: a message keeps
 * the one it began with.
 */
struct runtime {
	gatomicrefcount references;
	struct config *config;
	struct keys *keys;
	char *spool_directory;
	struct spool_limits limits;
	struct seal_engines engines;
	struct injector *injector; /* where copies go; or NULL */
};

/*
 * Opens key sources and directories for a configuration (one more reference
 * of which is kept), as the user that will use them.  0 and gives *runtimep
 * away, or -1 with fault.
 */
int runtime_open(
    struct config *config, struct runtime **runtimep, struct fault *fault);

/*
 * Opens what copies need, if the configuration delivers by copies: for the
 * daemon alone, since there is one journal.  old: the runtime that served
 * until now, or NULL.  0, or -1 with fault.
 */
int runtime_open_injector(
    struct runtime *runtime, const struct runtime *old, struct fault *fault);
struct runtime *runtime_ref(struct runtime *runtime);
void runtime_unref(struct runtime **runtimep);

#endif
