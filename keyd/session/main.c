/*
 * keyd-session: serves one client process with the keys that it may use.
 * docs/PROTOCOL.md §11 says what it is started with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lockdown/lockdown.h"
#include "session/loop.h"
#include "session/memory.h"
#include "session/warmup.h"
#include "wire/boot.h"

enum {
	START_FDS = 2 + BOOT_MAX_RINGS, /* client, index, rings */
};

struct boot {
	struct lockdown_plan plan;
	struct lockdown_result layers;
	struct boot_start start;
	int fds[START_FDS];
	const _Atomic uint64_t *generation;
	struct keys *keys;
	bool orphaned; /* the broker left before there was a client */
};

/* To the broker's standard error; after the filter there is none. */
static int
fail(const char *what)
{
	dprintf(STDERR_FILENO, "keyd-session: %s: %s\n", what, strerror(errno));
	return -1;
}

static int
lock_in(struct boot *b, int argc, char **argv)
{
	const char *failed;

	if (argc != 2 || lockdown_plan_parse(argv[1], &b->plan) < 0) {
		errno = EINVAL;
		return fail("started by hand, or the lock-in plan is bad");
	}
	if (lockdown_enter(&b->plan, &b->layers, &failed) < 0)
		return fail(failed);
	return 0;
}

/* §11: what cannot be in force yet counts as on if it will be. */
static int
announce(struct boot *b)
{
	const uint32_t later =
		LAYER_SECCOMP | LAYER_SECRET_MEMORY | LAYER_MSEAL;
	uint32_t on = b->layers.on |
		      (b->plan.wanted & later & lockdown_kernel_layers());
	uint8_t buf[16];
	struct writer w = writer_init(buf, sizeof(buf));

	writer_u8(&w, BOOT_SESSION_READY);
	writer_u32(&w, on);
	writer_u32(&w, b->plan.wanted & ~on);
	if (boot_send(BOOT_FD_CONTROL, buf, writer_len(&w), NULL, 0) < 0)
		return fail("control socket");
	return 0;
}

static int
receive_start(struct boot *b)
{
	uint8_t buf[BOOT_MAX];
	struct reader r;
	size_t nfds;
	long n = boot_recv(
		BOOT_FD_CONTROL, buf, sizeof(buf), b->fds, START_FDS, &nfds);

	if (n < 0)
		return fail("control socket");
	if (n == 0) {
		b->orphaned = true;
		return -1;
	}
	r = reader_init(buf, (size_t)n);
	if (reader_u8(&r) != BOOT_SESSION_START ||
		boot_get_start(&r, &b->start) < 0 ||
		nfds != 2U + b->start.nrings) {
		errno = EBADMSG;
		return fail("start");
	}
	return 0;
}

static int
map_keys(struct boot *b)
{
	const bool seal = (b->plan.wanted & LAYER_MSEAL) != 0 &&
			  (lockdown_kernel_layers() & LAYER_MSEAL) != 0;
	struct keys_map index, rings[BOOT_MAX_RINGS];
	uint32_t plain = 0;
	size_t i;

	b->generation = memory_generation(BOOT_FD_GENERATION);
	if (b->generation == NULL)
		return fail("generation page");
	if (memory_map(b->fds[1], b->start.index_len, seal, &index, &plain) < 0)
		return fail("index");
	for (i = 0; i < b->start.nrings; i++)
		if (memory_map(b->fds[2 + i], b->start.ring_len[i], seal,
			    &rings[i], &b->layers.on) < 0)
			return fail("ring");
	if (keys_new(index, rings, b->start.nrings, &b->keys) < 0) {
		errno = EBADMSG;
		return fail("keys");
	}
	return 0;
}

/*
 * Leaves two descriptors: the client in place of the control socket, and the
 * audit socket. Nobody waits for a client that does not read: it has as long
 * for that as it may be idle.
 */
static int
close_descriptors(struct boot *b)
{
	struct timeval idle;
	socklen_t len = sizeof(idle);

	if (getsockopt(b->fds[0], SOL_SOCKET, SO_RCVTIMEO, &idle, &len) < 0 ||
		setsockopt(b->fds[0], SOL_SOCKET, SO_SNDTIMEO, &idle, len) < 0)
		return fail("client socket");
	if (dup3(b->fds[0], BOOT_FD_CONTROL, O_CLOEXEC) < 0 ||
		close_range(BOOT_FD_AUDIT + 1, ~0U, 0) < 0 ||
		close_range(0, BOOT_FD_CONTROL - 1, 0) < 0)
		return fail("descriptors");
	return 0;
}

static int
lock_filter(struct boot *b)
{
	const struct lockdown_fds fds = { .client = BOOT_FD_CONTROL,
		.audit = BOOT_FD_AUDIT,
		.control = -1,
		.log = -1 };

	return lockdown_filter(LOCKDOWN_SESSION, &b->plan, &fds, &b->layers);
}

static int
serve(struct boot *b)
{
	struct loop l = {
		.session = { .keys = b->keys,
			.audit = { .fd = BOOT_FD_AUDIT,
				.generation = b->start.generation },
			.generation = b->start.generation,
			.layers = b->layers.on },
		.client = BOOT_FD_CONTROL,
		.pid = b->start.peer_pid,
		.uid = b->start.peer_uid,
		.gid = b->start.peer_gid,
		.current = b->generation,
	};
	int code;

	code = loop_run(&l);
	/* No further record will tell of them; the exit code does. */
	if (l.session.audit.lost > 0 && code != LOOP_INTERNAL)
		return LOOP_LOST;
	return code;
}

int
main(int argc, char **argv)
{
	static struct boot b;
	int code;

	memory_init();
	if (lock_in(&b, argc, argv) < 0)
		_exit(LOOP_INTERNAL);
	if (warmup() < 0) {
		(void)fail("libcrypto lacks what keyd needs");
		_exit(LOOP_INTERNAL);
	}
	if (announce(&b) < 0)
		_exit(LOOP_INTERNAL);
	if (receive_start(&b) < 0)
		_exit(b.orphaned ? LOOP_ENDED : LOOP_INTERNAL);
	if (map_keys(&b) < 0 || close_descriptors(&b) < 0 ||
		lock_filter(&b) < 0)
		_exit(LOOP_INTERNAL);
	code = serve(&b);
	keys_free(b.keys);
	/* Not exit(): libcrypto's handlers have nothing left to do here. */
	_exit(code);
}
