/* What was imported, or would be, and what the operator must know. */
#include "import.h"

#include <stdio.h>

#include "enabled.h"
#include "pubkey.h"
#include "text.h"

static void
say_links(const struct import_job *j)
{
	char path[PATH_MAX];
	unsigned i;

	for (i = 1; i < j->links.n; i++)
		(void)printf("  with its hard link %s\n",
			text_shown(j->links.at[i].real, path));
}

/* What may not be expected of this file. */
static void
say_form(const struct import_job *j)
{
	const struct boot_extracted *e = &j->key->e;
	char path[PATH_MAX];

	if (j->form == SHELLFILE_BLOCK)
		(void)printf(
			"  of the file, only the key's block is replaced\n");
	if (e->encrypted)
		(void)printf(
			"  the shell needs no passphrase, and in the store "
			"the key has none: %s; as it was, it is kept "
			"there for restore\n",
			store_path(j->store, STORE_KEY, j->name, path));
	if (e->more > 0 && j->options->dry_run)
		(void)printf("  the file holds %u more: each would be imported "
			     "after it, as %s-2 and so on\n",
			(unsigned)e->more, j->name);
}

void
import_say(const struct import_job *j)
{
	struct json *out = &j->ctl->out;
	const char *outcome = j->options->dry_run ? "would import" : "imported";
	char words[128], hash[2 * PROTO_HASH_LEN + 1], file[PATH_MAX];
	char note[PATH_MAX + 128];
	unsigned i;
	bool proposed = j->options->policy.use == 0;
	const struct keykind *k = keykind_by_type(j->answer.d.key_type);
	const char *warning = policy_judge_tls12(&j->policy, k);
	const char *decrypt = pubkey_judge_decrypt(k, j->policy.use);

	(void)proto_use_names(j->policy.use, words, sizeof(words));
	text_hex(j->answer.d.hash, PROTO_HASH_LEN, hash);
	policy_judge_certificate(&j->policy, note, sizeof(note));
	if (j->ctl->json) {
		json_open(out, NULL, '{');
		json_string(out, "file", j->file);
		json_string(out, "real", j->place->real);
		json_open(out, "links", '[');
		for (i = 1; i < j->links.n; i++)
			json_string(out, NULL, j->links.at[i].real);
		json_close(out, ']');
		json_string(out, "outcome", outcome);
		json_string(out, "name", j->name);
		json_string(out, "hash", hash);
		json_string(
			out, "type", proto_key_type_name(j->answer.d.key_type));
		json_words(out, "allow", j->policy.allow);
		json_words(out, "use", words);
		json_string(out, "tls12", j->policy.tls12);
		json_string(out, "warning", warning);
		json_string(out, "note", decrypt);
		json_string(out, "certificate", j->policy.certificate);
		json_string(out, "certificate-note", note);
		json_bool(out, "encrypted", j->key->e.encrypted);
		json_number(out, "more-keys", j->key->e.more);
		json_string(out, "proof", j->enlist.proof);
		json_close(out, '}');
		return;
	}
	(void)printf("%s: %s as %s\n  allow = %s\n  use = %s%s\n",
		text_shown(j->file, file), outcome, j->name, j->policy.allow,
		words, proposed ? " (by its certificate)" : "");
	if (j->policy.tls12[0] != '\0')
		(void)printf("  tls12 = %s (only `no` makes sure that nothing "
			     "else than a handshake is ever signed)\n",
			j->policy.tls12);
	if (warning[0] != '\0')
		(void)printf("  Warning: the key %s\n", warning);
	if (decrypt[0] != '\0')
		(void)printf("  Note: the key %s\n", decrypt);
	if (j->policy.certificate[0] != '\0')
		(void)printf("  certificate = %s\n",
			text_shown(j->policy.certificate, file));
	if (note[0] != '\0')
		(void)printf("    %s\n", note);
	say_links(j);
	say_form(j);
	if (j->options->dry_run)
		return;
	(void)printf("  %s\n", j->enlist.proof);
	(void)printf("%s is a shell now. What remains true:\n"
		     "  The key was on this disk, and may be in backups.\n"
		     "  Running programs have it in memory: restart what "
		     "uses this file.\n"
		     "  If you are in doubt who has seen it: make a new key "
		     "(keydctl generate).\n",
		text_shown(j->place->real, file));
	if (!enabled_system())
		(void)printf("  Programs need the provider keyd to read it: "
			     "keydctl enable (or --service NAME.service).\n");
}
