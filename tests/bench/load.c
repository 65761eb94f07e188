/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * load.c - send many messages over SMTP, and time the answers.
 *
 * In:    a port on this host, how many messages of what size to how many
 *        recipients, in how many sessions at a time.
 * Out:   "messages errors seconds" in the first line, then the milliseconds
 *        from the last octet of each message to its answer, one a line.
 * Never: looks a name up, or keeps a connection for a second message: mail
 *        servers mostly do not.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS_MAX 1000
#define TEXT_OCTETS 3000 /* of a message with an attachment */
#define LINE 76

struct job {
	in_port_t port;
	long messages;
	long octets;
	long sessions;
	long recipients;
	char *body;
	size_t body_len;
	double *answers; /* milliseconds, -1: failed */
	atomic_long next;
	atomic_long errors;
};

struct session {
	int fd;
	char buffer[4096];
	size_t len;
};

static long number(const char *text);
static void make_body(struct job *job);
static size_t add_text(char *out, size_t len);
static size_t add_base64(char *out, size_t len);
static unsigned int next_random(void);
static void *run_session(void *context);
static int send_message(struct job *job, long n);
static int open_session(struct session *session, in_port_t port);
static int send_envelope(struct session *session, const struct job *job);
static int send_header(struct session *session, long n);
static int send_all(struct session *session, const char *data, size_t len);
static int command(struct session *session, int want, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int answer(struct session *session, int want);
static double now_ms(void);

int
main(int argc, char *argv[])
{
	pthread_t threads[SESSIONS_MAX];
	struct job job = {0};
	double start, seconds;
	long i;

	if (argc != 6) {
		fputs("usage: load PORT MESSAGES OCTETS SESSIONS RECIPIENTS\n",
		    stderr);
		return 2;
	}
	job.port = (in_port_t)number(argv[1]);
	job.messages = number(argv[2]);
	job.octets = number(argv[3]);
	job.sessions = number(argv[4]);
	job.recipients = number(argv[5]);
	if (job.sessions > SESSIONS_MAX)
		job.sessions = SESSIONS_MAX;
	make_body(&job);
	job.answers = calloc((size_t)job.messages, sizeof(*job.answers));
	if (job.answers == NULL)
		return 1;
	start = now_ms();
	for (i = 0; i < job.sessions; i++)
		if (pthread_create(&threads[i], NULL, run_session, &job) != 0)
			return 1;
	for (i = 0; i < job.sessions; i++)
		pthread_join(threads[i], NULL);
	seconds = (now_ms() - start) / 1000;
	printf(
	    "%ld %ld %.6f\n", job.messages, atomic_load(&job.errors), seconds);
	for (i = 0; i < job.messages; i++)
		if (job.answers[i] >= 0)
			printf("%.3f\n", job.answers[i]);
	free(job.answers);
	free(job.body);
	return atomic_load(&job.errors) == 0 ? 0 : 1;
}

static long
number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end != '\0' || value < 1) {
		fprintf(stderr, "load: \"%s\" is no number\n", text);
		exit(2);
	}
	return value;
}

/* Small messages are text, larger ones mostly a base64 attachment. */
static void
make_body(struct job *job)
{
	static const char head[] =
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: multipart/mixed; boundary=\"=-bench\"\r\n\r\n"
	    "--=-bench\r\nContent-Type: text/plain\r\n\r\n";
	static const char attachment[] =
	    "\r\n--=-bench\r\nContent-Type: application/octet-stream\r\n"
	    "Content-Transfer-Encoding: base64\r\n"
	    "Content-Disposition: attachment; filename=\"data\"\r\n\r\n";
	static const char tail[] = "\r\n--=-bench--\r\n";
	static const char plain[] =
	    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
	size_t len = 0, want = (size_t)job->octets;
	char *out = malloc(want + 8192);

	if (out == NULL)
		exit(1);
	if (want < 3 * TEXT_OCTETS) {
		memcpy(out, plain, strlen(plain));
		len = strlen(plain);
		len += add_text(out + len, want > len ? want - len : 0);
	} else {
		memcpy(out, head, strlen(head));
		len = strlen(head);
		len += add_text(out + len, TEXT_OCTETS);
		memcpy(out + len, attachment, strlen(attachment));
		len += strlen(attachment);
		len += add_base64(out + len, want - len);
		memcpy(out + len, tail, strlen(tail));
		len += strlen(tail);
	}
	job->body = out;
	job->body_len = len;
}

static size_t
add_text(char *out, size_t len)
{
	static const char *const words[] = {"the", "of", "and", "in", "offer",
	    "meeting", "tomorrow", "as", "agreed", "with", "kind", "regards",
	    "please", "find", "question", "about", "delivery", "number"};
	size_t done = 0, column = 0, width;
	const char *word;

	while (done < len) {
		word = words[next_random() % (sizeof(words) / sizeof(*words))];
		width = strlen(word);
		memcpy(out + done, word, width);
		done += width;
		column += width + 1;
		if (column > LINE - 8) {
			memcpy(out + done, "\r\n", 2);
			done += 2;
			column = 0;
		} else {
			out[done++] = ' ';
		}
	}
	memcpy(out + done, "\r\n", 2);
	return done + 2;
}

static size_t
add_base64(char *out, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t done = 0;
	int i;

	while (done + LINE + 2 <= len) {
		for (i = 0; i < LINE; i++)
			out[done++] = digits[next_random() % 64];
		out[done++] = '\r';
		out[done++] = '\n';
	}
	return done;
}

/* xorshift; the same messages in every run. */
static unsigned int
next_random(void)
{
	static unsigned int state = 2463534242U;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state >> 3;
}

static void *
run_session(void *context)
{
	struct job *job = context;
	long n;

	while ((n = atomic_fetch_add(&job->next, 1)) < job->messages)
		if (send_message(job, n) != 0) {
			job->answers[n] = -1;
			atomic_fetch_add(&job->errors, 1);
		}
	return NULL;
}

static int
send_message(struct job *job, long n)
{
	struct session session;
	double start;
	int ret = -1;

	if (open_session(&session, job->port) != 0)
		return -1;
	if (send_envelope(&session, job) != 0 ||
	    send_header(&session, n) != 0 ||
	    send_all(&session, job->body, job->body_len) != 0 ||
	    send_all(&session, ".\r\n", 3) != 0)
		goto out;
	start = now_ms();
	if (answer(&session, 250) != 0)
		goto out;
	job->answers[n] = now_ms() - start;
	ret = command(&session, 221, "QUIT\r\n");
out:
	close(session.fd);
	return ret;
}

static int
open_session(struct session *session, in_port_t port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	session->len = 0;
	session->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (session->fd == -1)
		return -1;
	if (setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		sizeof(one)) == 0 &&
	    connect(session->fd, (const struct sockaddr *)&address,
		sizeof(address)) == 0 &&
	    answer(session, 220) == 0 &&
	    command(session, 250, "EHLO load.example\r\n") == 0)
		return 0;
	close(session->fd);
	return -1;
}

static int
send_envelope(struct session *session, const struct job *job)
{
	long i;

	if (command(session, 250, "MAIL FROM:<sender@load.example>\r\n") != 0)
		return -1;
	for (i = 1; i <= job->recipients; i++)
		if (command(session, 250, "RCPT TO:<rcpt%ld@example.org>\r\n",
			i) != 0)
			return -1;
	return command(session, 354, "DATA\r\n");
}

static int
send_header(struct session *session, long n)
{
	char header[1024], date[64];
	time_t now = time(NULL);
	struct tm tm;
	int len;

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &tm);
	len = snprintf(header, sizeof(header),
	    "From: Load <sender@load.example>\r\n"
	    "To: rcpt1@example.org, rcpt2@example.org, rcpt3@example.org,\r\n"
	    " rcpt4@example.org, rcpt5@example.org\r\n"
	    "Subject: bench message number %ld\r\nDate: %s\r\n"
	    "Message-ID: <%ld.%ld.%d@load.example>\r\n",
	    n, date, n, (long)now, (int)getpid());
	return send_all(session, header, (size_t)len);
}

static int
send_all(struct session *session, const char *data, size_t len)
{
	ssize_t n;

	for (; len > 0; data += n, len -= (size_t)n)
		if ((n = send(session->fd, data, len, MSG_NOSIGNAL)) <= 0)
			return -1;
	return 0;
}

static int
command(struct session *session, int want, const char *format, ...)
{
	char line[256];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (send_all(session, line, (size_t)len) != 0)
		return -1;
	return answer(session, want);
}

/* Reads one answer, of however many lines.  0 if it has that code. */
static int
answer(struct session *session, int want)
{
	char *feed;
	size_t len;
	ssize_t n;
	long code;
	int last;

	for (;;) {
		feed = memchr(session->buffer, '\n', session->len);
		if (feed == NULL) {
			if (session->len == sizeof(session->buffer))
				return -1;
			n = read(session->fd, session->buffer + session->len,
			    sizeof(session->buffer) - session->len);
			if (n <= 0)
				return -1;
			session->len += (size_t)n;
			continue;
		}
		*feed = '\0';
		code = strtol(session->buffer, NULL, 10);
		last = feed - session->buffer < 4 || session->buffer[3] != '-';
		if (last && code != want)
			fprintf(stderr, "load: wanted %d: %s\n", want,
			    session->buffer);
		len = (size_t)(feed + 1 - session->buffer);
		session->len -= len;
		memmove(session->buffer, feed + 1, session->len);
		if (last)
			return code == want ? 0 : -1;
	}
}

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}
