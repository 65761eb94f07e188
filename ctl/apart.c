/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * apart.c - work in a process of its own, as another user.
 *
 * In:    a function.
 * Out:   the octets that it returns, or its fault.
 * Never: lets that process come back to root, or outlive the answer.
 */
#include "config.h"

#include "ctl/apart.h"

#include "milter/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than this is no answer of ours. */
#define ANSWER_OCTETS ((size_t)256 << 20)

static int become(const struct apart_user *user, struct fault *fault);
static void answer(int fd, apart_work *work, void *context,
    const struct apart_user *user) G_GNUC_NORETURN;

int
apart_start(struct apart *apart, const struct apart_user *user,
    apart_work *work, void *context, struct fault *fault)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0) {
		fault_set(fault, FAULT_TEMP, "pipe: %s", g_strerror(errno));
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		answer(fds[1], work, context, user);
	}
	if (pid == -1)
		fault_set(fault, FAULT_TEMP, "fork: %s", g_strerror(errno));
	else
		*apart = (struct apart){pid, fds[0]};
	close(fds[1]);
	if (pid == -1)
		close(fds[0]);
	return pid == -1 ? -1 : 0;
}

static int
become(const struct apart_user *user, struct fault *fault)
{
	if (geteuid() != 0)
		return 0;
	if (user->name != NULL)
		return privilege_drop(user->name, fault);
	if (user->uid == 0)
		return 0;
	if (setgroups(1, &user->gid) == 0 &&
	    setresgid(user->gid, user->gid, user->gid) == 0 &&
	    setresuid(user->uid, user->uid, user->uid) == 0 &&
	    geteuid() == user->uid && getegid() == user->gid)
		return 0;
	fault_set(fault, FAULT_TEMP, "becoming uid %ju: %s",
	    (uintmax_t)user->uid, g_strerror(errno));
	return -1;
}

static bool
write_all(int fd, const void *data, size_t len)
{
	const char *octets = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, octets, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		octets += n;
		len -= (size_t)n;
	}
	return true;
}

/* A struct fault, then the octets: no fault in it means that they count. */
static void
answer(int fd, apart_work *work, void *context, const struct apart_user *user)
{
	struct fault fault = {FAULT_NONE, ""};
	GBytes *octets = NULL;
	gconstpointer data;
	gsize len = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (become(user, &fault) == 0)
		octets = work(context, &fault);
	if (octets == NULL && fault.kind == FAULT_NONE)
		fault_set(&fault, FAULT_BUG, "no answer, and no fault");
	if (octets != NULL)
		fault.kind = FAULT_NONE;
	data = octets == NULL ? NULL : g_bytes_get_data(octets, &len);
	_exit(write_all(fd, &fault, sizeof(fault)) && write_all(fd, data, len)
		  ? 0
		  : 1);
}

static GByteArray *
read_all(int fd)
{
	GByteArray *octets = g_byte_array_new();
	guint8 piece[16384];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 || octets->len + (size_t)n > ANSWER_OCTETS)
			break;
		g_byte_array_append(octets, piece, (guint)n);
	}
	return octets;
}

GBytes *
apart_wait(struct apart *apart, struct fault *fault)
{
	GByteArray *octets = read_all(apart->fd);
	struct fault said = {FAULT_NONE, ""};
	GBytes *ret = NULL;
	int status = 0;
	pid_t pid;

	close(apart->fd);
	do
		pid = waitpid(apart->pid, &status, 0);
	while (pid == -1 && errno == EINTR);
	apart->pid = 0;
	if (octets->len >= sizeof(said))
		memcpy(&said, octets->data, sizeof(said));
	said.text[sizeof(said.text) - 1] = '\0';
	if (pid == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
	    octets->len < sizeof(said) || said.kind > FAULT_BUG) {
		fault_set(fault, FAULT_TEMP,
		    "the process that looked at it died (status %d)", status);
	} else if (said.kind != FAULT_NONE) {
		*fault = said;
	} else {
		ret = g_bytes_new(
		    octets->data + sizeof(said), octets->len - sizeof(said));
	}
	g_byte_array_free(octets, TRUE);
	return ret;
}
