#include "starter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockdown/lockdown.h"

enum { DEADLINE_MS = 60000 };

/* Names that the machine of the tests knows. */
static const struct {
	const char *name;
	uint32_t id;
} users[] = { { "root", 0 }, { "www", 33 }, { "mail", 8 },
	{ "nobody", 65534 } },
  groups[] = { { "ssl-cert", 110 }, { "nogroup", 65534 } };

int
starter_file(const void *data, size_t len, mode_t mode, uid_t owner)
{
	char path[] = "/tmp/keyd-test-XXXXXX";
	int fd = mkstemp(path), r;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, data, len), (ssize_t)len);
	cr_assert_eq(fchmod(fd, mode), 0);
	if (owner != 0)
		cr_assert_eq(fchown(fd, owner, (gid_t)-1), 0);
	r = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(r, 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(close(fd), 0);
	return r;
}

pid_t
starter_spawn(const struct starter *s, const char *mode, int *fd)
{
	struct lockdown_plan plan = { .uid = s->uid == 0 ? (uid_t)-1 : s->uid,
		.gid = s->uid == 0 ? (gid_t)-1 : (gid_t)s->uid,
		.wanted = lockdown_wanted() & ~s->unwanted };
	const char *program = getenv("KEYD_LOAD");
	char text[PATH_MAX + 64];
	int pair[2];
	pid_t pid;

	cr_assert_not_null(program);
	if (s->chroot != NULL)
		(void)snprintf(
			plan.chroot, sizeof(plan.chroot), "%s", s->chroot);
	cr_assert_eq(lockdown_plan_print(&plan, text, sizeof(text)), 0);
	cr_assert_eq(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		/* The sanitizer's leak check would need ptrace(2). */
		if (setenv("ASAN_OPTIONS", "abort_on_error=1:detect_leaks=0",
			    1) == 0 &&
			(pair[1] == BOOT_FD_CONTROL
					? fcntl(pair[1], F_SETFD, 0)
					: dup2(pair[1], BOOT_FD_CONTROL)) >= 0)
			(void)execl(
				program, "keyd-load", text, mode, (char *)NULL);
		_exit(127);
	}
	cr_assert_eq(close(pair[1]), 0);
	*fd = pair[0];
	return pid;
}

static void
finish(struct starter *s, pid_t pid, int fd)
{
	cr_assert_eq(close(fd), 0);
	cr_assert_eq(waitpid(pid, &s->status, 0), pid);
}

static struct reader
receive(struct starter *s, int fd, int *fds, size_t *nfds)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	long n;

	cr_assert_eq(poll(&p, 1, DEADLINE_MS), 1, "keyd-load is silent");
	n = boot_recv(fd, s->answer, sizeof(s->answer), fds, 2, nfds);
	cr_assert_gt(n, 0, "keyd-load ended early");
	s->answer_len = (size_t)n;
	return reader_init(s->answer, (size_t)n);
}

static void
reply(int fd, const struct writer *w, const int *fds, size_t nfds)
{
	size_t len, i;

	cr_assert_eq(writer_finish(w, &len), 0);
	cr_assert_eq(boot_send(fd, w->start, len, fds, nfds), 0);
	for (i = 0; i < nfds; i++)
		cr_assert_eq(close(fds[i]), 0);
}

static void
send_key(int fd, const struct starter_key *k)
{
	struct boot_key b = { 0 };
	uint8_t buf[128];
	struct writer w = writer_init(buf, sizeof(buf));
	size_t n = 0;
	int fds[2];

	(void)snprintf(b.name, sizeof(b.name), "%s", k->name);
	b.listeners = k->listeners > 0 ? k->listeners : 1;
	b.key_errno = k->key == NULL ? ENOENT : 0;
	b.policy_errno = k->policy == NULL ? ENOENT : 0;
	if (k->key != NULL)
		fds[n++] = starter_file(k->key,
			k->key_len > 0 ? k->key_len : strlen(k->key),
			k->key_mode > 0 ? k->key_mode : 0600, k->key_owner);
	if (k->policy != NULL)
		fds[n++] = starter_file(k->policy, strlen(k->policy),
			k->policy_mode > 0 ? k->policy_mode : 0644, 0);
	writer_u8(&w, BOOT_KEY);
	boot_put_key(&w, &b);
	reply(fd, &w, fds, n);
}

static void
answer_next(struct starter *s, int fd)
{
	uint8_t end = BOOT_END;

	if (s->keys != NULL && s->keys->name != NULL)
		send_key(fd, s->keys++);
	else
		cr_assert_eq(boot_send(fd, &end, 1, NULL, 0), 0);
}

static void
answer_no(int fd, uint32_t error)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));

	writer_u8(&w, BOOT_NO);
	writer_u32(&w, error);
	reply(fd, &w, NULL, 0);
}

static bool
is_text(struct view v, const char *text)
{
	return v.len == strlen(text) && memcmp(v.data, text, v.len) == 0;
}

static void
answer_foreign(int fd, const struct starter_file *f)
{
	struct boot_foreign foreign = { .uid = f->uid, .mode = f->mode };
	uint8_t buf[BOOT_MAX];
	struct writer w = writer_init(buf, sizeof(buf));

	(void)snprintf(foreign.path, sizeof(foreign.path), "%s", f->foreign);
	writer_u8(&w, BOOT_FOREIGN);
	boot_put_foreign(&w, &foreign);
	reply(fd, &w, NULL, 0);
}

static void
answer_open(struct starter *s, int fd, struct view path)
{
	const struct starter_file *f = s->files;
	uint8_t buf[1] = { BOOT_FILE };
	struct writer w = writer_init(buf, sizeof(buf));
	int file;

	while (f != NULL && f->path != NULL && !is_text(path, f->path))
		f++;
	if (f == NULL || f->path == NULL) {
		answer_no(fd, ENOENT);
		return;
	}
	if (f->foreign != NULL) {
		answer_foreign(fd, f);
		return;
	}
	file = starter_file(f->text, strlen(f->text), 0644, 0);
	writer_u8(&w, BOOT_FILE);
	reply(fd, &w, &file, 1);
}

static void
answer_id(int fd, bool user, struct view name)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));
	size_t i, n = user ? sizeof(users) / sizeof(users[0])
			   : sizeof(groups) / sizeof(groups[0]);

	for (i = 0; i < n; i++)
		if (is_text(name, user ? users[i].name : groups[i].name))
			break;
	if (i == n) {
		answer_no(fd, ENOENT);
		return;
	}
	writer_u8(&w, BOOT_ID);
	writer_u32(&w, user ? users[i].id : groups[i].id);
	reply(fd, &w, NULL, 0);
}

static void
take_report(struct starter *s, struct reader *r)
{
	struct starter_report *p = &s->reports[s->nreports];
	struct view text;
	size_t i;

	cr_assert_lt(s->nreports, STARTER_REPORTS);
	p->priority = reader_u8(r);
	text = reader_vec16(r);
	cr_assert_eq(reader_finish(r), 0);
	cr_assert(p->priority == 3 || p->priority == 4 || p->priority == 6);
	cr_assert_leq(text.len, BOOT_MAX_TEXT);
	for (i = 0; i < text.len; i++)
		cr_assert(text.data[i] >= 0x20 && text.data[i] < 0x7f);
	memcpy(p->text, text.data, text.len);
	p->text[text.len] = '\0';
	s->nreports++;
}

static void
take_left_out(struct starter *s, struct reader *r)
{
	struct view name = reader_vec8(r);
	unsigned i;

	cr_assert_eq(reader_finish(r), 0);
	cr_assert(proto_is_name((const char *)name.data, name.len));
	cr_assert_lt(s->nleft_out, STARTER_LEFT_OUT);
	for (i = 0; i < s->nleft_out; i++)
		cr_assert_not(is_text(name, s->left_out[i]), "told twice");
	memcpy(s->left_out[s->nleft_out], name.data, name.len);
	s->left_out[s->nleft_out++][name.len] = '\0';
}

static void *
map(int fd, size_t len)
{
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);

	cr_assert_neq(p, MAP_FAILED);
	return p;
}

static void
take_set(struct starter *s, struct reader *r, const int *fds, size_t nfds)
{
	struct boot_set *set = &s->sets[s->nsets];

	cr_assert_lt(s->nsets, STARTER_SETS);
	cr_assert_eq(nfds, 1);
	cr_assert_eq(boot_get_set(r, set), 0);
	s->ring_fds[s->nsets] = fds[0];
	s->rings[s->nsets] = map(fds[0], set->ring_len);
	s->nsets++;
}

static void
take_index(struct starter *s, struct reader *r, const int *fds, size_t nfds)
{
	s->index_len = reader_u32(r);
	s->index_keys = reader_u32(r);
	cr_assert_eq(reader_finish(r), 0);
	cr_assert_eq(nfds, 1);
	cr_assert_null(s->index);
	s->index_fd = fds[0];
	s->index = map(fds[0], s->index_len);
}

/* Answers one datagram; true if the loader waits for nothing more. */
static bool
answer_one(struct starter *s, int fd)
{
	size_t nfds;
	int fds[2];
	struct reader r = receive(s, fd, fds, &nfds);
	uint8_t type = reader_u8(&r);
	struct view v;

	switch (type) {
	case BOOT_READY:
		s->on = reader_u32(&r);
		s->off = reader_u32(&r);
		break;
	case BOOT_NEXT:
		answer_next(s, fd);
		break;
	case BOOT_OPEN:
		v = reader_vec16(&r);
		answer_open(s, fd, v);
		break;
	case BOOT_USER:
	case BOOT_GROUP:
		v = reader_vec8(&r);
		answer_id(fd, type == BOOT_USER, v);
		break;
	case BOOT_REPORT:
		take_report(s, &r);
		break;
	case BOOT_LEFT_OUT:
		take_left_out(s, &r);
		break;
	case BOOT_SET:
		take_set(s, &r, fds, nfds);
		break;
	case BOOT_INDEX:
		take_index(s, &r, fds, nfds);
		break;
	case BOOT_DONE:
		s->ok = reader_u8(&r);
		s->done_keys = reader_u32(&r);
		s->done_errors = reader_u32(&r);
		break;
	default:
		return true;
	}
	cr_assert_eq(reader_finish(&r), 0, "type %u", type);
	return type == BOOT_DONE;
}

void
starter_load(struct starter *s)
{
	int fd;
	pid_t pid = starter_spawn(s, "load", &fd);

	while (!answer_one(s, fd))
		;
	cr_assert_eq(s->answer[0], BOOT_DONE);
	finish(s, pid, fd);
}

void
starter_inspect(struct starter *s, const char *key, size_t key_len,
	const char *certificate)
{
	uint8_t question[] = { BOOT_INSPECT, certificate != NULL };
	size_t n = 0;
	int fds[2], fd;
	pid_t pid = starter_spawn(s, "inspect", &fd);

	cr_assert_not(answer_one(s, fd)); /* ready */
	if (key != NULL)
		fds[n++] = starter_file(key, key_len, 0644, 0);
	if (certificate != NULL)
		fds[n++] =
			starter_file(certificate, strlen(certificate), 0644, 0);
	cr_assert_eq(boot_send(fd, question, sizeof(question), fds, n), 0);
	while (n > 0)
		cr_assert_eq(close(fds[--n]), 0);
	while (!answer_one(s, fd))
		;
	finish(s, pid, fd);
}

void
starter_generate(struct starter *s, uint8_t type, uint16_t bits)
{
	uint8_t question[] = { BOOT_GENERATE, type, (uint8_t)(bits >> 8),
		(uint8_t)bits };
	int fd;
	pid_t pid = starter_spawn(s, "generate", &fd);

	cr_assert_not(answer_one(s, fd)); /* ready */
	cr_assert_eq(boot_send(fd, question, sizeof(question), NULL, 0), 0);
	while (!answer_one(s, fd))
		;
	finish(s, pid, fd);
}

const struct starter_report *
starter_find(const struct starter *s, uint8_t priority, const char *words)
{
	unsigned i;

	for (i = 0; i < s->nreports; i++)
		if (s->reports[i].priority == priority &&
			strstr(s->reports[i].text, words) != NULL)
			return &s->reports[i];
	return NULL;
}
