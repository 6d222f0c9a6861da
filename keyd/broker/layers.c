#include "broker/layers.h"

#include <stdio.h>
#include <string.h>

#include "broker/log.h"

enum {
	NEED_ROOT = LAYER_CHROOT | LAYER_USER | LAYER_SESSION_UID |
		    LAYER_CAPABILITIES,
	OF_BROKER = LAYER_NETNS | LAYER_MOUNTNS,
	OF_KERNEL = LAYER_LANDLOCK | LAYER_SECCOMP | LAYER_SECRET_MEMORY |
		    LAYER_MSEAL,
};

static void
explain(const struct layers_facts *f, unsigned n, char out[LAYERS_WHY])
{
	const uint32_t bit = UINT32_C(1) << n;
	const char *why = "it could not be had";

	if ((bit & OF_BROKER) != 0 && f->namespaces->error[n] != 0)
		why = f->privileged ? strerror(f->namespaces->error[n])
				    : "keyd was not started as root";
	else if (bit == LAYER_SESSION_UID && !f->session_uids)
		why = "session-uids is not set";
	else if ((bit & NEED_ROOT) != 0 && !f->privileged)
		why = "keyd was not started as root";
	else if ((bit & f->wanted) == 0)
		why = "switched off";
	else if ((bit & OF_KERNEL) != 0 &&
		 (bit & lockdown_kernel_layers()) == 0)
		why = "this kernel does not have it";
	else if ((bit & NEED_ROOT) != 0)
		why = "root without the capabilities it needs";
	(void)snprintf(out, LAYERS_WHY, "%s", why);
}

uint32_t
layers_expected(uint32_t wanted, bool privileged)
{
	static const uint32_t root =
		LAYER_CHROOT | LAYER_USER | LAYER_SESSION_UID;

	if (!privileged)
		wanted &= ~root;
	return wanted & ~(OF_KERNEL & ~lockdown_kernel_layers());
}

void
layers_judge(const struct layers_facts *f, struct layers *out)
{
	unsigned n;

	memset(out, 0, sizeof(*out));
	out->on = (f->session_on & ~(uint32_t)OF_BROKER) |
		  (f->namespaces->on & OF_BROKER);
	for (n = 0; n < LAYER_COUNT; n++)
		if ((out->on & UINT32_C(1) << n) == 0)
			explain(f, n, out->why[n]);
}

void
layers_log(const struct layers *l)
{
	char on[512] = "", off[1024] = "";
	size_t on_len = 0, off_len = 0;
	unsigned n;

	for (n = 0; n < LAYER_COUNT; n++) {
		if ((l->on & UINT32_C(1) << n) != 0)
			on_len += (size_t)snprintf(on + on_len,
				sizeof(on) - on_len, "%s%s",
				on_len == 0 ? "" : ", ",
				lockdown_layer_name(n));
		else
			off_len += (size_t)snprintf(off + off_len,
				sizeof(off) - off_len, "%s%s (%s)",
				off_len == 0 ? "" : ", ",
				lockdown_layer_name(n), l->why[n]);
	}
	log_line(LOG_INFO, "lock-in on: %s", on);
	if (off_len > 0)
		log_line(LOG_NOTICE, "lock-in off: %s", off);
}

int
layers_require(const struct layers *l, const struct config *c)
{
	char where[CONFIG_MAX_WHERE];
	unsigned n;
	int r = 0;

	for (n = 0; n < LAYER_COUNT; n++) {
		if ((c->require & ~l->on & UINT32_C(1) << n) == 0)
			continue;
		log_line(LOG_ERR,
			"%s: the layer %s is off: %s; make it possible, or "
			"do not require it",
			config_where(c, "require", where),
			lockdown_layer_name(n), l->why[n]);
		r = -1;
	}
	return r;
}
