#include "user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "provider/client.h"
#include "wire/status.h"

enum {
	TIMEOUT = 10 * 1000, /* ms */
	NOBODY = 65534,
	MAX_ANSWER = 1024 + USER_MAX_OUTPUT,
	FRAME = 256, /* of a request, around its data */
};

bool
user_may_be(uid_t uid)
{
	return geteuid() == 0 || geteuid() == uid;
}

const char *
user_name(uid_t uid, char out[64])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		(void)snprintf(out, 64, "%s", pw->pw_name);
	else
		(void)snprintf(out, 64, "uid %u", (unsigned)uid);
	return out;
}

int
user_find(uid_t uid, struct user_identity *out, struct fault *f)
{
	const struct passwd *pw = getpwuid(uid);

	out->uid = uid;
	out->way = NULL;
	out->gid = NOBODY;
	out->ngroups = 0;
	if (pw == NULL)
		return 0;
	out->gid = pw->pw_gid;
	out->ngroups = USER_MAX_GROUPS;
	if (getgrouplist(pw->pw_name, pw->pw_gid, out->groups, &out->ngroups) <
		0)
		return fault_set(f, FAULT_FAILED,
			"uid %u is in too many groups", (unsigned)uid);
	return 0;
}

static int
change(const struct user_identity *id)
{
	if (setgroups((size_t)id->ngroups, id->groups) < 0 ||
		setresgid(id->gid, id->gid, id->gid) < 0 ||
		setresuid(id->uid, id->uid, id->uid) < 0)
		return -1;
	return id->uid != 0 && setuid(0) == 0 ? -1 : 0;
}

int
user_become(const struct user_identity *id)
{
	if (geteuid() == 0 && change(id) < 0)
		return -1;
	/* The change of user has cleared what was set before. */
	return prctl(PR_SET_DUMPABLE, 0) < 0 ||
			       prctl(PR_SET_PDEATHSIG, SIGKILL) < 0
		       ? -1
		       : 0;
}

/* A whole request, and how its reply is read. */
struct question {
	uint8_t *request; /* its id is the client's to change */
	size_t len;
	int (*get)(struct view body, struct view *out);
};

static void
operate(const struct config *c, uid_t server, const struct user_way *way,
	const char *name, const struct question *q, struct user_answer *a)
{
	struct client_settings set = {
		.socket = c->nsockets > 0 ? c->socket[0] : NULL,
		.abstract_socket = c->abstract,
		.timeout = TIMEOUT / 2,
		.server_user = server,
	};
	struct client *client = client_new(&set);
	uint8_t reply[PROTO_MAX_REPLY];
	struct client_error err = { .result = CLIENT_NO_MEMORY };
	struct proto_reply r;
	struct view got;

	if (client == NULL || client_call(client, q->request, q->len, reply,
				      sizeof(reply), &r, &err) != CLIENT_OK)
		goto done;
	err.result = CLIENT_PROTOCOL;
	if (q->get(r.body, &got) < 0 || got.len > sizeof(a->output))
		goto done;
	memcpy(a->output, got.data, got.len);
	a->len = got.len;
	a->ok = true;
done:
	if (!a->ok) {
		a->reached = err.result == CLIENT_REFUSED;
		a->status = a->reached ? err.status : 0;
		a->detail = a->reached ? err.detail : 0;
		if (way != NULL)
			(void)snprintf(
				err.where, sizeof(err.where), "%s", way->name);
		(void)client_error_text(&err, name, a->text, sizeof(a->text));
	}
	client_free(client);
}

static void
child(const struct config *c, const struct user_identity *id, const char *name,
	const struct question *q, int out, pid_t parent)
{
	struct user_answer a = { 0 };
	uint8_t buf[MAX_ANSWER];
	struct writer w = writer_init(buf, sizeof(buf));
	/* An ordinary user's keyd runs as himself. */
	uid_t server = geteuid() == 0 ? (uid_t)-1 : geteuid();
	size_t len;

	if (id->way != NULL)
		server = id->way->server;
	if (id->way != NULL && id->way->net >= 0 &&
		setns(id->way->net, CLONE_NEWNET) < 0)
		_exit(1);
	if (user_become(id) < 0 || getppid() != parent)
		_exit(1);
	operate(c, server, id->way, name, q, &a);
	writer_u8(&w, a.ok);
	writer_u8(&w, a.reached);
	writer_u16(&w, a.status);
	writer_u16(&w, a.detail);
	writer_vec16(&w, a.text, strlen(a.text));
	writer_vec16(&w, a.output, a.len);
	/* Shorter than PIPE_BUF: written whole. */
	if (writer_finish(&w, &len) < 0 || write(out, buf, len) != (ssize_t)len)
		_exit(1);
	_exit(0);
}

static int
decode(const uint8_t *buf, size_t len, struct user_answer *out)
{
	struct reader r = reader_init(buf, len);
	struct view text, got;

	out->ok = reader_u8(&r) == 1;
	out->reached = reader_u8(&r) == 1;
	out->status = reader_u16(&r);
	out->detail = reader_u16(&r);
	text = reader_vec16(&r);
	got = reader_vec16(&r);
	if (reader_finish(&r) < 0 || text.len >= sizeof(out->text) ||
		got.len > sizeof(out->output))
		return -1;
	memcpy(out->text, text.data, text.len);
	out->text[text.len] = '\0';
	memcpy(out->output, got.data, got.len);
	out->len = got.len;
	return 0;
}

static int
collect(int in, struct user_answer *out, struct fault *f)
{
	struct pollfd p = { .fd = in, .events = POLLIN };
	uint8_t buf[MAX_ANSWER];
	ssize_t n;
	int r;

	do
		r = poll(&p, 1, TIMEOUT);
	while (r < 0 && errno == EINTR);
	n = r > 0 ? read(in, buf, sizeof(buf)) : -1;
	if (n <= 0 || decode(buf, (size_t)n, out) < 0)
		return fault_set(f, FAULT_FAILED,
			"trying the key as its user: the child that tried "
			"gave no answer");
	return 0;
}

static int
ask(const struct config *c, const struct user_identity *who, const char *name,
	const struct question *q, struct user_answer *out, struct fault *f)
{
	pid_t pid, parent = getpid();
	int p[2], r;

	memset(out, 0, sizeof(*out));
	if (pipe2(p, O_CLOEXEC) < 0)
		return fault_set(f, FAULT_FAILED, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == 0)
		child(c, who, name, q, p[1], parent);
	(void)close(p[1]);
	if (pid < 0) {
		(void)close(p[0]);
		return fault_set(f, FAULT_FAILED, "fork: %s", strerror(errno));
	}
	r = collect(p[0], out, f);
	(void)close(p[0]);
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}

int
user_sign(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_sign *what,
	struct user_answer *out, struct fault *f)
{
	size_t size = what->data.len + FRAME;
	uint8_t *request = malloc(size);
	struct writer w = writer_init(request, request == NULL ? 0 : size);
	struct question q = { .request = request, .get = proto_get_signature };
	int r;

	proto_put_request(&w, PROTO_SIGN, 1);
	proto_put_sign(&w, what);
	if (writer_finish(&w, &q.len) < 0)
		r = fault_set(f, FAULT_FAILED, "out of memory");
	else
		r = ask(c, who, name, &q, out, f);
	free(request);
	return r;
}

/* A request that is already written. */
static int
ask_small(const struct config *c, const struct user_identity *who,
	const char *name, const struct writer *w, struct user_answer *out,
	struct fault *f)
{
	struct question q = { .request = w->start, .get = proto_get_output };

	if (writer_finish(w, &q.len) < 0)
		return fault_set(
			f, FAULT_FAILED, "the request to keyd is too long");
	return ask(c, who, name, &q, out, f);
}

int
user_decrypt(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_decrypt *what,
	struct user_answer *out, struct fault *f)
{
	uint8_t buf[PROTO_MAX_CIPHERTEXT + PROTO_MAX_LABEL + FRAME];
	struct writer w = writer_init(buf, sizeof(buf));

	proto_put_request(&w, PROTO_DECRYPT, 1);
	proto_put_decrypt(&w, what);
	return ask_small(c, who, name, &w, out, f);
}

int
user_derive(const struct config *c, const struct user_identity *who,
	const char *name, const struct proto_derive *what,
	struct user_answer *out, struct fault *f)
{
	uint8_t buf[PROTO_MAX_PEER + FRAME];
	struct writer w = writer_init(buf, sizeof(buf));

	proto_put_request(&w, PROTO_DERIVE, 1);
	proto_put_derive(&w, what);
	return ask_small(c, who, name, &w, out, f);
}
