#include "tests/support/caller.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct timespec moment = { .tv_nsec = 5000000 };

struct client_settings
caller_settings(const struct fake *f, unsigned timeout)
{
	struct client_settings s = { .timeout = timeout,
		.server_user = getuid() };

	if (f->path[0] == '@')
		s.abstract_socket = f->path + 1;
	else
		s.socket = f->path;
	return s;
}

void
caller_init(struct caller *c, const struct client_settings *s)
{
	memset(c, 0, sizeof(*c));
	c->client = client_new(s);
	if (c->client == NULL)
		abort();
}

static size_t
make_request(struct caller *c)
{
	struct writer w = writer_init(c->request, sizeof(c->request));

	proto_put_request(&w, PROTO_STATUS, 1);
	return writer_len(&w);
}

/* A failure's words must always come out, whatever it was. */
static enum client_result
done(struct caller *c, enum client_result r)
{
	if (r == CLIENT_OK) {
		if (proto_get_status(c->out.body, &c->status) < 0)
			abort();
		return r;
	}
	if (r != c->err.result)
		abort();
	(void)client_error_text(&c->err, "www", c->text, sizeof(c->text));
	return r;
}

enum client_result
caller_ask(struct caller *c)
{
	return done(c, client_call(c->client, c->request, make_request(c),
			       c->reply, sizeof(c->reply), &c->out, &c->err));
}

enum client_result
caller_begin(struct caller *c)
{
	enum client_result r = client_begin(
		c->client, &c->op, c->request, make_request(c), &c->err);

	return r == CLIENT_OK ? r : done(c, r);
}

enum client_result
caller_finish(struct caller *c)
{
	return done(c, client_finish(&c->op, c->reply, sizeof(c->reply),
			       &c->out, &c->err));
}

uint64_t
caller_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

enum client_result
caller_ask_until_tried(struct caller *c)
{
	uint64_t until = caller_now() + 10000;
	enum client_result r;

	while ((r = caller_ask(c)) != CLIENT_OK && c->err.fast &&
		caller_now() < until)
		(void)nanosleep(&moment, NULL);
	return r;
}

int
caller_wait(_Atomic int *value, int want)
{
	uint64_t until = caller_now() + 10000;

	while (atomic_load(value) != want && caller_now() < until)
		(void)nanosleep(&moment, NULL);
	return atomic_load(value);
}
