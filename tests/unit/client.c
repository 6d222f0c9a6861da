#include <criterion/criterion.h>

#include "provider/client.h"
#include "tests/support/fake_keyd.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One caller: a client, its buffers, and what came of the last call. */
struct caller {
	struct client *client;
	uint8_t request[64], reply[PROTO_MAX_REPLY];
	struct proto_reply out;
	struct client_error err;
	struct proto_status_reply status;
	char text[CLIENT_TEXT];
};

static struct fake server;

static void
caller_init(struct caller *c, const struct fake *f, unsigned timeout)
{
	struct client_settings s = { .timeout = timeout,
		.server_user = getuid() };

	if (f->path[0] == '@')
		s.abstract_socket = f->path + 1;
	else
		s.socket = f->path;
	memset(c, 0, sizeof(*c));
	c->client = client_new(&s);
	cr_assert_not_null(c->client);
}

static size_t
make_request(struct caller *c)
{
	struct writer w = writer_init(c->request, sizeof(c->request));

	proto_put_request(&w, PROTO_STATUS, 1);
	return writer_len(&w);
}

/* Asks for the status. The fake tells the number of the connection as keys. */
static enum client_result
ask(struct caller *c)
{
	enum client_result r = client_call(c->client, c->request,
		make_request(c), c->reply, sizeof(c->reply), &c->out, &c->err);

	if (r == CLIENT_OK)
		cr_assert_eq(proto_get_status(c->out.body, &c->status), 0);
	else
		cr_assert_eq(r, c->err.result);
	(void)client_error_text(&c->err, "www", c->text, sizeof(c->text));
	return r;
}

static void
start(void)
{
	fake_start(&server, NULL, (uid_t)-1, 64);
}

static void
stop(void)
{
	fake_end(&server);
}

TestSuite(client, .init = start, .fini = stop, .timeout = 60);

Test(client, answers_over_one_kept_connection)
{
	struct caller c;
	int i;

	caller_init(&c, &server, 5000);
	for (i = 0; i < 10; i++)
		cr_assert_eq(ask(&c), CLIENT_OK, "%s", c.text);
	cr_assert_eq(server.shared->accepted, 1);
	cr_assert_eq(server.shared->requests, 10);
	client_free(c.client);
}

Test(client, a_forked_child_does_not_use_its_parents_connection)
{
	struct caller c;
	int status;
	pid_t child;

	caller_init(&c, &server, 5000);
	cr_assert_eq(ask(&c), CLIENT_OK);
	child = fork();
	if (child == 0)
		_exit(ask(&c) == CLIENT_OK && c.status.keys == 2 ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_eq(ask(&c), CLIENT_OK);
	cr_assert_eq(c.status.keys, 1);
	cr_assert_eq(server.shared->identity_errors, 0);
	client_free(c.client);
}

Test(client, repeats_when_keyd_restarts_in_between)
{
	struct caller c;

	caller_init(&c, &server, 5000);
	cr_assert_eq(ask(&c), CLIENT_OK);
	fake_stop(&server);
	fake_restart(&server, (uid_t)-1, 64);
	cr_assert_eq(ask(&c), CLIENT_OK, "%s", c.text);
	cr_assert_eq(c.status.keys, 2);
	client_free(c.client);
}
