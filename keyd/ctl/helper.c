#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ini/ini.h"
#include "lockdown/lockdown.h"
#include "text.h"

enum {
	TIMEOUT = 120 * 1000, /* ms: a large RSA key takes its time */
	NOBODY = 65534,
};

struct helper {
	pid_t pid;
	int fd;
};

/* Whom keyd-load becomes: keyd's user, else nobody; never root. */
static void
drop_to(const struct config *c, struct lockdown_plan *plan)
{
	const struct passwd *pw;
	unsigned long uid, gid = 0;
	char number[64];
	const char *colon = strchr(c->user, ':');
	int n = colon == NULL ? -1 : (int)(colon - c->user);

	plan->uid = NOBODY;
	plan->gid = NOBODY;
	(void)snprintf(number, sizeof(number), "%.*s", n, c->user);
	if (ini_number(number, UINT32_MAX - 1, &uid) == 0) {
		plan->uid = (uid_t)uid;
		plan->gid = (gid_t)uid;
		if (colon != NULL &&
			ini_number(colon + 1, UINT32_MAX - 1, &gid) == 0)
			plan->gid = (gid_t)gid;
		return;
	}
	pw = getpwnam(c->user);
	if (pw != NULL) {
		plan->uid = pw->pw_uid;
		plan->gid = pw->pw_gid;
	}
}

static int
make_plan(const struct config *c, char *out, size_t size)
{
	struct lockdown_plan plan = {
		.uid = (uid_t)-1, .gid = (gid_t)-1, .wanted = lockdown_wanted()
	};
	struct stat st;

	if (geteuid() == 0) {
		drop_to(c, &plan);
		/* keyd makes it when it starts for the first time. */
		if (lstat(c->chroot, &st) == 0 && S_ISDIR(st.st_mode) &&
			st.st_uid == 0)
			(void)snprintf(plan.chroot, sizeof(plan.chroot), "%s",
				c->chroot);
	}
	return lockdown_plan_print(&plan, out, size);
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizers' own settings, in builds that have them. */
static const char *const passed_on[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS",
	NULL };
#else
static const char *const passed_on[] = { NULL };
#endif

void
helper_environment(char *envp[HELPER_ENVIRONMENT])
{
	size_t i, n = 0, len;
	char **e;

	for (e = environ; *e != NULL; e++)
		for (i = 0; passed_on[i] != NULL; i++) {
			len = strlen(passed_on[i]);
			if (n + 1 < HELPER_ENVIRONMENT &&
				strncmp(*e, passed_on[i], len) == 0 &&
				(*e)[len] == '=')
				envp[n++] = *e;
		}
	envp[n] = NULL;
}

/* In the child: descriptor 3 and nothing else. */
static void
run(const char *program, char *plan, const char *mode, int fd, pid_t parent)
{
	char name[] = "keyd-load";
	char how[16];
	char *argv[] = { name, plan, how, NULL };
	char *envp[HELPER_ENVIRONMENT];

	helper_environment(envp);
	(void)snprintf(how, sizeof(how), "%s", mode);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	/* dup2 onto itself would keep close-on-exec. */
	if (fd == BOOT_FD_CONTROL ? fcntl(fd, F_SETFD, 0) < 0
				  : dup2(fd, BOOT_FD_CONTROL) < 0)
		_exit(127);
	(void)execve(program, argv, envp);
	_exit(127);
}

static int
start(const struct config *c, const char *mode, struct helper *h,
	struct fault *f)
{
	char program[PATH_MAX], plan[PATH_MAX + 64];
	pid_t parent = getpid();
	int sv[2];

	if (config_helper("keyd-load", program, sizeof(program)) < 0)
		return fault_set(f, FAULT_FAILED,
			"keyd-load: %s: is openssl-keyd installed whole?",
			strerror(errno));
	if (make_plan(c, plan, sizeof(plan)) < 0)
		return fault_set(
			f, FAULT_FAILED, "%s: the path is too long", c->chroot);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return fault_set(
			f, FAULT_FAILED, "socketpair: %s", strerror(errno));
	h->pid = fork();
	if (h->pid == 0)
		run(program, plan, mode, sv[1], parent);
	(void)close(sv[1]);
	if (h->pid < 0) {
		(void)close(sv[0]);
		return fault_set(f, FAULT_FAILED, "fork: %s", strerror(errno));
	}
	h->fd = sv[0];
	return 0;
}

static void
stop(struct helper *h)
{
	(void)close(h->fd);
	/* It ends by itself when its other end is gone; if it hangs, by us. */
	(void)kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* One datagram; none carries descriptors. */
static long
receive(struct helper *h, uint8_t *data, struct fault *f)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	size_t nfds;
	long n;
	int r;

	do
		r = poll(&p, 1, TIMEOUT);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return fault_set(f, FAULT_FAILED,
			"keyd-load: no answer in %d s", TIMEOUT / 1000);
	n = boot_recv(h->fd, data, BOOT_MAX, NULL, 0, &nfds);
	if (n < 0)
		return fault_set(
			f, FAULT_FAILED, "keyd-load: %s", strerror(errno));
	if (n == 0)
		return fault_set(f, FAULT_FAILED,
			"keyd-load: it ended without an answer: see its "
			"messages above");
	return n;
}

static void
copy_clean(char *out, size_t size, struct view v)
{
	(void)snprintf(out, size, "%.*s", (int)v.len,
		v.data == NULL ? "" : (const char *)v.data);
	text_clean(out);
}

/* A report's words, behind those that came before. */
static int
add_report(struct reader *r, const char *path, struct fault *f)
{
	char text[512];
	uint8_t priority = reader_u8(r);

	copy_clean(text, sizeof(text), reader_vec16(r));
	if (reader_finish(r) < 0)
		return fault_set(
			f, FAULT_FAILED, "keyd-load: malformed report");
	if (priority > 4)
		return 0;
	if (f->text[0] == '\0')
		(void)fault_set(f, FAULT_FAILED, "%s%s%s", path,
			path[0] != '\0' ? ": " : "", text);
	else
		fault_add(f, "; %s", text);
	return 0;
}

/* The next datagram that is no report: its type, and a reader behind it. What
 * the reports say is in *f. */
static int
next(struct helper *h, const char *path, uint8_t data[BOOT_MAX], uint8_t *type,
	struct reader *r, struct fault *f)
{
	long n;

	for (;;) {
		n = receive(h, data, f);
		if (n < 0)
			return -1;
		*r = reader_init(data, (size_t)n);
		*type = reader_u8(r);
		if (*type == BOOT_READY)
			continue;
		if (*type != BOOT_REPORT)
			return 0;
		if (add_report(r, path, f) < 0)
			return -1;
	}
}

/* Of another type than asked for: reports and done. */
static int
refused(const char *path, struct fault *f)
{
	if (f->text[0] == '\0')
		(void)fault_set(f, FAULT_FAILED,
			"%s%skeyd-load refused it without a reason", path,
			path[0] != '\0' ? ": " : "");
	return -1;
}

static int
get_description(struct reader *r, struct helper_answer *out, struct fault *f)
{
	if (boot_get_description(r, &out->d) < 0)
		return fault_set(
			f, FAULT_FAILED, "keyd-load: malformed description");
	copy_clean(out->subject, sizeof(out->subject), out->d.subject);
	copy_clean(out->why, sizeof(out->why), out->d.why);
	return 0;
}

/* The answer to a question: of the type, or reports and done. */
static int
answer(struct helper *h, const char *path, uint8_t type,
	struct helper_answer *out, struct fault *f)
{
	struct reader r;
	uint8_t got;

	f->text[0] = '\0';
	f->code = FAULT_FAILED;
	if (next(h, path, out->data, &got, &r, f) < 0)
		return -1;
	if (got != type)
		return refused(path, f);
	if (type == BOOT_GENERATED)
		out->pem = reader_vec16(&r);
	return get_description(&r, out, f);
}

static int
ask(const struct config *c, const char *path, const struct writer *question,
	const int *fds, size_t nfds, uint8_t type, struct helper_answer *out,
	struct fault *f)
{
	const char *mode = type == BOOT_GENERATED ? "generate" : "inspect";
	struct helper h = { .pid = -1, .fd = -1 };
	size_t len;
	int r = -1;

	if (writer_finish(question, &len) < 0 || start(c, mode, &h, f) < 0)
		return -1;
	if (boot_send(h.fd, question->start, len, fds, nfds) < 0)
		(void)fault_set(f, FAULT_FAILED,
			"keyd-load: %s: see its messages above",
			strerror(errno));
	else
		r = answer(&h, path, type, out, f);
	stop(&h);
	return r;
}

int
helper_inspect(const struct config *c, const char *path, int key,
	int certificate, struct helper_answer *out, struct fault *f)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));
	int fds[2];
	size_t n = 0;

	if (key >= 0)
		fds[n++] = key;
	if (certificate >= 0)
		fds[n++] = certificate;
	writer_u8(&w, BOOT_INSPECT);
	writer_u8(&w, certificate >= 0);
	memset(out, 0, sizeof(*out));
	return ask(c, path, &w, fds, n, BOOT_DESCRIPTION, out, f);
}

/* Sends the passphrase, which is then in the kernel's hands and keyd-load's. */
static int
send_passphrase(struct helper *h, struct view passphrase, struct fault *f)
{
	const size_t size = BOOT_MAX_PASSPHRASE + 3;
	uint8_t *buf = bytes_secret(size);
	struct writer w;
	size_t len;
	int r = -1;

	if (buf == NULL)
		return fault_set(f, FAULT_FAILED,
			"no memory for a passphrase: %s", strerror(errno));
	w = writer_init(buf, size);
	writer_u8(&w, BOOT_PASSPHRASE);
	writer_vec16(&w, passphrase.data, passphrase.len);
	if (writer_finish(&w, &len) == 0)
		r = boot_send(h->fd, buf, len, NULL, 0);
	if (r < 0)
		(void)fault_set(
			f, FAULT_FAILED, "keyd-load: %s", strerror(errno));
	bytes_secret_free(buf, size);
	return r;
}

/* Up to the datagram that is no question for a passphrase. */
static int
unlock(struct helper *h, const char *path, struct passphrase *passphrase,
	uint8_t data[BOOT_MAX], uint8_t *type, struct reader *r,
	struct fault *f)
{
	struct view text;
	unsigned wrong = 0;

	for (;;) {
		if (next(h, path, data, type, r, f) < 0)
			return -1;
		if (*type != BOOT_LOCKED)
			return 0;
		if (passphrase_get(passphrase, path, wrong++, &text, f) < 0 ||
			send_passphrase(h, text, f) < 0)
			return -1;
	}
}

static int
converse(struct helper *h, const char *path, struct passphrase *passphrase,
	struct helper_extract *key, struct helper_answer *out, struct fault *f)
{
	struct reader r;
	uint8_t got;

	f->text[0] = '\0';
	f->code = FAULT_FAILED;
	if (unlock(h, path, passphrase, key->data, &got, &r, f) < 0)
		return -1;
	if (got != BOOT_EXTRACTED)
		return refused(path, f);
	if (boot_get_extracted(&r, &key->e) < 0)
		return fault_set(
			f, FAULT_FAILED, "keyd-load: malformed answer");
	return answer(h, path, BOOT_DESCRIPTION, out, f);
}

int
helper_extract(const struct config *c, const char *path, const int files[2],
	struct passphrase *passphrase, struct helper_extract *key,
	struct helper_answer *out, struct fault *f)
{
	const uint8_t question[] = { BOOT_EXTRACT, files[1] >= 0 };
	struct helper h = { .pid = -1, .fd = -1 };
	int r = -1;

	memset(out, 0, sizeof(*out));
	if (start(c, "extract", &h, f) < 0)
		return -1;
	if (boot_send(h.fd, question, sizeof(question), files,
		    1 + (size_t)question[1]) < 0)
		(void)fault_set(f, FAULT_FAILED,
			"keyd-load: %s: see its messages above",
			strerror(errno));
	else
		r = converse(&h, path, passphrase, key, out, f);
	stop(&h);
	return r;
}

int
helper_generate(const struct config *c, uint8_t key_type, uint16_t bits,
	struct helper_answer *out, struct fault *f)
{
	uint8_t buf[8];
	struct writer w = writer_init(buf, sizeof(buf));

	writer_u8(&w, BOOT_GENERATE);
	writer_u8(&w, key_type);
	writer_u16(&w, bits);
	memset(out, 0, sizeof(*out));
	return ask(c, "", &w, NULL, 0, BOOT_GENERATED, out, f);
}
