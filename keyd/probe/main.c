/*
 * keyd-probe: what a program that uses OpenSSL gets from the openssl.cnf that
 * OPENSSL_CONF names. The only program of ours that loads one: keydctl starts
 * it to try a file out before that goes into place.
 *
 *   keyd-probe          loads it as every program does, and prints, one a
 *                       line, active providers and what libssl made of it
 *   keyd-probe strict MODULE
 *                       loads it without letting any mistake pass, then the
 *                       module (which libcrypto tells no errors of when a file
 *                       names it), and prints libcrypto's errors
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>

static void
show_errors(void)
{
	const char *data;
	unsigned long e;
	char text[256];
	int flags;

	while ((e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
		ERR_error_string_n(e, text, sizeof(text));
		(void)printf("error %s: %s\n", text,
			(flags & ERR_TXT_STRING) != 0 ? data : "");
	}
}

static int
show_provider(OSSL_PROVIDER *p, void *arg)
{
	(void)arg;
	(void)printf("provider %s\n", OSSL_PROVIDER_get0_name(p));
	return 1;
}

static void
show_tls(const char *name, const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	const STACK_OF(SSL_CIPHER) * ciphers;
	int i;

	if (ctx == NULL) {
		(void)printf("%s: none\n", name);
		return;
	}
	ciphers = SSL_CTX_get_ciphers(ctx);
	(void)printf("%s: from %lx to %lx, options %llx, level %d,", name,
		(unsigned long)SSL_CTX_get_min_proto_version(ctx),
		(unsigned long)SSL_CTX_get_max_proto_version(ctx),
		(unsigned long long)SSL_CTX_get_options(ctx),
		SSL_CTX_get_security_level(ctx));
	for (i = 0; i < sk_SSL_CIPHER_num(ciphers); i++)
		(void)printf(" %s",
			SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i)));
	(void)printf("\n");
	SSL_CTX_free(ctx);
}

static int
strict(const char *module)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	(void)CONF_modules_load_file(getenv("OPENSSL_CONF"), NULL, 0);
	(void)OSSL_PROVIDER_load(NULL, module);
	show_errors();
	return fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	if (argc > 2 && strcmp(argv[1], "strict") == 0)
		return strict(argv[2]);
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)OSSL_PROVIDER_do_all(NULL, show_provider, NULL);
	(void)printf(
		"fips: %d\n", EVP_default_properties_is_fips_enabled(NULL));
	show_tls("server", TLS_server_method());
	show_tls("client", TLS_client_method());
	return fflush(stdout) == 0 ? 0 : 1;
}
