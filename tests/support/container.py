#!/usr/bin/env python3
"""Runs a command as in a container, without any container's software.

    container.py docker|podman FOLDER UID COMMAND...
    container.py mapped COMMAND...
    container.py s_server CERTIFICATE KEY OPENSSL.CNF
    container.py chrooted CERTIFICATE KEY FOLDER UID

docker: root makes namespaces for mounts, processes, network, IPC and host
name, but none for users. podman: without root; in a user namespace, uid 0 is
the user OWNER outside, 1 to 65535 are SUBUIDS and following. In both, /run is
fresh, and FOLDER is at /run/openssl-keyd, read-only. The command runs as UID of
the container.

mapped: root, in a user namespace that has all users but 65534 and more.

s_server, inside: openssl s_server with these files, and one handshake with it.

chrooted: as servers do, loads certificate and key as root, and only then makes
FOLDER its root and becomes UID; then a handshake with itself.
"""

import ctypes
import fcntl
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys

OWNER, SUBUIDS = 58101, 100000
NEWNS, NEWUTS, NEWIPC = 0x20000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags):
    if libc.unshare(flags):
        error = ctypes.get_errno()
        raise OSError(error, f"unshare: {os.strerror(error)}")


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def user_namespace(owner, ids):
    """As newuidmap(1): the map is written by root, outside."""
    ready, go = os.pipe(), os.pipe()
    us = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(ready[1])
        os.read(ready[0], 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{us}/{name}", "w", encoding="ascii") as f:
                f.write(ids)
        os.write(go[1], b"x")
        os._exit(0)
    become(owner)
    # Whose /proc entries are else root's.
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    unshare(NEWUSER)
    os.write(ready[1], b"x")
    os.close(go[1])
    if os.read(go[0], 1) != b"x":
        sys.exit("no map")
    os.waitpid(helper, 0)
    become(0)


def mount(*args):
    subprocess.run(["mount", *args], check=True)


def loopback_up():
    request = struct.pack("16sH22x", b"lo", IFF_UP)
    with socket.socket() as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, request)


def prepare(folder):
    """The file system and network of the container."""
    mount("--make-rprivate", "/")
    mount("-t", "tmpfs", "tmpfs", "/run")
    os.mkdir("/run/openssl-keyd")
    mount("--bind", folder, "/run/openssl-keyd")
    mount("-o", "remount,bind,ro", "/run/openssl-keyd")
    loopback_up()


def contain(kind, folder, uid, *command):
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if kind == "podman":
        user_namespace(OWNER, f"0 {OWNER} 1\n1 {SUBUIDS} 65535\n")
    unshare(NEWNS | NEWPID | NEWNET | NEWIPC | NEWUTS)
    init = os.fork()
    if init == 0:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        prepare(folder)
        become(int(uid))
        os.execvp(command[0], command)
    return os.waitstatus_to_exitcode(os.waitpid(init, 0)[1])


def mapped(*command):
    user_namespace(0, "0 0 65534\n")
    os.execvp(command[0], command)


def s_server(cert, key, conf):
    with subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-www"]
        + ["-naccept", "1"]
        + ["-cert", cert, "-key", key],
        env=dict(os.environ, OPENSSL_CONF=conf),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        for line in server.stdout:
            if line.startswith("ACCEPT"):
                break
        else:
            return server.wait() or 1
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cert)
        port = int(line.rpartition(":")[2])
        try:
            with socket.create_connection(("127.0.0.1", port), 20) as plain:
                with context.wrap_socket(
                    plain, server_hostname="localhost"
                ) as tls:
                    print("handshake", tls.version(), flush=True)
                    tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    while tls.recv(4096):
                        pass
            return 0
        except OSError as e:
            print(e, flush=True)
            return 1
        finally:
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def chrooted(cert, key, folder, uid):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cert)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    os.chroot(folder)
    os.chdir("/")
    become(int(uid))
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    print("handshake", ends[1].version(), ends[0].version(), flush=True)


if __name__ == "__main__":
    for mode in (s_server, mapped, chrooted):
        if sys.argv[1] == mode.__name__:
            sys.exit(mode(*sys.argv[2:]))
    sys.exit(contain(*sys.argv[1:]))
