/*
 * The openssl command as an operator uses it, with a shell where the key was.
 */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/scene.h"

static struct scene s;

/* Runs it in the scratch folder; its output goes to the file `out` there. */
static int
run(const char *command)
{
	char line[1024];
	int status;

	(void)snprintf(
		line, sizeof(line), "cd %s && (%s) > out 2>&1", s.dir, command);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *
output(void)
{
	static char text[8192];
	FILE *f = fopen(scene_path(&s, "out"), "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text) - 1, f);

	text[n] = '\0';
	if (f != NULL)
		(void)fclose(f);
	return text;
}

static void
works(const char *command)
{
	cr_assert_eq(run(command), 0, "%s: %s", command, output());
	cr_assert_null(strstr(output(), "keyd:"), "%s: %s", command, output());
}

static void
fails(const char *command, const char *says)
{
	cr_assert_neq(run(command), 0, "%s: %s", command, output());
	cr_assert_not_null(strstr(output(), says), "%s: %s", command, output());
}

static void
start_in(enum scene_order order)
{
	scene_start(&s, order, "");
	scene_keyd(&s, 0, 0);
	scene_write(&s, SCENE_RSA, "rsa");
	scene_write(&s, SCENE_P256, "p256");
	cr_assert_eq(setenv("OPENSSL_CONF", s.conf, 1), 0);
}

static void
start(void)
{
	start_in(SCENE_LAST);
}

static void
stop(void)
{
	scene_end(&s);
}

TestSuite(provider_cli, .init = start, .fini = stop, .timeout = 120);

Test(provider_cli, lists_the_provider)
{
	works("openssl list -providers");
	cr_assert_not_null(strstr(output(), "openssl-keyd"));
}

Test(provider_cli, shows_public_keys)
{
	works("openssl pkey -in rsa.key -pubout");
	cr_assert_not_null(strstr(output(), "BEGIN PUBLIC KEY"));
	works("openssl pkey -in p256.key -text_pub -noout");
	works("openssl ec -in p256.key -pubout -out a && openssl pkey -in "
	      "p256.key -pubout -out b && cmp a b");
	works("openssl ec -in p256.key -check -noout");
	works("openssl rsa -in rsa.key -pubout -out a && openssl pkey -in "
	      "rsa.key -pubout -out b && cmp a b");
}

Test(provider_cli, writes_shells_where_private_keys_are_asked_for)
{
	works("openssl pkey -in rsa.key -out a && cmp a rsa.key && "
	      "openssl rsa -in rsa.key -out a && cmp a rsa.key && "
	      "openssl rsa -in rsa.key -traditional -out a && cmp a rsa.key && "
	      "openssl pkcs8 -topk8 -nocrypt -in rsa.key -out a && "
	      "cmp a rsa.key");
	works("openssl ec -in p256.key -out a && cmp a p256.key && "
	      "openssl pkcs8 -topk8 -in p256.key -passout pass:x -out e && "
	      "openssl pkey -in e -passin pass:x -out a && cmp a p256.key");
	works("openssl pkcs12 -export -inkey rsa.key -in rsa.pem "
	      "-passout pass:x -out x.p12 && openssl pkcs12 -in x.p12 "
	      "-passin pass:x -nodes -nocerts -out a && "
	      "openssl pkey -in a -out b && cmp b rsa.key");
	fails("openssl rsa -in rsa.key -aes256 -passout pass:x",
		"write it without one");
	fails("openssl rsa -in rsa.key -outform PVK -passout pass:x",
		"write PEM or DER");
	works("openssl pkey -in p256.key -noout -text");
	cr_assert_not_null(strstr(output(), "kept by keyd as p256"));
}

Test(provider_cli, makes_requests_and_certificates)
{
	works("openssl req -new -key rsa.key -subj /CN=x -out a.csr && "
	      "openssl req -verify -noout -in a.csr");
	works("openssl req -new -key p256.key -subj /CN=x -out b.csr && "
	      "openssl req -verify -noout -in b.csr");
	works("openssl req -new -key rsa.key -subj /CN=x -out c.csr "
	      "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1 && "
	      "openssl req -verify -noout -in c.csr");
	works("openssl x509 -req -in b.csr -CA rsa.pem -CAkey rsa.key "
	      "-out b.pem && openssl verify -partial_chain -CAfile rsa.pem "
	      "b.pem");
	works("openssl x509 -req -in a.csr -CA p256.pem -CAkey p256.key "
	      "-out a.pem && openssl verify -partial_chain -CAfile p256.pem "
	      "a.pem");
}

Test(provider_cli, signs_files)
{
	works("head -c 300000 /dev/zero > data; "
	      "openssl dgst -sha256 -sign rsa.key -out sig data && "
	      "openssl x509 -in rsa.pem -pubkey -noout > rsa.pub && "
	      "openssl dgst -sha256 -verify rsa.pub -signature sig data");
	works("openssl dgst -sha384 -sign p256.key -out sig data && "
	      "openssl dgst -sha384 -prverify p256.key -signature sig data");
	works("openssl dgst -sha256 -binary data > h && "
	      "openssl pkeyutl -sign -inkey rsa.key -in h -out sig "
	      "-pkeyopt digest:sha256 -pkeyopt rsa_padding_mode:pss "
	      "-pkeyopt rsa_pss_saltlen:digest && openssl pkeyutl -verify "
	      "-pubin -inkey rsa.pub -in h -sigfile sig -pkeyopt "
	      "digest:sha256 -pkeyopt rsa_padding_mode:pss");
	works("openssl pkeyutl -sign -inkey p256.key -in h -out sig && "
	      "openssl pkeyutl -verify -inkey p256.key -in h -sigfile sig");
	works("openssl pkeyutl -sign -inkey rsa.key -in h -out sig && "
	      "openssl pkeyutl -verify -pubin -inkey rsa.pub -in h "
	      "-sigfile sig");
	fails("openssl pkeyutl -sign -inkey rsa.key -in h -out sig "
	      "-pkeyopt rsa_padding_mode:x931",
		"PKCS#1 v1.5 or PSS");
}

Test(provider_cli, signs_cms_messages)
{
	works("echo x > m; openssl cms -sign -in m -signer rsa.pem -inkey "
	      "rsa.key -out signed && openssl cms -verify -in signed -CAfile "
	      "rsa.pem "
	      "-purpose any");
	works("openssl cms -sign -noattr -in m -signer p256.pem -inkey "
	      "p256.key -out signed && openssl cms -verify -in signed -CAfile "
	      "p256.pem -purpose any");
}

static int
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/*
 * A server that accepts one connection a run; the client retries until it
 * listens.
 */
static void
serve(const char *name, const char *option)
{
	int port = free_port();
	char command[700];

	(void)snprintf(command, sizeof(command),
		"openssl s_server -quiet -naccept 1 -accept 127.0.0.1:%d "
		"-cert %s.pem -key %s.key > server 2>&1 < /dev/null & "
		"p=$!; n=0; until grep -q : /proc/net/tcp && "
		"grep -qi ':%04X 00000000:0000 0A' /proc/net/tcp; do "
		"n=$((n+1)); [ $n -lt 1000 ] || exit 9; sleep 0.01; done; "
		"openssl s_client -connect 127.0.0.1:%d -CAfile %s.pem "
		"-verify_return_error -brief %s < /dev/null; r=$?; "
		"wait $p; exit $r",
		port, name, name, (unsigned)port, port, name, option);
	works(command);
}

Test(provider_cli, serves_handshakes)
{
	serve("rsa", "-tls1_3");
	serve("p256", "-tls1_3");
	serve("rsa", "-tls1_2 -groups P-256");
	serve("p256", "-tls1_2 -groups P-256");
}

TestSuite(provider_cli_first, .fini = stop, .timeout = 120);

Test(provider_cli_first, serves_handshakes_when_listed_first)
{
	start_in(SCENE_FIRST);
	serve("rsa", "-tls1_3 -groups P-256");
	serve("p256", "-tls1_2 -groups P-256");
}

Test(provider_cli_first, serves_handshakes_when_preferred)
{
	start_in(SCENE_PREFERRED);
	serve("rsa", "-tls1_3 -groups P-384");
	serve("p256", "-tls1_2 -groups P-256");
	works("openssl req -new -key rsa.key -subj /CN=x -out a.csr && "
	      "openssl req -verify -noout -in a.csr");
}
