/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * privilege.c - give up what the daemon does not need.
 *
 * In:    the name of the user to become.
 * Out:   a process of that user that cannot come back, dump core or be traced.
 * Never: goes on as root where another user was asked for.
 */
#include <config.h>

#include "milter/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int find_user(
    const char *user, uid_t *uidp, gid_t *gidp, struct fault *fault);
static int become(const char *user, uid_t uid, gid_t gid, struct fault *fault);
static int verify(uid_t uid, gid_t gid, struct fault *fault);

int
privilege_drop(const char *user, struct fault *fault)
{
	uid_t uid;
	gid_t gid;

	if (user == NULL || geteuid() != 0)
		return 0;
	if (find_user(user, &uid, &gid, fault) != 0 ||
	    become(user, uid, gid, fault) != 0 || verify(uid, gid, fault) != 0)
		return -1;
	/* The kernel sets it anew when a process changes its user. */
	privilege_harden();
	return 0;
}

void
privilege_harden(void)
{
	static const struct rlimit no_core = {0, 0};

	/* None of these can fail with these arguments on a kernel that has
	 * them, and a kernel that has not offers nothing instead. */
	(void)setrlimit(RLIMIT_CORE, &no_core);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
find_user(const char *user, uid_t *uidp, gid_t *gidp, struct fault *fault)
{
	struct passwd entry, *found = NULL;
	size_t size = 1024, most = 1 << 20;
	char *buffer = NULL;
	int error, ret = -1;

	do {
		size *= 2;
		buffer = g_realloc(buffer, size);
		error = getpwnam_r(user, &entry, buffer, size, &found);
	} while (error == ERANGE && size < most);
	if (found != NULL) {
		*uidp = entry.pw_uid;
		*gidp = entry.pw_gid;
		ret = 0;
	} else if (error != 0)
		fault_set(fault, FAULT_TEMP, "looking for user \"%s\": %s",
		    user, g_strerror(error));
	else
		fault_set(fault, FAULT_PERM,
		    "there is no user \"%s\" (option \"user\")", user);
	g_free(buffer);
	return ret;
}

static int
become(const char *user, uid_t uid, gid_t gid, struct fault *fault)
{
	if (initgroups(user, gid) == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(uid, uid, uid) == 0)
		return 0;
	fault_set(fault, FAULT_PERM, "cannot become user \"%s\": %s", user,
	    g_strerror(errno));
	return -1;
}

/* Calls that report success have left privileges behind before. */
static int
verify(uid_t uid, gid_t gid, struct fault *fault)
{
	uid_t real_uid, effective_uid, saved_uid;
	gid_t real_gid, effective_gid, saved_gid;

	if (getresuid(&real_uid, &effective_uid, &saved_uid) == 0 &&
	    getresgid(&real_gid, &effective_gid, &saved_gid) == 0 &&
	    real_uid == uid && effective_uid == uid && saved_uid == uid &&
	    real_gid == gid && effective_gid == gid && saved_gid == gid &&
	    (uid == 0 || setuid(0) != 0))
		return 0;
	fault_set(fault, FAULT_BUG, "privileges of root were not given up");
	return -1;
}
