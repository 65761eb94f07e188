/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * test_worker.c - a job in a process of its own: streams, faults, deadlines,
 * and that nothing survives it.
 */
#include "config.h"

#include "keys/worker.h"

#include "keys/gpg_home.h"
#include "tests/tap.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The jobs of this test stand in for the real ones. */
#define ECHO WORKER_INSPECT
#define HANG WORKER_GNUPG_FIND
#define FAIL WORKER_PGP_ENCRYPT

#define STREAM_OCTETS ((size_t)20 * 1024 * 1024)

static char *directory;

/* --- Jobs */

/* Streams its input back, every octet plus one; answers the request. */
static int
echo_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	unsigned char buffer[10000];
	ssize_t n, i;

	(void)fault;
	while ((n = worker_read(io, buffer, sizeof(buffer))) > 0) {
		for (i = 0; i < n; i++)
			buffer[i]++;
		if (worker_write(io, buffer, (size_t)n) != 0)
			return -1;
	}
	g_byte_array_append(answer, g_bytes_get_data(request, NULL),
	    (guint)g_bytes_get_size(request));
	return n == 0 ? 0 : -1;
}

/* Writes its own and its grandchild's process ID to the file, and hangs. */
static int
hang_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	char *path = g_strndup(
	    g_bytes_get_data(request, NULL), g_bytes_get_size(request));
	char *text, *partial = g_strconcat(path, ".new", NULL);
	pid_t child, grandchild;
	int ends[2];

	(void)io;
	(void)answer;
	(void)fault;
	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child == 0) { /* as GPGME does it */
		grandchild = fork();
		if (grandchild == 0)
			for (;;)
				pause();
		(void)!write(ends[1], &grandchild, sizeof(grandchild));
		_exit(0);
	}
	(void)!read(ends[0], &grandchild, sizeof(grandchild));
	text = g_strdup_printf("%d %d", (int)getpid(), (int)grandchild);
	(void)g_file_set_contents(partial, text, -1, NULL);
	(void)rename(partial, path);
	for (;;)
		pause();
}

/* "fault": fails with a reason; "die": dies; "none": no reason. */
static int
fail_job(struct worker_io *io, GBytes *request, GByteArray *answer,
    struct fault *fault)
{
	const char *how = g_bytes_get_data(request, NULL);

	(void)answer;
	if (*how == 'd')
		(void)raise(SIGKILL);
	if (*how == 'w')
		return worker_write(io, "early", 5);
	if (*how == 'f')
		fault_set(fault, FAULT_PERM, "no such thing");
	return -1;
}

/* --- Streams */

struct stream {
	size_t given;
	size_t taken;
	bool right;
	bool fails;
	int slow;
};

static ssize_t
give(void *context, void *buffer, size_t size, struct fault *fault)
{
	struct stream *stream = context;
	unsigned char *octets = buffer;
	size_t i, n = MIN(size, STREAM_OCTETS - stream->given);

	(void)fault;
	for (i = 0; i < n; i++)
		octets[i] = (unsigned char)((stream->given + i) * 7);
	stream->given += n;
	return (ssize_t)n;
}

static int
take(void *context, const void *data, size_t len, struct fault *fault)
{
	struct stream *stream = context;
	const unsigned char *octets = data;
	size_t i;

	if (stream->fails) {
		fault_set(fault, FAULT_TEMP, "the spool is full");
		return -1;
	}
	for (i = 0; i < len; i++)
		if (octets[i] != (unsigned char)((stream->taken + i) * 7 + 1))
			stream->right = false;
	stream->taken += len;
	return 0;
}

static int
call(enum worker_verb verb, const char *request, struct stream *stream,
    unsigned int deadline_ms, GBytes **answerp, struct fault *fault)
{
	const struct worker_streams streams = {give, take, stream};
	GBytes *octets = g_bytes_new(request, strlen(request) + 1);
	int r;

	fault_set(fault, FAULT_NONE, "none");
	r = worker_call(verb, octets, stream == NULL ? NULL : &streams,
	    deadline_ms, answerp, fault);
	g_bytes_unref(octets);
	return r;
}

/* --- Conditions */

static bool
is_gone(pid_t pid)
{
	char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
	char *text = NULL;
	bool gone = !g_file_get_contents(path, &text, NULL, NULL) ||
		    strstr(text, ") Z ") != NULL;

	g_free(text);
	g_free(path);
	return gone;
}

/* Waits until both processes that hang_job() named are gone. */
static bool
are_gone(const char *path, gint64 within_ms)
{
	gint64 end = g_get_monotonic_time() + within_ms * 1000;
	int worker = 0, grandchild = 0;
	char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL) ||
	    sscanf(text, "%d %d", &worker, &grandchild) != 2) {
		g_free(text);
		return false;
	}
	g_free(text);
	while (!is_gone(worker) || !is_gone(grandchild)) {
		if (g_get_monotonic_time() > end)
			return false;
		(void)poll(NULL, 0, 10);
	}
	return true;
}

static bool
appears(const char *path)
{
	gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;

	while (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		if (g_get_monotonic_time() > end)
			return false;
		(void)poll(NULL, 0, 10);
	}
	return true;
}

/* --- Tests, run once with the fork server and once without */

static void
test_streams(void)
{
	struct stream stream = {0, 0, true, false, 0};
	GBytes *answer = NULL;
	struct fault fault;

	is_int(call(ECHO, "what was asked", &stream, 60000, &answer, &fault), 0,
	    "20 MiB go in and out at once");
	ok(stream.taken == STREAM_OCTETS && stream.right,
	    "every octet comes back in its place");
	is_str(answer == NULL ? NULL : g_bytes_get_data(answer, NULL),
	    "what was asked", "the answer comes after them");
	g_bytes_unref(answer);
}

static void
test_big_request(void)
{
	size_t len = (size_t)20 * 1024 * 1024;
	unsigned char *octets = g_malloc(len);
	GBytes *request, *answer = NULL;
	struct fault fault;

	memset(octets, 'x', len);
	request = g_bytes_new_take(octets, len);
	is_int(worker_call(ECHO, request, NULL, 60000, &answer, &fault), 0,
	    "a request of 20 MiB is answered");
	ok(answer != NULL && g_bytes_equal(request, answer),
	    "and the answer of 20 MiB is whole");
	g_bytes_unref(request);
	g_bytes_unref(answer);
}

static void
test_faults(void)
{
	struct stream stream = {0, 0, true, true, 0};
	GBytes *answer = NULL;
	struct fault fault;

	is_int(call(FAIL, "fault", NULL, 10000, &answer, &fault), -1,
	    "a job that fails is a failure");
	is_int(fault.kind, FAULT_PERM, "its fault keeps its kind");
	is_str(fault.text, "no such thing", "and its text");
	is_int(call(FAIL, "none", NULL, 10000, &answer, &fault), -1,
	    "a job that fails without a reason is a failure");
	is_int(fault.kind, FAULT_BUG, "and a bug");
	is_int(call(FAIL, "die", NULL, 10000, &answer, &fault), -1,
	    "a worker that dies is a failure");
	is_int(fault.kind, FAULT_TEMP, "a temporary one");
	has_str(fault.text, "died", "and the fault says so");
	is_int(call(ECHO, "", &stream, 10000, &answer, &fault), -1,
	    "a caller that cannot take the output is a failure");
	is_str(fault.text, "the spool is full", "with the caller's fault");
	ok(answer == NULL, "no failure leaves an answer");
}

static void
test_early_end(void)
{
	struct stream stream = {0, 0, true, false, 0};
	GBytes *answer = NULL;
	struct fault fault;

	is_int(call(FAIL, "write", &stream, 10000, &answer, &fault), 0,
	    "a job may answer before it has read its input");
	is_int((intmax_t)stream.taken, 5, "and what it wrote arrives");
	g_bytes_unref(answer);
}

static void
test_deadline(const char *name)
{
	char *path = g_build_filename(directory, name, NULL);
	gint64 start = g_get_monotonic_time(), took;
	struct fault fault;

	is_int(call(HANG, path, NULL, 700, NULL, &fault), -1,
	    "a job that hangs is a failure");
	took = (g_get_monotonic_time() - start) / 1000;
	is_int(fault.kind, FAULT_TEMP, "a temporary one");
	has_str(fault.text, "deadline", "and the fault names the deadline");
	ok(took >= 600 && took < 3000, "the caller waited for its deadline");
	ok(are_gone(path, 3000),
	    "the worker and its grandchild do not survive it");
	g_free(path);
}

static void
test_caller_dies(const char *name)
{
	char *path = g_build_filename(directory, name, NULL);
	struct fault fault;
	pid_t caller = fork();

	if (caller == 0)
		_exit(call(HANG, path, NULL, 60000, NULL, &fault) == 0);
	ok(appears(path), "a job of a caller in another process runs");
	(void)kill(caller, SIGKILL);
	(void)waitpid(caller, NULL, 0);
	ok(are_gone(path, 3000),
	    "the worker and its grandchild end when the caller dies");
	g_free(path);
}

static void *
call_many(void *data)
{
	int *failures = data;
	GBytes *answer;
	struct fault fault;
	int i;

	for (i = 0; i < 10; i++) {
		answer = NULL;
		if (call(ECHO, "many", NULL, 30000, &answer, &fault) != 0 ||
		    strcmp(g_bytes_get_data(answer, NULL), "many") != 0)
			g_atomic_int_inc(failures);
		g_bytes_unref(answer);
	}
	return NULL;
}

static void
test_threads(void)
{
	GThread *threads[8];
	int failures = 0;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("caller", call_many, &failures);
	for (i = 0; i < G_N_ELEMENTS(threads); i++)
		(void)g_thread_join(threads[i]);
	is_int(failures, 0, "8 threads with 10 jobs each all get answers");
}

/* The server as the daemon's parent runs it; ends with its last client. */
static void
serve(int server)
{
	struct pollfd readable = {server, POLLIN, 0};

	(void)signal(SIGCHLD, SIG_IGN); /* workers must stand that, too */
	for (;;) {
		if (poll(&readable, 1, -1) == -1 && errno != EINTR)
			_exit(1);
		if (worker_serve_one(server) != 0)
			_exit(0);
	}
}

static void
test_with_server(void)
{
	int server = -1, client = -1, status = -1;
	struct fault fault;
	pid_t parent;
	int r;

	is_int(worker_server_open(&server, &client, &fault), 0,
	    "the fork server opens");
	parent = fork();
	if (parent == 0) {
		(void)close(client);
		serve(server);
	}
	(void)close(server);
	worker_server_use(client);
	test_streams();
	test_big_request();
	test_faults();
	test_early_end();
	test_deadline("deadline-server");
	test_caller_dies("caller-server");
	test_threads();
	(void)kill(parent, SIGSTOP);
	r = call(ECHO, "", NULL, 500, NULL, &fault);
	ok(r == -1 && fault.kind == FAULT_TEMP,
	    "a server that does not answer is a temporary failure");
	(void)kill(parent, SIGCONT);
	(void)close(client);
	(void)waitpid(parent, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the server ends when its clients are gone");
	worker_server_open(&server, &client, &fault);
	(void)close(server);
	worker_server_use(client);
	r = call(ECHO, "", NULL, 500, NULL, &fault);
	ok(r == -1 && fault.kind == FAULT_TEMP,
	    "a server that is gone is a temporary failure");
	(void)close(client);
	worker_server_use(-1);
}

int
main(void)
{
	directory = g_dir_make_tmp("test-worker-XXXXXX", NULL);
	worker_register(ECHO, echo_job);
	worker_register(HANG, hang_job);
	worker_register(FAIL, fail_job);
	printf("# without the fork server\n");
	test_streams();
	test_big_request();
	test_faults();
	test_early_end();
	test_deadline("deadline");
	test_caller_dies("caller");
	printf("# with the fork server\n");
	test_with_server();
	gpg_home_remove(&directory);
	return tap_done();
}
