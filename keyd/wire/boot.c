#include "boot.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
boot_put_key(struct writer *w, const struct boot_key *k)
{
	writer_vec8(w, k->name, strlen(k->name));
	writer_u32(w, k->listeners);
	writer_u32(w, k->key_errno);
	writer_u32(w, k->policy_errno);
}

int
boot_get_key(struct reader *r, struct boot_key *out)
{
	struct view name = reader_vec8(r);
	struct boot_key k = { 0 };

	k.listeners = reader_u32(r);
	k.key_errno = reader_u32(r);
	k.policy_errno = reader_u32(r);
	if (reader_finish(r) < 0 || k.listeners == 0 ||
		!proto_is_name(name.data, name.len))
		return -1;
	memcpy(k.name, name.data, name.len);
	*out = k;
	return 0;
}

void
boot_put_foreign(struct writer *w, const struct boot_foreign *f)
{
	writer_vec16(w, f->path, strlen(f->path));
	writer_u32(w, f->uid);
	writer_u32(w, f->mode);
}

int
boot_get_foreign(struct reader *r, struct boot_foreign *out)
{
	struct view path = reader_vec16(r);
	uint32_t uid = reader_u32(r), mode = reader_u32(r);

	if (reader_finish(r) < 0 || path.len == 0 || path.len > BOOT_MAX_PATH ||
		memchr(path.data, '\0', path.len) != NULL || mode > 07777)
		return -1;
	memcpy(out->path, path.data, path.len);
	out->path[path.len] = '\0';
	out->uid = uid;
	out->mode = mode;
	return 0;
}

void
boot_put_set(struct writer *w, const struct boot_set *s)
{
	unsigned i;

	writer_u8(w, s->nuids);
	writer_u8(w, s->ngids);
	writer_u8(w, s->nunits);
	writer_u8(w, s->ring_kind);
	writer_u32(w, s->ring_len);
	writer_u32(w, s->keys);
	writer_u32(w, s->listeners);
	for (i = 0; i < s->nuids; i++)
		writer_u32(w, s->uids[i]);
	for (i = 0; i < s->ngids; i++)
		writer_u32(w, s->gids[i]);
	for (i = 0; i < s->nunits; i++)
		writer_vec8(w, s->units[i], strlen(s->units[i]));
}

int
boot_get_set(struct reader *r, struct boot_set *out)
{
	struct boot_set s = { 0 };
	unsigned i;

	s.nuids = reader_u8(r);
	s.ngids = reader_u8(r);
	s.nunits = reader_u8(r);
	s.ring_kind = reader_u8(r);
	s.ring_len = reader_u32(r);
	s.keys = reader_u32(r);
	s.listeners = reader_u32(r);
	if (s.listeners == 0 || s.nuids > BOOT_MAX_UIDS ||
		s.ngids > BOOT_MAX_GIDS || s.nunits > BOOT_MAX_UNITS ||
		s.ring_len == 0 || s.ring_len > BOOT_MAX_RING ||
		(s.ring_kind != BOOT_RING_SECRET &&
			s.ring_kind != BOOT_RING_SEALED))
		return -1;
	for (i = 0; i < s.nuids; i++)
		s.uids[i] = reader_u32(r);
	for (i = 0; i < s.ngids; i++)
		s.gids[i] = reader_u32(r);
	for (i = 0; i < s.nunits; i++) {
		struct view v = reader_vec8(r);

		if (v.len == 0 || v.len > BOOT_MAX_UNIT ||
			memchr(v.data, '\0', v.len) != NULL)
			return -1;
		memcpy(s.units[i], v.data, v.len);
	}
	if (reader_finish(r) < 0)
		return -1;
	*out = s;
	return 0;
}

void
boot_put_start(struct writer *w, const struct boot_start *s)
{
	unsigned i;

	writer_u64(w, s->number);
	writer_u64(w, s->generation);
	writer_u32(w, s->peer_pid);
	writer_u32(w, s->peer_uid);
	writer_u32(w, s->peer_gid);
	writer_u32(w, s->index_len);
	writer_u8(w, s->nrings);
	for (i = 0; i < s->nrings; i++)
		writer_u32(w, s->ring_len[i]);
}

int
boot_get_start(struct reader *r, struct boot_start *out)
{
	struct boot_start s = { 0 };
	unsigned i;

	s.number = reader_u64(r);
	s.generation = reader_u64(r);
	s.peer_pid = reader_u32(r);
	s.peer_uid = reader_u32(r);
	s.peer_gid = reader_u32(r);
	s.index_len = reader_u32(r);
	s.nrings = reader_u8(r);
	if (s.nrings > BOOT_MAX_RINGS || s.index_len == 0 ||
		s.index_len > BOOT_MAX_RING)
		return -1;
	for (i = 0; i < s.nrings; i++) {
		s.ring_len[i] = reader_u32(r);
		if (s.ring_len[i] == 0 || s.ring_len[i] > BOOT_MAX_RING)
			return -1;
	}
	if (reader_finish(r) < 0)
		return -1;
	*out = s;
	return 0;
}

void
boot_put_description(struct writer *w, const struct boot_description *d)
{
	writer_u8(w, d->key_type);
	writer_u16(w, d->bits);
	writer_bytes(w, d->hash, PROTO_HASH_LEN);
	writer_u8(w, d->form);
	writer_vec8(w, d->name.data, d->name.len);
	writer_vec16(w, d->spki.data, d->spki.len);
	writer_u8(w, d->certificate);
	writer_u32(w, d->use);
	writer_u8(w, d->certain);
	writer_u64(w, d->not_before);
	writer_u64(w, d->not_after);
	writer_vec16(w, d->subject.data, d->subject.len);
	writer_vec16(w, d->why.data, d->why.len);
}

int
boot_get_description(struct reader *r, struct boot_description *out)
{
	struct boot_description d = { 0 };

	d.key_type = reader_u8(r);
	d.bits = reader_u16(r);
	reader_copy(r, d.hash, PROTO_HASH_LEN);
	d.form = reader_u8(r);
	d.name = reader_vec8(r);
	d.spki = reader_vec16(r);
	d.certificate = reader_u8(r);
	d.use = reader_u32(r);
	d.certain = reader_u8(r);
	d.not_before = reader_u64(r);
	d.not_after = reader_u64(r);
	d.subject = reader_vec16(r);
	d.why = reader_vec16(r);
	if (reader_finish(r) < 0 || d.form < BOOT_FORM_PKCS8 ||
		d.form > BOOT_FORM_CERTIFICATE || d.spki.len == 0 ||
		d.spki.len > PROTO_MAX_SPKI || d.certificate > 2 ||
		d.certain > 1 || d.subject.len > BOOT_MAX_TEXT ||
		d.why.len > BOOT_MAX_TEXT ||
		(d.name.len > 0 && !proto_is_name(d.name.data, d.name.len)))
		return -1;
	*out = d;
	return 0;
}

void
boot_put_extracted(struct writer *w, const struct boot_extracted *e)
{
	writer_u32(w, e->start);
	writer_u32(w, e->len);
	writer_u8(w, e->der);
	writer_u8(w, e->encrypted);
	writer_u8(w, e->own);
	writer_u8(w, e->shells);
	writer_u8(w, e->more);
	writer_vec16(w, e->pem.data, e->pem.len);
}

int
boot_get_extracted(struct reader *r, struct boot_extracted *out)
{
	struct boot_extracted e = { 0 };

	e.start = reader_u32(r);
	e.len = reader_u32(r);
	e.der = reader_u8(r);
	e.encrypted = reader_u8(r);
	e.own = reader_u8(r);
	e.shells = reader_u8(r);
	e.more = reader_u8(r);
	e.pem = reader_vec16(r);
	if (reader_finish(r) < 0 || e.start > BOOT_MAX_KEY_FILE || e.len == 0 ||
		e.len > BOOT_MAX_KEY_FILE - e.start || e.der > 1 ||
		e.encrypted > 1 || e.own > 1)
		return -1;
	*out = e;
	return 0;
}

enum {
	BOOT_MAX_FDS = BOOT_MAX_RINGS + 2,
};

union fd_control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(BOOT_MAX_FDS * sizeof(int))];
};

int
boot_send(int fd, const void *data, size_t len, const int *fds, size_t nfds)
{
	union fd_control control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data,
		.iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (nfds > BOOT_MAX_FDS) {
		errno = EINVAL;
		return -1;
	}
	if (nfds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	do
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* Moves the received descriptors to fds; those over max are closed. */
static size_t
take_fds(struct msghdr *msg, int *fds, size_t max, bool *too_many)
{
	struct cmsghdr *c;
	size_t i, n, got = 0;
	int one;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&one, CMSG_DATA(c) + i * sizeof(int),
				sizeof(one));
			if (got < max) {
				fds[got++] = one;
			} else {
				(void)close(one);
				*too_many = true;
			}
		}
	}
	return got;
}

long
boot_recv(int fd, void *data, size_t size, int *fds, size_t max, size_t *nfds)
{
	union fd_control control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	bool bad = false;
	size_t got;
	ssize_t n;

	*nfds = 0;
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	got = take_fds(&msg, fds, max, &bad);
	if (bad || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		while (got > 0)
			(void)close(fds[--got]);
		errno = EBADMSG;
		return -1;
	}
	*nfds = got;
	return n;
}
