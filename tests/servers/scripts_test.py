#!/usr/bin/env python3
"""Small servers in Debian's Perl, PHP and Node.js, as www-data."""

import os
import re

import matrix
import world
from world import ks

USER = "www-data"
CNF = "/etc/ssl/openssl.cnf"
ANSWER = (
    r"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"
)
PERL = """
use IO::Socket::SSL;
$SIG{PIPE} = "IGNORE";
my ($port, $cert, $key) = @ARGV;
my $server = IO::Socket::SSL->new(LocalAddr => "127.0.0.1", Listen => 16,
    LocalPort => $port, ReuseAddr => 1,
    SSL_cert_file => $cert, SSL_key_file => $key) or die $SSL_ERROR;
while (1) {
    my $c = $server->accept;
    if (!$c) {
        warn "$SSL_ERROR\\n";
        next;
    }
    while (<$c>) { last if /^\\r?$/ }
    print $c "ANSWER";
    close $c;
}
"""
PHP = """
[, $port, $cert, $key] = $argv;
$context = stream_context_create(["ssl" => [
    "local_cert" => $cert, "local_pk" => $key]]);
$server = stream_socket_server("tcp://127.0.0.1:$port", $n, $why,
    STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context) or die($why);
while (true) {
    $c = stream_socket_accept($server, -1);
    $way = STREAM_CRYPTO_METHOD_TLSv1_2_SERVER
        | STREAM_CRYPTO_METHOD_TLSv1_3_SERVER;
    if (stream_socket_enable_crypto($c, true, $way)) {
        while (($line = fgets($c)) !== false && trim($line) != "");
        fwrite($c, "ANSWER");
    }
    fclose($c);
}
"""
NODE = """
const fs = require("fs"), https = require("https");
const [port, cert, key] = process.argv.slice(1);
https.createServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key)},
    (q, r) => { r.setHeader("Connection", "close"); r.end("hello\\n"); })
    .on("tlsClientError", (e) => console.error(e))
    .listen(port, "127.0.0.1");
"""


class Script(matrix.Server):
    runs = USER
    allow = USER
    port = 8443
    know = "its user must be able to read the shells, as it had to the keys"

    def __init__(self, name, argv, text):
        self.name = name
        self.argv = [*argv, text.replace("ANSWER", ANSWER)]

    def port_for(self, kind):
        return 8444 if kind.endswith("ECDSA") else 8443

    def configure(self, w, certs):
        self.certs = certs
        world.hand_over("/etc/ssl/private", USER, 0o710)
        for cert in certs.values():
            world.hand_over(cert.key, USER, 0o640)

    def start(self, w):
        self.services = [
            w.service(
                [*self.argv, str(port), cert.cert, cert.key],
                f"{os.path.basename(self.argv[0])}-{port}",
                user=USER,
                group=USER,
                extra_groups=[],
                cwd="/",
            )
            for port, cert in zip((8443, 8444), self.certs.values())
        ]
        world.listening(8443, 8444)

    def stop(self, w):
        for service in self.services:
            service.stop()

    def master(self, w):
        return self.services[0].pid

    def logs(self):
        return [service.log for service in self.services]


class Node(Script):
    """It looks into openssl.cnf for a name of its own."""

    know = (
        "reads openssl.cnf from `nodejs_conf` on, where others read"
        " `openssl_conf`: give it a line with the same section, or run it with"
        " `--openssl-shared-config`"
    )

    def configure(self, w, certs):
        super().configure(w, certs)
        text = ks.read_text(CNF)
        named = re.search(r"(?m)^openssl_conf *= *(\w+)", text)
        world.write(CNF, f"nodejs_conf = {named[1]}\n{text}")

    def not_here(self):
        if not os.path.exists("/usr/bin/node"):
            return "nodejs is not installed"
        if "libnode" not in ks.run_ok(["ldd", "/usr/bin/node"]):
            return "nodejs is not Debian's"
        return None


SERVERS = [
    Script("Perl, IO::Socket::SSL", ["/usr/bin/perl", "-e"], PERL),
    Script("PHP, streams", ["/usr/bin/php", "-r"], PHP),
    Node("Node.js (Debian's), https", ["/usr/bin/node", "-e"], NODE),
]

if __name__ == "__main__":
    matrix.main(SERVERS)
