/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mailbox_watch.c - sealctl mailbox watch: seal what clients append.
 *
 * In:    directories with mailboxes.
 * Out:   their messages sealed, soon after they came; lines of what was done.
 * Never: opens a mailbox's files as root, or says what a message says.
 */
#include "config.h"

#include "ctl/mailbox.h"

#include "ctl/apart.h"
#include "ctl/mailbox_owner.h"
#include "ctl/mailboxes.h"
#include "keys/gpg_home.h"
#include "mailbox/watch.h"
#include "milter/log.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#define QUIET_MS 2000
#define RETRY_MS 1000
#define SPOOL_MEMORY_OCTETS ((size_t)16 << 20)
/* Keys change, mailboxes come, and the kernel may have kept something back:
 * after so long everything begins anew. */
#define ROUND_MS 3600000

struct options {
	char *user; /* canonical, or NULL */
	struct watch_times times;
};

/* A mailbox, for whom to seal what is in it, and what was done. */
struct watched {
	const struct mailbox *mailbox;
	struct owner *owner;
	struct seal_order seal;
	struct spool_limits limits;
	struct convert_order order;
};

/* All mailboxes that one user of the system has. */
struct group {
	const struct ctl *ctl;
	const struct options *options;
	GPtrArray *watched; /* of struct watched * */
	struct apart_user user;
	struct apart apart;
	struct seal_engines engines;
	int signals;
};

static int take_options(int argc, char *const argv[], struct options *options);
static int watch_all(struct ctl *ctl, const struct options *options, int count,
    char *const *directories);

int
mailbox_watch(struct ctl *ctl, int argc, char *const argv[])
{
	struct options options = {.times = {QUIET_MS, RETRY_MS}};
	int status = take_options(argc, argv, &options);

	if (status == CTL_DONE && optind == argc) {
		ctl_error("mailbox watch: which directories?");
		status = CTL_USAGE;
	}
	if (status == CTL_USAGE)
		status = mailbox_usage("watch");
	else
		status = watch_all(ctl, &options, argc - optind, argv + optind);
	g_free(options.user);
	return status;
}

/* "0.5": seconds with a fraction. */
static int
take_quiet(const char *text, unsigned int *msp)
{
	char *end = NULL;
	double seconds = g_ascii_strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0) || seconds > 3600) {
		ctl_error(
		    "--quiet: \"%s\" is no number of seconds up to 3600", text);
		return CTL_USAGE;
	}
	*msp = (unsigned int)(seconds * 1000);
	return CTL_DONE;
}

static int
take_options(int argc, char *const argv[], struct options *options)
{
	static const struct option long_options[] = {
	    {"user", required_argument, NULL, 'u'},
	    {"quiet", required_argument, NULL, 'q'}, {NULL, 0, NULL, 0}};
	int option, status = CTL_DONE;

	optind = 0; /* start anew, in another vector */
	opterr = 0;
	while (status == CTL_DONE && (option = getopt_long(argc, argv, ":",
					  long_options, NULL)) != -1) {
		if (option == 'u') {
			status = mailboxes_take_user(optarg, &options->user);
		} else if (option == 'q') {
			status = take_quiet(optarg, &options->times.quiet_ms);
		} else {
			ctl_option_error(option, argv);
			status = CTL_USAGE;
		}
	}
	return status;
}

/* --- In the process of a group */

static void
told(void *context, const char *folder, const char *name,
    enum convert_outcome outcome, const char *why)
{
	const struct watched *watched = context;

	if (outcome == CONVERT_DONE)
		log_line(LOG_INFO, "<%s>: sealed a message in %s",
		    watched->owner->address,
		    folder[0] == '\0' ? "INBOX" : folder);
	else
		log_line(LOG_WARNING, "<%s>: %s in %s stays as it is: %s",
		    watched->owner->address, name,
		    folder[0] == '\0' ? "INBOX" : folder, why);
}

static void
trouble(void *context, const struct fault *fault)
{
	const struct watched *watched = context;
	char *what =
	    g_strdup_printf("<%s>: is tried again", watched->owner->address);

	log_fault(fault, what);
	g_free(what);
}

static void
ready(void *context)
{
	const struct group *group = context;

	log_line(LOG_INFO, "watching %u mailbox%s of uid %ju",
	    group->watched->len, group->watched->len == 1 ? "" : "es",
	    (uintmax_t)geteuid());
}

static int
watch_group(struct group *group, const char *state, struct fault *fault)
{
	const struct config *config = group->ctl->config;
	const struct watch_observer observer = {told, trouble, ready, group};
	struct watch_mailbox *mailboxes =
	    g_new0(struct watch_mailbox, group->watched->len);
	struct watched *watched;
	guint i;
	int r;

	group->engines = (struct seal_engines){
	    .state = state,
	    .gpg = config->gpg,
	    .gpg_deadline_ms = config->gpg_seconds * 1000,
	    .pgp = config->engines,
	};
	for (i = 0; i < group->watched->len; i++) {
		watched = g_ptr_array_index(group->watched, i);
		watched->limits = (struct spool_limits){watched->mailbox->path,
		    MAX(config->spool_memory_octets, SPOOL_MEMORY_OCTETS)};
		watched->seal = watched->owner->order;
		watched->seal.engines = &group->engines;
		watched->seal.limits = &watched->limits;
		watched->order = (struct convert_order){.what = CONVERT_ENCRYPT,
		    .seal = &watched->seal,
		    .message_octets = config->message_octets};
		mailboxes[i] = (struct watch_mailbox){
		    watched->mailbox->path, &watched->order, watched};
	}
	r = watch_run(mailboxes, group->watched->len, &group->options->times,
	    &observer, group->signals, fault);
	g_free(mailboxes);
	return r;
}

static GBytes *
work(void *context, struct fault *fault)
{
	struct group *group = context;
	char *state = NULL;
	sigset_t set;
	int r = -1;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	group->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (group->signals == -1) {
		fault_set(fault, FAULT_TEMP, "signalfd: %s", g_strerror(errno));
		return NULL;
	}
	/* GnuPG, for keys that RNP cannot use, wants a directory. */
	state = ctl_make_directory(fault);
	if (state == NULL)
		return NULL;
	r = watch_group(group, state, fault);
	gpg_home_remove(&state);
	return r == 0 ? g_bytes_new(NULL, 0) : NULL;
}

/* --- In the first process */

static void
free_watched(void *data)
{
	struct watched *watched = data;

	owner_free(&watched->owner);
	g_free(watched);
}

static void
free_group(void *data)
{
	struct group *group = data;

	g_ptr_array_unref(group->watched);
	g_free(group);
}

static struct group *
group_of(GPtrArray *groups, const struct ctl *ctl,
    const struct options *options, const struct mailbox *mailbox)
{
	struct group *group;
	guint i;

	for (i = 0; i < groups->len; i++) {
		group = g_ptr_array_index(groups, i);
		if (group->user.uid == mailbox->uid &&
		    group->user.gid == mailbox->gid)
			return group;
	}
	group = g_new0(struct group, 1);
	group->ctl = ctl;
	group->options = options;
	group->watched = g_ptr_array_new_with_free_func(free_watched);
	group->user.uid = mailbox->uid;
	group->user.gid = mailbox->gid;
	g_ptr_array_add(groups, group);
	return group;
}

/* A mailbox for which the policy seals nothing is left alone, and told; where
 * that cannot be known, nothing begins. */
static int
make_groups(const struct ctl *ctl, const struct options *options,
    const GPtrArray *mailboxes, GPtrArray *groups, struct fault *fault)
{
	const struct mailbox *mailbox;
	struct watched *watched;
	struct owner *owner;
	guint i;

	for (i = 0; i < mailboxes->len; i++) {
		mailbox = g_ptr_array_index(mailboxes, i);
		/* Mail must not be sealed to a stranger. */
		if (options->user == NULL &&
		    (mailbox->address[0] == '\0' ||
			!config_stores(ctl->config, mailbox->address))) {
			log_line(LOG_WARNING,
			    "%s is not watched: its path does not tell whose"
			    " it is in one of `domains` (--user)",
			    mailbox->path);
			continue;
		}
		if (owner_find(ctl, mailbox->address, &owner, fault) != 0) {
			if (fault->kind != FAULT_PERM)
				return -1;
			log_fault(fault, mailbox->path);
			continue;
		}
		watched = g_new0(struct watched, 1);
		watched->mailbox = mailbox;
		watched->owner = owner;
		g_ptr_array_add(
		    group_of(groups, ctl, options, mailbox)->watched, watched);
	}
	if (groups->len > 0)
		return 0;
	fault_set(fault, FAULT_PERM, "there is no mailbox to watch");
	return -1;
}

/* All of them end; the first that ended with a fault has the word. */
static int
end_groups(GPtrArray *groups, struct fault *fault)
{
	struct fault one = {FAULT_NONE, ""};
	struct group *group;
	GBytes *octets;
	int ret = 0;
	guint i;

	for (i = 0; i < groups->len; i++) {
		group = g_ptr_array_index(groups, i);
		if (group->apart.pid != 0)
			(void)kill(group->apart.pid, SIGTERM);
	}
	for (i = 0; i < groups->len; i++) {
		group = g_ptr_array_index(groups, i);
		if (group->apart.pid == 0)
			continue;
		octets = apart_wait(&group->apart, &one);
		if (octets == NULL && ret == 0) {
			*fault = one;
			ret = -1;
		}
		g_clear_pointer(&octets, g_bytes_unref);
	}
	return ret;
}

/* Other processes end as well: those that were asked for keys. */
static bool
has_ended(const GPtrArray *groups)
{
	const struct group *group;
	siginfo_t info = {.si_pid = 0};
	guint i;

	for (i = 0; i < groups->len; i++) {
		group = g_ptr_array_index(groups, i);
		if (waitid(P_PID, (id_t)group->apart.pid, &info,
			WEXITED | WNOHANG | WNOWAIT) != 0 ||
		    info.si_pid != 0)
			return true;
	}
	return false;
}

/* The signal that came; SIGCHLD: a group ended; 0: it is time. */
static int
wait_for_signal(int signals, const GPtrArray *groups)
{
	struct pollfd fd = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo info = {.ssi_signo = 0};
	int r;

	do {
		r = poll(&fd, 1, ROUND_MS);
		if (r == -1 && errno == EINTR)
			continue;
		if (r != 1 ||
		    read(signals, &info, sizeof(info)) != sizeof(info))
			return 0;
	} while (r == -1 || (info.ssi_signo == SIGCHLD && !has_ended(groups)));
	return (int)info.ssi_signo;
}

/* 1: once more.  0: it shall end.  -1 with fault. */
static int
one_round(struct ctl *ctl, const struct options *options, int signals,
    int count, char *const *directories, struct fault *fault)
{
	GPtrArray *mailboxes = NULL,
		  *groups = g_ptr_array_new_with_free_func(free_group);
	struct group *group;
	int r = -1, number = 0;
	guint i;

	if (mailboxes_find(ctl->config, directories, (size_t)count,
		options->user, &mailboxes, fault) != 0 ||
	    make_groups(ctl, options, mailboxes, groups, fault) != 0)
		goto out;
	r = 0;
	for (i = 0; r == 0 && i < groups->len; i++) {
		group = g_ptr_array_index(groups, i);
		r = apart_start(
		    &group->apart, &group->user, work, group, fault);
	}
	if (r == 0)
		number = wait_for_signal(signals, groups);
	if (end_groups(groups, fault) != 0)
		r = -1;
	else if (r == 0 && number != SIGTERM && number != SIGINT)
		r = 1;
out:
	g_ptr_array_unref(groups);
	g_clear_pointer(&mailboxes, g_ptr_array_unref);
	return r;
}

static int
watch_all(struct ctl *ctl, const struct options *options, int count,
    char *const *directories)
{
	struct fault fault = {FAULT_NONE, ""};
	sigset_t set;
	int signals, r = 1;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals == -1) {
		ctl_error("signalfd: %s", g_strerror(errno));
		return CTL_TEMPORARY;
	}
	log_open("mail", true);
	while (r == 1)
		r = one_round(
		    ctl, options, signals, count, directories, &fault);
	close(signals);
	return r == 0 ? CTL_DONE : ctl_fault(&fault);
}
