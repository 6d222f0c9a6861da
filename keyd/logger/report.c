#include "logger/report.h"

#include <string.h>
#include <syslog.h>

#include "wire/status.h"

enum {
	ENDED_WELL = 0,
	ENDED_BY_PEER = 1,
	ENDED_LOST = 3,
	BY_SIGNAL = 256,
	KILLED = BY_SIGNAL + 9,
	TERMINATED = BY_SIGNAL + 15,
};

static void
add_peer(struct line *l, uint32_t session, const struct track_peer *peer)
{
	if (peer != NULL)
		line_add(l, " peer pid=%u uid=%u gid=%u", peer->pid, peer->uid,
			peer->gid);
	else
		line_add(l, " peer unknown");
	if (peer != NULL && peer->listener[0] != '\0') {
		line_add(l, " listener=");
		line_add_escaped(l, peer->listener, sizeof(peer->listener));
	}
	if (session != 0)
		line_add(l, " session=%u", session);
}

static void
add_scheme(struct line *l, const struct audit *a)
{
	const struct proto_scheme scheme = { .algorithm = a->algorithm,
		.digest = a->digest,
		.mgf1 = a->algorithm == PROTO_RSA_PSS ? a->digest : 0,
		.salt = a->salt };
	char name[80];

	line_add(l, " scheme=\"%s\" input=%s",
		proto_scheme_name(&scheme, name, sizeof(name)),
		a->input == PROTO_INPUT_DIGEST ? "digest" : "message");
}

static void
add_padding(struct line *l, const struct audit *a)
{
	const char *digest = proto_digest_name(a->digest);

	line_add(l, " padding=\"%s", proto_padding_name(a->algorithm));
	if (a->digest != PROTO_NO_DIGEST)
		line_add(l, " %s", digest == NULL ? "unknown-digest" : digest);
	line_add(l, "\"");
}

/* What was asked for; fields that are zero were not in the request. */
static void
add_request(struct line *l, const struct audit *a)
{
	static const uint8_t none[PROTO_HASH_LEN];

	if (a->name[0] != '\0') {
		line_add(l, " key=");
		line_add_escaped(l, a->name, sizeof(a->name));
	}
	if (memcmp(a->hash, none, sizeof(none)) != 0) {
		line_add(l, " sha256=");
		line_add_hex(l, a->hash, sizeof(a->hash));
	}
	if (a->algorithm != 0 && a->type == PROTO_DECRYPT)
		add_padding(l, a);
	else if (a->algorithm != 0)
		add_scheme(l, a);
	if (a->length != 0)
		line_add(l, " bytes=%u", a->length);
}

/* Who may use a key at all is no detail, but a setting too. */
static const char *
setting_of(const struct audit *a)
{
	if ((a->status == PROTO_NOT_PERMITTED || a->status == PROTO_NO_KEYS) &&
		detail_advice(a->detail) == NULL)
		return "allow";
	return detail_setting(a->detail);
}

static void
add_reason(struct line *l, const struct audit *a)
{
	const char *detail = detail_text(a->detail);
	const char *setting = setting_of(a);
	const char *instead = detail_advice(a->detail);

	line_add(l, ": %s", status_text(a->status));
	if (detail[0] != '\0')
		line_add(l, ": %s", detail);
	if (setting != NULL)
		line_add(l, "; would be allowed by `%s`", setting);
	else if (instead != NULL)
		line_add(l, "; %s", instead);
}

static int
report_request(struct line *l, const struct audit *a, uint32_t session,
	const struct track_peer *peer)
{
	static const char *const words[] = {
		[AUDIT_REFUSED] = "refused",
		[AUDIT_WOULD_REFUSE] = "would refuse, but for `enforce = log`,",
		[AUDIT_FAILED] = "failed",
	};
	const char *type = proto_type_name(a->type);

	line_add(l, "%s %s:", words[a->kind],
		a->type == 0 || type == NULL ? "a request" : type);
	add_request(l, a);
	add_peer(l, session, peer);
	if (a->status == PROTO_IDENTITY)
		line_add(l, " sender pid=%u uid=%u", a->pid, a->peer_uid);
	add_reason(l, a);
	return 1;
}

static int
report_turned_away(struct line *l, const struct audit *a, uint32_t session,
	const struct track_peer *peer)
{
	(void)session;
	line_add(l, "turned away:");
	add_peer(l, 0, peer);
	add_reason(l, a);
	return 1;
}

static int
report_nothing(struct line *l, const struct audit *a, uint32_t session,
	const struct track_peer *peer)
{
	(void)l;
	(void)a;
	(void)session;
	(void)peer;
	return 0;
}

static int
report_end(struct line *l, const struct audit *a, uint32_t session,
	const struct track_peer *peer)
{
	if (a->code == ENDED_WELL || a->code == KILLED || a->code == TERMINATED)
		return 0;
	line_add(l, "session ended:");
	add_peer(l, session, peer);
	if (a->code == ENDED_BY_PEER)
		line_add(l, ": the peer broke the protocol");
	else if (a->code == ENDED_LOST)
		line_add(l, ": its last audit records could not be delivered");
	else if (a->code < BY_SIGNAL)
		line_add(l, ": keyd failed, exit code %u", a->code);
	else
		line_add(l, ": it died of signal %u", a->code - BY_SIGNAL);
	return 1;
}

static const struct row {
	int priority;
	int (*report)(struct line *l, const struct audit *a, uint32_t session,
		const struct track_peer *peer);
} rows[] = {
	[AUDIT_REFUSED] = { LOG_WARNING, report_request },
	[AUDIT_WOULD_REFUSE] = { LOG_WARNING, report_request },
	[AUDIT_FAILED] = { LOG_ERR, report_request },
	[AUDIT_SESSION_START] = { LOG_INFO, report_nothing },
	[AUDIT_SESSION_END] = { LOG_WARNING, report_end },
	[AUDIT_TURNED_AWAY] = { LOG_WARNING, report_turned_away },
};

int
report_line(const struct audit *a, uint32_t session,
	const struct track_peer *peer, int prefix, struct line *out)
{
	const struct row *row = NULL;

	if (a->kind < sizeof(rows) / sizeof(rows[0]))
		row = &rows[a->kind];
	if (row == NULL || row->report == NULL)
		return 0;
	line_start(out, row->priority, prefix);
	return row->report(out, a, session, peer);
}

void
report_held_back(const struct limit_id *what, uint32_t count, int prefix,
	struct line *out)
{
	static const char *const words[] = {
		[AUDIT_REFUSED] = "refused",
		[AUDIT_WOULD_REFUSE] = "would be refused",
		[AUDIT_FAILED] = "failed",
		[AUDIT_SESSION_END] = "sessions ended",
		[AUDIT_TURNED_AWAY] = "turned away",
	};
	const char *kind = NULL, *detail = detail_text(what->detail);

	if (what->kind < sizeof(words) / sizeof(words[0]))
		kind = words[what->kind];
	line_start(out, LOG_WARNING, prefix);
	if (what->who.listener[0] != '\0') {
		line_add(out, "listener=");
		line_add_escaped(
			out, what->who.listener, sizeof(what->who.listener));
	} else {
		line_add(out, "uid=%u", what->who.uid);
	}
	line_add(out, ": %u more ", count);
	if (what->kind == LIMIT_LOST) {
		line_add(out, "audit records could not be delivered");
	} else if (what->kind == LIMIT_NO_RECORD) {
		line_add(out, "records suppressed: not audit records");
	} else if (kind == NULL) {
		line_add(out, "records suppressed: of too many kinds");
	} else if (what->kind == AUDIT_SESSION_END) {
		line_add(out, "records suppressed: %s, code %u", kind,
			what->detail);
	} else {
		line_add(out, "records suppressed: %s: %s", kind,
			status_text(what->status));
		if (detail[0] != '\0')
			line_add(out, ": %s", detail);
	}
}
