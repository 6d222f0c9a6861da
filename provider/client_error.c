/* Errors in words: tables only. The reader is an operator, not a programmer. */
#include "provider/client.h"

#include "wire/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct text {
	char *out;
	size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	if (t->len >= t->size)
		return;
	va_start(args, format);
	n = vsnprintf(t->out + t->len, t->size - t->len, format, args);
	va_end(args);
	if (n > 0)
		t->len += (size_t)n;
}

/* What to do about an error of the system. */
static const struct {
	int error;
	const char *hint;
} hints[] = {
	{ ENOENT, "is keyd running?" },
	{ ECONNREFUSED, "is keyd running?" },
	{ ECONNRESET, "keyd closed the connection without an answer: its log "
		      "says why" },
	{ EPIPE, "keyd closed the connection without an answer: its log says "
		 "why" },
	{ ETIMEDOUT, "it does not accept connections: is keyd overloaded or "
		     "stopped?" },
	{ EACCES, "this user may not reach the socket: permissions of its "
		  "folder, or AppArmor or SELinux" },
	{ EPERM, "a filter of this process or system forbids it: AppArmor, "
		 "SELinux or seccomp" },
	{ EAFNOSUPPORT, "this process may not use UNIX sockets: does its unit "
			"set RestrictAddressFamilies= without AF_UNIX?" },
	{ EMFILE, "this process has no descriptor left: raise its limit "
		  "(LimitNOFILE= in its unit, or ulimit -n)" },
	{ ENFILE, "the system has no descriptor left: see sysctl fs.file-max" },
	{ ENAMETOOLONG, "a socket's name has at most 107 bytes: set a shorter "
			"one" },
	{ EPROTOTYPE, "that socket is not keyd's: check the setting socket" },
	{ ENOTDIR, "check the setting socket" },
	{ ELOOP, "check the setting socket" },
};

static const char *
hint_of(int error)
{
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (hints[i].error == error)
			return hints[i].hint;
	return "is keyd running?";
}

static void
add_unreachable(struct text *t, const struct client_error *e)
{
	char buf[128];

	/* No descriptor: no socket was tried, or it is not its fault. */
	if (e->sys_errno == EMFILE || e->sys_errno == ENFILE)
		add(t, "cannot make a socket for keyd");
	else
		add(t, "cannot reach keyd at ");
	if (e->before[0] != '\0')
		add(t, "%s (%s) nor at ", e->before,
			strerror_r(e->before_errno, buf, sizeof(buf)));
	if (e->sys_errno != EMFILE && e->sys_errno != ENFILE)
		add(t, "%s", e->where);
	add(t, " (%s): %s", strerror_r(e->sys_errno, buf, sizeof(buf)),
		hint_of(e->sys_errno));
}

static void
add_untrusted(struct text *t, const struct client_error *e)
{
	add(t, "whoever listens at %s ", e->where);
	if (e->server_uid == (uid_t)-1)
		add(t, "could not be told by the kernel");
	else
		add(t, "is uid %lu", (unsigned long)e->server_uid);
	add(t, ", not root, the user keyd or server-user: nothing was sent. ");
	if (e->server_uid == CLIENT_OVERFLOW_UID)
		add(t, "That number stands for anyone whom the kernel cannot "
		       "name here: is this a user namespace of its own?");
	else
		add(t, "If that is keyd, set server-user");
}

static void
add_timeout(struct text *t, const struct client_error *e)
{
	add(t,
		"keyd at %s did not answer within %u ms: is it overloaded or "
		"stopped?",
		e->where, e->timeout);
}

static void
add_protocol(struct text *t, const struct client_error *e)
{
	add(t,
		"the answer from %s is not of keyd's protocol: are keyd and "
		"this "
		"program of one version?",
		e->where);
}

static void
add_too_large(struct text *t, const struct client_error *e)
{
	(void)e;
	add(t, "the request is larger than keyd takes, or than the system "
	       "allows on a socket (sysctl net.core.wmem_default)");
}

static void
add_no_memory(struct text *t, const struct client_error *e)
{
	(void)e;
	add(t, "no memory");
}

/* What to do about an answer of keyd. */
static const char *const advice[] = {
	[PROTO_MALFORMED] = "are keyd and this program of one version?",
	[PROTO_BAD_VERSION] = "are keyd and this program of one version?",
	[PROTO_UNSUPPORTED] = "is keyd older than this program?",
	[PROTO_UNKNOWN_KEY] = "was it removed, or imported on another machine? "
			      "See keydctl list",
	[PROTO_NOT_PERMITTED] = "add the user to `allow` in the key's policy "
				"and reload keyd",
	[PROTO_BACK_OFF] = "see the alarm in keyd's log",
	[PROTO_IDENTITY] = "is the process in a PID namespace that keyd does "
			   "not see?",
	[PROTO_NO_KEYS] = "add the user to `allow` in a key's policy (in a "
			  "container: by its id outside, and the key to `keys` "
			  "of its listener) and reload keyd",
	[PROTO_NOBODY] = "run the program as a user of its own (one that its "
			 "user namespace maps, if it has one)",
};

static void
add_refused(struct text *t, const struct client_error *e)
{
	const char *name = status_name(e->status);
	const char *setting = detail_setting(e->detail);
	const char *instead = detail_advice(e->detail);
	/* That of the detail knows better. */
	bool has_advice = instead == NULL &&
			  e->status < sizeof(advice) / sizeof(advice[0]) &&
			  advice[e->status] != NULL;

	add(t, "%s", status_text(e->status));
	if (e->status == PROTO_NOT_PERMITTED || e->status == PROTO_NO_KEYS)
		add(t, " (uid %lu)", (unsigned long)geteuid());
	if (e->detail != DETAIL_NONE)
		add(t, ": %s", detail_text(e->detail));
	if (setting != NULL)
		add(t, "; `%s` would allow it", setting);
	else if (instead != NULL)
		add(t, "; %s", instead);
	else if (e->status == PROTO_USE_REFUSED)
		add(t, "; no setting allows it");
	if (has_advice)
		add(t, ": %s", advice[e->status]);
	add(t, " [keyd at %s: %s %u", e->where, name == NULL ? "status" : name,
		e->status);
	if (e->detail != DETAIL_NONE)
		add(t, ", detail %u", e->detail);
	add(t, "]");
}

static void (*const words[])(struct text *, const struct client_error *) = {
	[-CLIENT_REFUSED] = add_refused,
	[-CLIENT_UNREACHABLE] = add_unreachable,
	[-CLIENT_UNTRUSTED] = add_untrusted,
	[-CLIENT_TIMEOUT] = add_timeout,
	[-CLIENT_PROTOCOL] = add_protocol,
	[-CLIENT_TOO_LARGE] = add_too_large,
	[-CLIENT_NO_MEMORY] = add_no_memory,
};

const char *
client_error_text(
	const struct client_error *e, const char *key, char *out, size_t size)
{
	struct text t = { .out = out, .size = size };
	unsigned row = (unsigned)-(int)e->result;

	if (size == 0)
		return out;
	out[0] = '\0';
	if (key != NULL)
		add(&t, "key '%s': ", key);
	if (row < sizeof(words) / sizeof(words[0]) && words[row] != NULL)
		words[row](&t, e);
	else
		add(&t, "no error");
	if (e->fast)
		add(&t, " (not tried again yet: keyd failed to answer in time "
			"a moment ago)");
	return out;
}
