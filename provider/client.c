#include "provider/client.h"

#include "provider/breaker.h"
#include "provider/connect.h"
#include "provider/deadline.h"
#include "provider/exchange.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	MAX_TARGETS = 2,
	MAX_STRIKES = 1, /* replies that should not be, before we give up */
	/* ms that a full queue behind an abstract name may hold us: anybody can
	 * have taken the name while keyd was away, and keyd may be back. */
	ABSTRACT_SHARE = 200,
};

struct client {
	struct pool *pool;
	struct breaker breaker;
	_Atomic uint32_t last_id;
	unsigned timeout;
	uid_t server_user;
	size_t ntargets;
	struct connect_target targets[MAX_TARGETS];
};

/* How an attempt ended, and whether there is to be another. */
enum verdict {
	DONE,
	AT_ONCE,
	LATER,
	FINAL,
};

static void
add_target(struct client *c, const char *mark, const char *name)
{
	struct connect_target *t = &c->targets[c->ntargets++];

	(void)snprintf(t->name, sizeof(t->name), "%s%s", mark, name);
}

struct client *
client_new(const struct client_settings *s)
{
	struct client *c = calloc(1, sizeof(*c));
	bool has_path = s->socket != NULL && s->socket[0] != '\0';
	bool has_abstract =
		s->abstract_socket != NULL && s->abstract_socket[0] != '\0';

	if (c == NULL)
		return NULL;
	c->pool = pool_new(!s->no_pool);
	if (c->pool == NULL) {
		free(c);
		return NULL;
	}
	c->server_user = s->server_user;
	c->timeout = s->timeout == 0 ? CLIENT_DEFAULT_TIMEOUT : s->timeout;
	if (c->timeout > CLIENT_MAX_TIMEOUT)
		c->timeout = CLIENT_MAX_TIMEOUT;
	if (has_path)
		add_target(c, "", s->socket);
	else if (!has_abstract)
		add_target(c, "", CLIENT_DEFAULT_SOCKET);
	if (has_abstract)
		add_target(c, "@", s->abstract_socket);
	else if (!has_path)
		add_target(c, "@", CLIENT_DEFAULT_ABSTRACT);
	return c;
}

void
client_free(struct client *c)
{
	int saved = errno;

	if (c == NULL)
		return;
	pool_free(c->pool);
	free(c);
	errno = saved;
}

bool
client_may_pool(const struct client *c)
{
	return pool_may_keep(c->pool);
}

/* Failures that a keyd just stopping, starting or reloading can cause. */
static enum verdict
verdict_of_errno(int error)
{
	static const int passing[] = { ENOENT, ECONNREFUSED, ECONNRESET, EPIPE,
		ENOTCONN, ETIMEDOUT, ENOBUFS, ENOMEM, EBADF, ENOTSOCK };
	size_t i;

	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (passing[i] == error)
			return LATER;
	return FINAL;
}

static enum verdict
unreachable(struct client_error *err, int rc)
{
	err->result = CLIENT_UNREACHABLE;
	err->sys_errno = -rc;
	return verdict_of_errno(-rc);
}

static uint64_t
share_of(const struct connect_target *t, uint64_t deadline)
{
	uint64_t share = deadline_now() + ABSTRACT_SHARE;

	return t->name[0] == '@' && share < deadline ? share : deadline;
}

static enum verdict
connect_targets(struct client_op *op, struct client_error *err)
{
	struct client *c = op->client;
	enum verdict v = FINAL;
	size_t i;
	int rc;

	for (i = 0; i < c->ntargets; i++) {
		if (i > 0) {
			memcpy(err->before, err->where, sizeof(err->before));
			err->before_errno = err->sys_errno;
		}
		memcpy(err->where, c->targets[i].name, sizeof(err->where));
		rc = connect_to(&op->conn, &c->targets[i],
			share_of(&c->targets[i], op->deadline));
		if (rc == 0)
			break;
		if (unreachable(err, rc) == LATER)
			v = LATER;
		if (rc == -ETIMEDOUT)
			return LATER;
	}
	if (i == c->ntargets)
		return v;
	if (!connect_is_trusted(&op->conn, &c->targets[i], c->server_user,
		    &err->server_uid)) {
		err->result = CLIENT_UNTRUSTED;
		/* Whoever takes the name while keyd restarts gains nothing. */
		return v;
	}
	return DONE;
}

/* A connection for op->conn. On failure none is left open. */
static enum verdict
get_connection(struct client_op *op, struct client_error *err)
{
	struct client *c = op->client;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	enum verdict v;
	int fd;

	err->before[0] = '\0';
	op->is_pooled = op->attempt == 0 &&
			pool_take(c->pool, uid, gid, &op->conn) == 0;
	if (op->is_pooled)
		return DONE;
	fd = connect_socket();
	if (fd < 0)
		return unreachable(err, fd);
	if (pool_adopt(c->pool, fd, uid, gid, &op->conn) < 0) {
		v = unreachable(err, -errno);
		(void)close(fd);
		return v;
	}
	v = connect_targets(op, err);
	if (v != DONE)
		pool_drop(c->pool, &op->conn);
	return v;
}

/* What a status means for the operation and for the connection: §4. */
static const struct {
	enum verdict verdict;
	bool keep;
} status_rules[] = {
	[PROTO_OK] = { DONE, true },
	[PROTO_MALFORMED] = { FINAL, false },
	[PROTO_BAD_VERSION] = { FINAL, false },
	[PROTO_UNSUPPORTED] = { FINAL, true },
	[PROTO_UNKNOWN_KEY] = { FINAL, true },
	[PROTO_NOT_PERMITTED] = { FINAL, true },
	[PROTO_USE_REFUSED] = { FINAL, true },
	[PROTO_LIMIT] = { LATER, false },
	[PROTO_BACK_OFF] = { LATER, false },
	[PROTO_IDENTITY] = { AT_ONCE, false },
	[PROTO_INTERNAL] = { FINAL, true },
	[PROTO_NO_KEYS] = { FINAL, false },
	[PROTO_BAD_PARAMETER] = { FINAL, true },
	[PROTO_NOT_DECRYPTED] = { FINAL, true },
	[PROTO_NOBODY] = { FINAL, false },
};

/* An answer that should not be: another connection may do better, once. */
static enum verdict
strike(struct client_op *op)
{
	return op->strikes++ < MAX_STRIKES ? AT_ONCE : FINAL;
}

static enum verdict
refused(struct client_op *op, const struct proto_reply *r,
	struct client_error *err, bool *keep)
{
	bool is_known =
		r->status < sizeof(status_rules) / sizeof(status_rules[0]);
	enum verdict v = is_known ? status_rules[r->status].verdict : FINAL;

	*keep = is_known && r->type != PROTO_REFUSAL &&
		status_rules[r->status].keep;
	/* Turned away for now is no better than no answer. */
	if (v != LATER)
		breaker_answered(&op->client->breaker, deadline_now());
	err->result = CLIENT_REFUSED;
	err->status = r->status;
	err->detail = r->detail;
	return v == AT_ONCE ? strike(op) : v;
}

static bool
is_reply_to(const struct client_op *op, const struct proto_reply *r)
{
	if (r->type == PROTO_REFUSAL && r->id == 0)
		return r->status != PROTO_OK;
	return r->type == op->type && r->id == op->id;
}

/* The datagram that came; *keep: the connection may be used again. */
static enum verdict
judge(struct client_op *op, const uint8_t *data, size_t len,
	struct proto_reply *out, struct client_error *err, bool *keep)
{
	struct proto_reply r;

	*keep = false;
	if (proto_decode_reply(data, len, &r) < 0 || !is_reply_to(op, &r)) {
		err->result = CLIENT_PROTOCOL;
		return strike(op);
	}
	if (r.status != PROTO_OK)
		return refused(op, &r, err, keep);
	breaker_answered(&op->client->breaker, deadline_now());
	*keep = true;
	*out = r;
	return DONE;
}

static enum verdict
lost(struct client_op *op, int rc, struct client_error *err)
{
	enum verdict v;

	if (rc == -EBADMSG) {
		err->result = CLIENT_PROTOCOL;
		return strike(op);
	}
	if (rc == -EMSGSIZE) {
		err->result = CLIENT_TOO_LARGE;
		return FINAL;
	}
	if (rc == -ETIMEDOUT) {
		err->result = CLIENT_TIMEOUT;
		return LATER;
	}
	v = unreachable(err, rc);
	/* Pooled, and closed by keyd long ago: says nothing about now. */
	return op->is_pooled ? AT_ONCE : v;
}

/* The request is not out: keyd may have said why before it closed. */
static enum verdict
turned_away(struct client_op *op, int rc, struct client_error *err)
{
	uint8_t buf[PROTO_REFUSAL_LEN];
	struct proto_reply r;
	bool keep;
	size_t len;

	if ((rc == -EPIPE || rc == -ECONNRESET) &&
		exchange_receive(&op->conn, buf, sizeof(buf), 0, &len) == 0 &&
		proto_decode_reply(buf, len, &r) == 0 &&
		r.type == PROTO_REFUSAL && r.status != PROTO_OK)
		return refused(op, &r, err, &keep);
	return lost(op, rc, err);
}

static enum verdict
send_once(struct client_op *op, struct client_error *err)
{
	enum verdict v = get_connection(op, err);
	struct writer w;
	int rc;

	if (v != DONE)
		return v;
	do
		op->id = atomic_fetch_add(&op->client->last_id, 1) + 1;
	while (op->id == 0);
	w = writer_init(op->request + PROTO_REQUEST_HEADER - sizeof(op->id),
		sizeof(op->id));
	writer_u32(&w, op->id);
	rc = exchange_send(
		&op->conn, op->request, op->request_len, op->deadline);
	if (rc == 0)
		return DONE;
	v = turned_away(op, rc, err);
	pool_drop(op->client->pool, &op->conn);
	return v;
}

/* Why we fail fast, in one word: which error to report meanwhile. */
static uint64_t
pack_cause(const struct client_error *err)
{
	uint64_t result = (uint64_t)(-(int)err->result) << 48;

	if (err->result == CLIENT_UNTRUSTED)
		return result | err->server_uid;
	return result | (uint64_t)err->status << 32 |
	       (uint64_t)err->detail << 16 |
	       (uint64_t)(err->sys_errno & 0xffff);
}

static void
unpack_cause(uint64_t cause, struct client_error *err)
{
	err->result = (enum client_result) - (int)(cause >> 48);
	if (err->result == CLIENT_UNTRUSTED) {
		err->server_uid = (uid_t)cause;
		return;
	}
	err->status = (uint16_t)(cause >> 32);
	err->detail = (uint16_t)(cause >> 16);
	err->sys_errno = (int)(cause & 0xffff);
}

/* The operation is over without a result. */
static enum client_result
give_up(struct client_op *op, struct client_error *err, bool is_missed)
{
	if (is_missed)
		breaker_missed(&op->client->breaker, op->start, deadline_now(),
			pack_cause(err));
	return err->result;
}

/* Is there to be another attempt? Waits for it where that is due. */
static bool
may_repeat(struct client_op *op, enum verdict v)
{
	unsigned n = op->attempt++;

	if (v == AT_ONCE)
		return deadline_left(op->deadline) > 0;
	return v == LATER && !op->is_probe &&
	       deadline_pause(op->deadline, n) == 0;
}

static enum client_result
send_until_deadline(struct client_op *op, struct client_error *err)
{
	enum verdict v;

	do {
		v = send_once(op, err);
		if (v == DONE)
			return CLIENT_OK;
	} while (may_repeat(op, v));
	return give_up(op, err, v != FINAL || op->is_probe);
}

static enum client_result
begin(struct client_op *op, struct client_error *err)
{
	struct client *c = op->client;
	unsigned timeout = c->timeout;

	switch (breaker_ask(&c->breaker, op->start)) {
	case BREAKER_FAST:
		unpack_cause(atomic_load(&c->breaker.cause), err);
		err->fast = true;
		return err->result;
	case BREAKER_PROBE:
		op->is_probe = true;
		if (timeout > BREAKER_PROBE_MS)
			timeout = BREAKER_PROBE_MS;
		break;
	case BREAKER_GO:
		break;
	}
	err->timeout = timeout;
	op->deadline = op->start + timeout;
	return send_until_deadline(op, err);
}

/*
 * What we call are cancellation points, which libcrypto's operations have not:
 * a thread that ended in one would leave a descriptor and its place behind.
 */
static int
hold_cancellation(void)
{
	int before = PTHREAD_CANCEL_ENABLE;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static void
restore_cancellation(int before)
{
	(void)pthread_setcancelstate(before, NULL);
}

enum client_result
client_begin(struct client *c, struct client_op *op, uint8_t *request,
	size_t len, struct client_error *err)
{
	int saved = errno, cancel;
	enum client_result result;

	*op = (struct client_op){ .client = c,
		.request = request,
		.request_len = len,
		.start = deadline_now() };
	*err = (struct client_error){ .timeout = c->timeout };
	memcpy(err->where, c->targets[0].name, sizeof(err->where));
	if (len < PROTO_REQUEST_HEADER || len > PROTO_MAX_REQUEST) {
		err->result = CLIENT_TOO_LARGE;
		return err->result;
	}
	op->type = request[1];
	cancel = hold_cancellation();
	result = begin(op, err);
	restore_cancellation(cancel);
	errno = saved;
	return result;
}

static enum verdict
receive_once(struct client_op *op, uint8_t *reply, size_t size,
	struct proto_reply *out, struct client_error *err)
{
	struct pool *pool = op->client->pool;
	bool keep = false;
	enum verdict v;
	size_t len;
	int rc;

	rc = exchange_receive(&op->conn, reply, size, op->deadline, &len);
	v = rc < 0 ? lost(op, rc, err) : judge(op, reply, len, out, err, &keep);
	if (keep)
		pool_put(pool, &op->conn);
	else
		pool_drop(pool, &op->conn);
	return v;
}

static enum client_result
finish(struct client_op *op, uint8_t *reply, size_t size,
	struct proto_reply *out, struct client_error *err)
{
	enum client_result result;
	enum verdict v;

	for (;;) {
		v = receive_once(op, reply, size, out, err);
		if (v == DONE)
			return CLIENT_OK;
		if (!may_repeat(op, v))
			return give_up(op, err, v != FINAL);
		result = send_until_deadline(op, err);
		if (result != CLIENT_OK)
			return result;
	}
}

enum client_result
client_finish(struct client_op *op, uint8_t *reply, size_t size,
	struct proto_reply *out, struct client_error *err)
{
	int saved = errno, cancel = hold_cancellation();
	enum client_result result = CLIENT_OK;

	/* Between begin and now the host may have forked or closed it. */
	if (!pool_is_ours(op->client->pool, &op->conn)) {
		pool_drop(op->client->pool, &op->conn);
		op->attempt++;
		result = send_until_deadline(op, err);
	}
	if (result == CLIENT_OK)
		result = finish(op, reply, size, out, err);
	restore_cancellation(cancel);
	errno = saved;
	return result;
}

enum client_result
client_call(struct client *c, uint8_t *request, size_t len, uint8_t *reply,
	size_t size, struct proto_reply *out, struct client_error *err)
{
	int saved = errno, cancel = hold_cancellation();
	struct client_op op;
	enum client_result result = client_begin(c, &op, request, len, err);

	if (result == CLIENT_OK)
		result = finish(&op, reply, size, out, err);
	restore_cancellation(cancel);
	errno = saved;
	return result;
}
