/* What is written of a shell where its private key is asked for. */
#ifndef KEYD_PROVIDER_ENCODER_SHELL_H
#define KEYD_PROVIDER_ENCODER_SHELL_H

#include "provider/encoder.h"

/*
 * 1, or 0 with the reason in the error queue; out may then hold a part. With a
 * cipher, all but the text are refused.
 */
int
encoder_shell_text(const struct encoder *e, const struct key *key, BIO *out);
int encoder_shell_der(const struct encoder *e, const struct key *key, BIO *out);
int encoder_shell_pem(const struct encoder *e, const struct key *key, BIO *out);

/* Where there is nothing to be written: 0, and why. out is not used. */
int encoder_shell_refuse_cipher(
	const struct encoder *e, const struct key *key, BIO *out);
int encoder_shell_refuse_form(
	const struct encoder *e, const struct key *key, BIO *out);

#endif
