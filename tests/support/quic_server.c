/*
 * A QUIC server, which openssl(1) has none of: quic_server CERTIFICATE KEY. It
 * prints "port N", then serves one connection after another on 127.0.0.1: to
 * what it is sent it answers "hello". What fails is printed, and the next one
 * served.
 */
#include <openssl/err.h>
#include <openssl/quic.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
select_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
	const unsigned char *in, unsigned int in_len, void *arg)
{
	static const unsigned char ours[] = { 4, 't', 'e', 's', 't' };
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours), in,
		    in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static void
complain(const char *what)
{
	(void)fprintf(stderr, "%s failed\n", what);
	ERR_print_errors_fp(stderr);
}

/* Bound to a free port, which is printed. */
static int
udp_socket(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
		getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		perror("socket");
		exit(1);
	}
	(void)printf("port %u\n", ntohs(a.sin_port));
	(void)fflush(stdout);
	return fd;
}

static void
serve(SSL *conn)
{
	static const char answer[] = "hello\n";
	unsigned char buf[256];
	size_t n;

	if (SSL_read_ex(conn, buf, sizeof(buf), &n) != 1)
		complain("reading");
	else if (SSL_write_ex(conn, answer, strlen(answer), &n) != 1 ||
		 SSL_stream_conclude(conn, 0) != 1)
		complain("writing");
	while (SSL_shutdown(conn) == 0)
		;
}

int
main(int argc, char *argv[])
{
	SSL_CTX *ctx = SSL_CTX_new(OSSL_QUIC_server_method());
	SSL *listener, *conn;

	if (argc != 3 || ctx == NULL ||
		SSL_CTX_use_certificate_chain_file(ctx, argv[1]) != 1 ||
		SSL_CTX_use_PrivateKey_file(ctx, argv[2], SSL_FILETYPE_PEM) !=
			1) {
		complain("loading");
		return 1;
	}
	SSL_CTX_set_alpn_select_cb(ctx, select_protocol, NULL);
	listener = SSL_new_listener(ctx, 0);
	if (listener == NULL || SSL_set_fd(listener, udp_socket()) != 1 ||
		SSL_listen(listener) != 1) {
		complain("listening");
		return 1;
	}
	for (;;) {
		conn = SSL_accept_connection(listener, 0);
		if (conn == NULL) {
			complain("accepting");
			return 1;
		}
		serve(conn);
		SSL_free(conn);
		ERR_clear_error();
	}
}
