#include "talk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
close_all(const int *fds, size_t n)
{
	while (n > 0)
		(void)close(fds[--n]);
}

static void
send_with(struct talk *t, const struct writer *w, int fd)
{
	size_t len;

	if (t->lost)
		return;
	if (writer_finish(w, &len) < 0 ||
		boot_send(t->fd, w->start, len, &fd, fd >= 0 ? 1 : 0) < 0)
		t->lost = true;
}

static struct writer
start(uint8_t *buf, size_t size, enum boot_type type)
{
	struct writer w = writer_init(buf, size);

	writer_u8(&w, (uint8_t)type);
	return w;
}

/* Receives any datagram: its type and a reader behind it. */
static int
receive(struct talk *t, uint8_t buf[BOOT_MAX], uint8_t *type, struct reader *r,
	int fds[2], size_t *nfds)
{
	long n;

	*nfds = 0;
	if (t->lost)
		return -1;
	n = boot_recv(t->fd, buf, BOOT_MAX, fds, 2, nfds);
	if (n <= 0) {
		t->lost = true;
		return -1;
	}
	*r = reader_init(buf, (size_t)n);
	*type = reader_u8(r);
	return 0;
}

void
talk_ready(struct talk *t, uint32_t on, uint32_t off)
{
	uint8_t buf[16];
	struct writer w = start(buf, sizeof(buf), BOOT_READY);

	writer_u32(&w, on);
	writer_u32(&w, off);
	send_with(t, &w, -1);
}

int
talk_receive(struct talk *t, uint8_t buf[BOOT_MAX], enum boot_type type,
	struct reader *r, int fds[2], size_t *nfds)
{
	uint8_t got;

	if (receive(t, buf, &got, r, fds, nfds) < 0)
		return -1;
	if (got != type) {
		close_all(fds, *nfds);
		t->lost = true;
		return -1;
	}
	return 0;
}

int
talk_next(struct talk *t, struct boot_key *key, int *key_fd, int *policy_fd)
{
	uint8_t buf[BOOT_MAX], type;
	struct writer w = start(buf, sizeof(buf), BOOT_NEXT);
	struct reader r;
	struct boot_key k;
	size_t nfds, used = 0;
	int fds[2];

	send_with(t, &w, -1);
	if (receive(t, buf, &type, &r, fds, &nfds) < 0)
		return 0;
	if (type == BOOT_END && nfds == 0 && reader_finish(&r) == 0)
		return 0;
	if (type != BOOT_KEY || boot_get_key(&r, &k) < 0 ||
		nfds != (k.key_errno == 0) + (size_t)(k.policy_errno == 0)) {
		close_all(fds, nfds);
		t->lost = true;
		return 0;
	}
	*key_fd = k.key_errno == 0 ? fds[used++] : -1;
	*policy_fd = k.policy_errno == 0 ? fds[used] : -1;
	*key = k;
	return 1;
}

/* What came as the answer to a question. */
struct answer {
	uint8_t buf[BOOT_MAX], type;
	struct reader body;
	int fds[2];
	size_t nfds;
};

/* An answer of `no`: its errno. Any other breaks the protocol. */
static int
take_no(struct talk *t, struct answer *a)
{
	uint32_t value = reader_u32(&a->body);

	close_all(a->fds, a->nfds);
	if (reader_finish(&a->body) == 0 && a->type == BOOT_NO &&
		a->nfds == 0 && value > 0 && value < 4096)
		return (int)value;
	t->lost = true;
	return ECONNRESET;
}

static int
wait_answer(struct talk *t, struct answer *a)
{
	return receive(t, a->buf, &a->type, &a->body, a->fds, &a->nfds);
}

int
talk_open(struct talk *t, const char *path, int *fd, struct boot_foreign *why)
{
	uint8_t buf[BOOT_MAX];
	struct writer w = start(buf, sizeof(buf), BOOT_OPEN);
	struct answer a;

	writer_vec16(&w, path, strlen(path));
	send_with(t, &w, -1);
	if (wait_answer(t, &a) < 0)
		return ECONNRESET;
	if (a.type == BOOT_FILE && a.nfds == 1 && reader_finish(&a.body) == 0) {
		*fd = a.fds[0];
		return 0;
	}
	if (a.type == BOOT_FOREIGN && a.nfds == 0 &&
		boot_get_foreign(&a.body, why) == 0)
		return TALK_FOREIGN;
	return take_no(t, &a);
}

static int
look_up(struct talk *t, enum boot_type type, const char *name, uint32_t *id)
{
	uint8_t buf[BOOT_MAX];
	struct writer w = start(buf, sizeof(buf), type);
	struct answer a;
	uint32_t value;

	if (strlen(name) > UINT8_MAX)
		return ENOENT;
	writer_vec8(&w, name, strlen(name));
	send_with(t, &w, -1);
	if (wait_answer(t, &a) < 0)
		return ECONNRESET;
	if (a.type != BOOT_ID || a.nfds != 0)
		return take_no(t, &a);
	value = reader_u32(&a.body);
	if (reader_finish(&a.body) < 0) {
		t->lost = true;
		return ECONNRESET;
	}
	*id = value;
	return 0;
}

int
talk_user(struct talk *t, const char *name, uint32_t *id)
{
	return look_up(t, BOOT_USER, name, id);
}

int
talk_group(struct talk *t, const char *name, uint32_t *id)
{
	return look_up(t, BOOT_GROUP, name, id);
}

void
talk_report(struct talk *t, enum talk_priority priority, const char *where,
	unsigned line, const char *text)
{
	char words[BOOT_MAX_TEXT], number[16] = "";
	uint8_t buf[BOOT_MAX];
	struct writer w = start(buf, sizeof(buf), BOOT_REPORT);
	size_t i;

	if (line > 0)
		(void)snprintf(number, sizeof(number), ":%u", line);
	(void)snprintf(words, sizeof(words), "%s%s: %s", where, number, text);
	for (i = 0; words[i] != '\0'; i++)
		if (words[i] < 0x20 || words[i] > 0x7e)
			words[i] = '?';
	if (priority == TALK_ERROR)
		t->errors++;
	writer_u8(&w, (uint8_t)priority);
	writer_vec16(&w, words, i);
	send_with(t, &w, -1);
}

void
talk_left_out(struct talk *t, const char *name)
{
	uint8_t buf[PROTO_MAX_NAME + 2];
	struct writer w = start(buf, sizeof(buf), BOOT_LEFT_OUT);

	writer_vec8(&w, name, strlen(name));
	send_with(t, &w, -1);
}

void
talk_index(struct talk *t, uint32_t len, uint32_t keys, int fd)
{
	uint8_t buf[16];
	struct writer w = start(buf, sizeof(buf), BOOT_INDEX);

	writer_u32(&w, len);
	writer_u32(&w, keys);
	send_with(t, &w, fd);
}

void
talk_set(struct talk *t, const struct boot_set *set, int fd)
{
	uint8_t buf[BOOT_MAX];
	struct writer w = start(buf, sizeof(buf), BOOT_SET);

	boot_put_set(&w, set);
	send_with(t, &w, fd);
}

void
talk_done(struct talk *t, bool ok, uint32_t keys)
{
	uint8_t buf[16];
	struct writer w = start(buf, sizeof(buf), BOOT_DONE);

	writer_u8(&w, ok);
	writer_u32(&w, keys);
	writer_u32(&w, t->errors);
	send_with(t, &w, -1);
}

void
talk_send(struct talk *t, const void *data, size_t len)
{
	if (!t->lost && boot_send(t->fd, data, len, NULL, 0) < 0)
		t->lost = true;
}
