/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * main.c - sealmilter(8): the command line and the start.
 *
 * In:    arguments and a configuration file.
 * Out:   a supervisor that serves, or a reason why not.
 * Never: keeps privileges longer than to make socket and pid file.
 */
#include <config.h>

#include "keys/keys.h"
#include "keys/ssl.h"
#include "milter/callbacks.h"
#include "milter/config.h"
#include "milter/log.h"
#include "milter/mta.h"
#include "milter/privilege.h"
#include "milter/supervise.h"
#include "seal/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* How long who is serving on our socket may take to go away. */
#define SERVED_SECONDS 3

#define DEFAULT_FILE SYSCONFDIR "/sealmilter/sealmilter.conf"

struct arguments {
	const char *file;
	bool foreground;
	bool test;
};

static int usage(void);
static int read_arguments(int argc, char *argv[], struct arguments *arguments);
static int print_version(void);
static int start(struct config *config, bool foreground, GPtrArray *warnings);
static int become_daemon(int *ready_fdp);
static int make_socket(const struct config *config, struct fault *fault);
static int write_pid(const struct config *config, struct fault *fault);
static void remove_files(const struct config *config);

int
main(int argc, char *argv[])
{
	struct arguments arguments = {DEFAULT_FILE, false, false};
	GPtrArray *warnings;
	struct fault fault = {FAULT_NONE, ""};
	struct config *config = NULL;
	int status = read_arguments(argc, argv, &arguments);
	char *file;
	guint i;

	if (status != -1)
		return status;
	warnings = g_ptr_array_new_with_free_func(g_free);
	/* It is read again after chdir("/"). */
	file = g_canonicalize_filename(arguments.file, NULL);
	if (config_load(file, &config, warnings, &fault) != 0) {
		fprintf(stderr, "sealmilter: %s\n", fault.text);
		return EX_CONFIG;
	}
	for (i = 0; i < warnings->len; i++)
		fprintf(stderr, "sealmilter: warning: %s\n",
		    (char *)g_ptr_array_index(warnings, i));
	if (arguments.test) {
		printf("%s: the configuration is good\n", file);
		config_unref(&config);
	} else
		status = start(config, arguments.foreground, warnings);
	g_free(file);
	g_ptr_array_free(warnings, TRUE);
	return status == -1 ? EX_OK : status;
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: sealmilter [-c file] [-f]   serve (-f: in the foreground)\n"
	    "       sealmilter [-c file] -t     test the configuration\n"
	    "       sealmilter -V               print the version\n"
	    "The default file is " DEFAULT_FILE ".\n"
	    "See sealmilter(8), and run \"sealctl check\" first.\n");
	return EX_USAGE;
}

/* -1: go on; else the exit status. */
static int
read_arguments(int argc, char *argv[], struct arguments *arguments)
{
	int option;

	while ((option = getopt(argc, argv, "c:ftVh")) != -1) {
		switch (option) {
		case 'c':
			arguments->file = optarg;
			break;
		case 'f':
			arguments->foreground = true;
			break;
		case 't':
			arguments->test = true;
			break;
		case 'V':
			return print_version();
		default:
			return usage();
		}
	}
	if (optind == argc)
		return -1;
	fprintf(
	    stderr, "sealmilter: unexpected argument \"%s\"\n", argv[optind]);
	return usage();
}

static int
print_version(void)
{
#ifdef HAVE_RNP
	printf("sealmilter %s (OpenPGP by OpenSSL, RNP and GnuPG)\n",
	    PACKAGE_VERSION);
#else
	printf(
	    "sealmilter %s (OpenPGP by OpenSSL and GnuPG)\n", PACKAGE_VERSION);
#endif
	return EX_OK;
}

/* As many descriptors as we may have: libmilter spins without them. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
start(struct config *config, bool foreground, GPtrArray *warnings)
{
	struct fault fault = {FAULT_NONE, ""};
	int ready_fd = -1, status;
	guint i;

	umask(0077);
	privilege_harden();
	if (ssl_begin() != 0)
		return EX_SOFTWARE;
	raise_descriptors();
	keys_register_jobs();
	seal_register_jobs();
	if (make_socket(config, &fault) != 0) {
		fprintf(stderr, "sealmilter: %s\n", fault.text);
		return EX_UNAVAILABLE;
	}
	if (!foreground && (status = become_daemon(&ready_fd)) != -1)
		return status;
	log_open(config->syslog_facility, foreground);
	log_line(LOG_INFO, "sealmilter %s starts", PACKAGE_VERSION);
	for (i = 0; i < warnings->len && !foreground; i++)
		log_line(
		    LOG_WARNING, "%s", (char *)g_ptr_array_index(warnings, i));
	if (write_pid(config, &fault) != 0 ||
	    privilege_drop(config->user, &fault) != 0) {
		log_fault(&fault, "not starting");
		return EX_NOPERM;
	}
	config_ref(config);
	status = supervise(config, ready_fd);
	remove_files(config);
	config_unref(&config);
	return status;
}

/* -1 in the process that goes on; the first one waits until it serves, so
 * that an init script hears of a start that failed. */
static int
become_daemon(int *ready_fdp)
{
	int fds[2], null;
	char octet;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) == -1) {
		perror("sealmilter");
		return EX_OSERR;
	}
	if (pid != 0) {
		close(fds[1]);
		if (read(fds[0], &octet, 1) == 1)
			return EX_OK;
		fprintf(stderr, "sealmilter: not started\n");
		return EX_UNAVAILABLE;
	}
	close(fds[0]);
	*ready_fdp = fds[1];
	setsid();
	if (chdir("/") != 0 || (null = open("/dev/null", O_RDWR)) == -1)
		return EX_OSERR;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > STDERR_FILENO)
		close(null);
	return -1;
}

static const char *
socket_path(const struct config *config)
{
	const char *colon = strchr(config->socket, ':');

	if (g_str_has_prefix(config->socket, "unix:") ||
	    g_str_has_prefix(config->socket, "local:"))
		return colon + 1;
	return NULL;
}

/* libmilter would take a socket away from who serves on it; only what is left
 * of a daemon that died may be replaced. */
static bool
is_served(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	bool served = false;
	int fd;

	if (g_strlcpy(address.sun_path, path, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	/* EAGAIN: its queue of connections is full. */
	served = connect(fd, (struct sockaddr *)(void *)&address,
		     sizeof(address)) == 0 ||
		 errno == EAGAIN;
	close(fd);
	return served;
}

/* A filter process may outlive its supervisor, if that was killed, by the
 * moment that the kernel takes to kill it as well. */
static bool
stays_served(const char *path)
{
	gint64 deadline =
	    g_get_monotonic_time() + SERVED_SECONDS * G_USEC_PER_SEC;

	while (is_served(path)) {
		if (g_get_monotonic_time() > deadline)
			return true;
		g_usleep(20000);
	}
	return false;
}

/* The group that may use a unix socket: 0 and *gidp, or -1 with fault. */
static int
socket_group(const struct config *config, gid_t *gidp, struct fault *fault)
{
	const struct passwd *user;
	const struct group *group;

	*gidp = getegid();
	if (config->socket_group != NULL) {
		if ((group = getgrnam(config->socket_group)) == NULL) {
			fault_set(fault, FAULT_TEMP,
			    "socket_group: there is no group \"%s\"",
			    config->socket_group);
			return -1;
		}
		*gidp = group->gr_gid;
	} else if (geteuid() == 0 && config->user != NULL &&
		   (user = getpwnam(config->user)) != NULL)
		*gidp = user->pw_gid;
	return 0;
}

static int
give_fault(const struct config *config, struct fault *fault)
{
	fault_set(fault, FAULT_TEMP,
	    "giving the socket to group %s: %s (who starts this must be root,"
	    " or a member)",
	    config->socket_group, g_strerror(errno));
	return -1;
}

/*
 * The socket gets its mode and group as it is made, by umask and effective
 * group: to change them afterwards by its path would let whoever may write
 * to that directory point root at another file.
 */
static int
make_socket(const struct config *config, struct fault *fault)
{
	const char *path = socket_path(config);
	bool root = geteuid() == 0;
	gid_t own = getegid(), group;
	mode_t old;
	int r;

	if (path == NULL)
		return mta_listen(config->socket, &callbacks, fault);
	if (stays_served(path)) {
		fault_set(fault, FAULT_TEMP,
		    "%s: a daemon serves there already", path);
		return -1;
	}
	if (socket_group(config, &group, fault) != 0)
		return -1;
	if (root && setegid(group) != 0)
		return give_fault(config, fault);
	old = umask(~config->socket_mode & 0777);
	r = mta_listen(config->socket, &callbacks, fault);
	umask(old);
	if (root && setegid(own) != 0)
		return give_fault(config, fault);
	/* Without privileges a path does no harm. */
	if (r == 0 && !root && group != own &&
	    chown(path, (uid_t)-1, group) != 0)
		return give_fault(config, fault);
	return r;
}

static int
write_pid(const struct config *config, struct fault *fault)
{
	FILE *file;

	if (config->pid_file == NULL)
		return 0;
	(void)unlink(config->pid_file);
	file = fopen(config->pid_file, "wx");
	if (file != NULL) {
		(void)fchmod(fileno(file), 0644);
		fprintf(file, "%ld\n", (long)getpid());
	}
	if (file == NULL || fclose(file) != 0) {
		fault_set(fault, FAULT_TEMP, "writing the pid file %s: %s",
		    config->pid_file, g_strerror(errno));
		return -1;
	}
	return 0;
}

/* What is in a directory of root's stays; the next start replaces it. */
static void
remove_files(const struct config *config)
{
	if (socket_path(config) != NULL)
		(void)unlink(socket_path(config));
	if (config->pid_file != NULL)
		(void)unlink(config->pid_file);
}
