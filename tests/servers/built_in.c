/*
 * A program that OpenSSL is built into: reads a private key, as a server would,
 * and signs with it. Linked against libcrypto.a, with libc shared or not.
 *
 *   built-in KEY
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <stdio.h>
#include <string.h>

static int
fail(const char *what)
{
	ERR_print_errors_fp(stdout);
	(void)printf("%s\n", what);
	return 1;
}

int
main(int argc, char **argv)
{
	/* What a server signs in TLS 1.3; the hash of nothing. */
	static const char context[] = "TLS 1.3, server CertificateVerify";
	unsigned char said[130] = { 0 }, sig[1024];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;
	size_t len = sizeof(sig);
	EVP_PKEY *key;

	memset(said, ' ', 64);
	memcpy(said + 64, context, sizeof(context));
	if (f == NULL)
		return fail("no file");
	key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	(void)fclose(f);
	if (key == NULL)
		return fail("no key");
	if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, key) <= 0 ||
		EVP_DigestSign(c, sig, &len, said, sizeof(said)) <= 0)
		return fail("no signature");
	EVP_PKEY_free(key);
	EVP_MD_CTX_free(c);
	(void)printf("signed\n");
	return 0;
}
