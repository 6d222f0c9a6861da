#include "provider/pool.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(ATOMIC_INT_LOCK_FREE == 2, "atomics must not be locks");

enum slot_state {
	SLOT_FREE = 0, /* what the kernel leaves in a child */
	SLOT_BUSY = 1,
	SLOT_IDLE = 2,
};

/* In the page that a child finds empty. */
struct wiped {
	_Atomic uint32_t state; /* epoch << 1 | ready; 0: a child's first use */
	_Atomic uint32_t slots[POOL_SLOTS];
};

/*
 * What a child inherits. Written only by who holds the slot, so that in one
 * process there is no race; a fork may catch another thread half-way, and a
 * mixed record then matches no descriptor. Left as it is when the connection is
 * closed: a fork copies descriptors before memory, and a record erased in
 * between would be a descriptor that the child does not know of.
 */
struct record {
	_Atomic int fd;
	_Atomic dev_t dev;
	_Atomic ino_t ino;
	uid_t uid;
	gid_t gid;
	unsigned wait;
};

struct pool {
	struct wiped *wiped;   /* NULL: nothing is kept */
	_Atomic uint32_t born; /* epoch of the last process that used it */
	struct record records[POOL_SLOTS];
};

enum {
	READY = 1,
	FIRST_EPOCH = 1,
};

static struct wiped *
map_wiped(void)
{
	struct wiped *w = mmap(NULL, sizeof(*w), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (w == MAP_FAILED)
		return NULL;
	if (madvise(w, sizeof(*w), MADV_WIPEONFORK) < 0) {
		(void)munmap(w, sizeof(*w));
		return NULL;
	}
	atomic_store(&w->state, FIRST_EPOCH << 1 | READY);
	return w;
}

struct pool *
pool_new(bool keep)
{
	struct pool *p = calloc(1, sizeof(*p));
	size_t i;

	if (p == NULL)
		return NULL;
	for (i = 0; i < POOL_SLOTS; i++)
		atomic_init(&p->records[i].fd, -1);
	atomic_init(&p->born, FIRST_EPOCH);
	p->wiped = keep ? map_wiped() : NULL;
	return p;
}

bool
pool_may_keep(const struct pool *p)
{
	return p->wiped != NULL;
}

static bool
is_socket(int fd, dev_t dev, ino_t ino)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       st.st_dev == dev && st.st_ino == ino;
}

static void
close_if_ours(const struct record *r)
{
	int fd = atomic_load_explicit(&r->fd, memory_order_relaxed);

	if (is_socket(fd, atomic_load_explicit(&r->dev, memory_order_relaxed),
		    atomic_load_explicit(&r->ino, memory_order_relaxed)))
		(void)close(fd);
}

static void
close_inherited(const struct pool *p)
{
	size_t i;

	for (i = 0; i < POOL_SLOTS; i++)
		close_if_ours(&p->records[i]);
}

/*
 * The state word of this process. The first caller in a child closes what was
 * inherited; others who come meanwhile do not wait, they see the word not ready
 * and leave the tables alone.
 */
static uint32_t
enter(struct pool *p)
{
	uint32_t s, epoch;

	if (p->wiped == NULL)
		return 0;
	s = atomic_load_explicit(&p->wiped->state, memory_order_acquire);
	if (s == 0) {
		epoch = atomic_load(&p->born) + 1;
		if (atomic_compare_exchange_strong(
			    &p->wiped->state, &s, epoch << 1)) {
			close_inherited(p);
			s = epoch << 1 | READY;
			atomic_store(&p->wiped->state, s);
		}
	}
	/* Stored before this thread can fork: its child counts on from here.
	 */
	epoch = s >> 1;
	if (atomic_load_explicit(&p->born, memory_order_relaxed) != epoch)
		atomic_store(&p->born, epoch);
	return s;
}

void
pool_free(struct pool *p)
{
	size_t i;

	if (p == NULL)
		return;
	if ((enter(p) & READY) != 0)
		for (i = 0; i < POOL_SLOTS; i++)
			if (atomic_load(&p->wiped->slots[i]) == SLOT_IDLE)
				close_if_ours(&p->records[i]);
	if (p->wiped != NULL)
		(void)munmap(p->wiped, sizeof(*p->wiped));
	free(p);
}

static bool
claim(struct pool *p, int i, uint32_t from)
{
	_Atomic uint32_t *slot = &p->wiped->slots[i];

	return atomic_load_explicit(slot, memory_order_relaxed) == from &&
	       atomic_compare_exchange_strong_explicit(slot, &from, SLOT_BUSY,
		       memory_order_acquire, memory_order_relaxed);
}

static void
release(struct pool *p, int i, uint32_t to)
{
	atomic_store_explicit(&p->wiped->slots[i], to, memory_order_release);
}

static struct pool_conn
conn_of_record(const struct record *r, int slot, uint32_t epoch)
{
	return (struct pool_conn){
		.fd = atomic_load_explicit(&r->fd, memory_order_relaxed),
		.dev = atomic_load_explicit(&r->dev, memory_order_relaxed),
		.ino = atomic_load_explicit(&r->ino, memory_order_relaxed),
		.uid = r->uid,
		.gid = r->gid,
		.wait = r->wait,
		.slot = slot,
		.epoch = epoch,
	};
}

static void
write_record(struct record *r, const struct pool_conn *c)
{
	atomic_store_explicit(&r->dev, c->dev, memory_order_relaxed);
	atomic_store_explicit(&r->ino, c->ino, memory_order_relaxed);
	atomic_store_explicit(&r->fd, c->fd, memory_order_relaxed);
	r->uid = c->uid;
	r->gid = c->gid;
	r->wait = c->wait;
}

int
pool_take(struct pool *p, uid_t uid, gid_t gid, struct pool_conn *out)
{
	uint32_t s = enter(p);
	struct pool_conn c;
	int i;

	if ((s & READY) == 0)
		return -1;
	/* From the start: those little used come last and time out in keyd. */
	for (i = 0; i < POOL_SLOTS; i++) {
		if (!claim(p, i, SLOT_IDLE))
			continue;
		c = conn_of_record(&p->records[i], i, s >> 1);
		if (is_socket(c.fd, c.dev, c.ino)) {
			if (c.uid == uid && c.gid == gid) {
				*out = c;
				return 0;
			}
			(void)close(c.fd);
		}
		release(p, i, SLOT_FREE);
	}
	return -1;
}

int
pool_adopt(struct pool *p, int fd, uid_t uid, gid_t gid, struct pool_conn *out)
{
	uint32_t s = enter(p);
	struct pool_conn c = {
		.fd = fd, .slot = -1, .epoch = s >> 1, .uid = uid, .gid = gid
	};
	struct stat st;
	int i;

	if (fstat(fd, &st) < 0)
		return -1;
	c.dev = st.st_dev;
	c.ino = st.st_ino;
	for (i = 0; (s & READY) != 0 && i < POOL_SLOTS; i++)
		if (claim(p, i, SLOT_FREE)) {
			c.slot = i;
			write_record(&p->records[i], &c);
			break;
		}
	*out = c;
	return 0;
}

/* Was it taken in this process, not in a parent? */
static bool
is_of_this_process(struct pool *p, const struct pool_conn *conn)
{
	return enter(p) >> 1 == conn->epoch;
}

bool
pool_is_ours(struct pool *p, const struct pool_conn *conn)
{
	return is_of_this_process(p, conn) &&
	       is_socket(conn->fd, conn->dev, conn->ino);
}

void
pool_put(struct pool *p, const struct pool_conn *conn)
{
	if (conn->slot < 0 || !is_of_this_process(p, conn)) {
		pool_drop(p, conn);
		return;
	}
	p->records[conn->slot].wait = conn->wait;
	release(p, conn->slot, SLOT_IDLE);
}

void
pool_drop(struct pool *p, const struct pool_conn *conn)
{
	/* In a child this closes its copy; the parent's is not touched. */
	if (is_socket(conn->fd, conn->dev, conn->ino))
		(void)close(conn->fd);
	if (conn->slot >= 0 && is_of_this_process(p, conn))
		release(p, conn->slot, SLOT_FREE);
}
