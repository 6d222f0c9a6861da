#!/usr/bin/env python3
"""The sandbox, from inside and from outside. TAP on standard output.

sandbox.py PROBE PROBE_INSTALLED [sanitized] [test-layers]

The words say how the project was built.

A locked-in process tries one attack at a time (probe.c). Three kinds of cases:

- ATTACKS: the whole sandbox on: killed; with the system-call filter off: not.
- PROOFS: one table, layer -> attacks. Where another layer would refuse the
  attack as well, that one is off in both runs. With the layer the attack is
  refused, without it it works; the second is what makes the first a test.
- PROPERTIES: what the kernel says of a waiting session.

Root runs all; what an ordinary user cannot have is skipped, by name.
"""

import contextlib
import ctypes
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

DEADLINE = 30
UID, UID_2 = 61901, 61902
ROOT = os.geteuid() == 0
LIBC = ctypes.CDLL(None, use_errno=True)

# docs/DESIGN.md, Capabilities: DAC_READ_SEARCH KILL SETGID SETUID SETPCAP
# SYS_CHROOT.
BROKER_CAPS = sum(1 << n for n in (2, 5, 6, 7, 8, 18))


class Tap:
    """Numbers and prints cases."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, name, ok, why=''):
        self.count += 1
        self.failed += not ok
        print(f'{"ok" if ok else "not ok"} {self.count} - {name}')
        if not ok:
            print(f'# {why}')
        sys.stdout.flush()

    def skip(self, name, reason):
        self.count += 1
        print(f'ok {self.count} - {name} # SKIP {reason}', flush=True)

    def plan(self):
        print(f'1..{self.count}')


class Session:
    """What a started probe said of itself."""

    def __init__(self):
        self.on, self.off = set(), {}
        self.pid = self.ring = 0
        self.outcome = self.failed = ''

    def line(self, text):
        word = text.split()
        if word[:1] == ['layer'] and word[2] == 'on':
            self.on.add(word[1])
        elif word[:1] == ['layer']:
            self.off[word[1]] = word[3]
        elif word[:1] == ['pid']:
            self.pid = int(word[1])
        elif word[:1] == ['ring']:
            self.ring = int(word[1], 16)
        elif word[:1] == ['failed']:
            self.failed = text[len('failed '):]
        elif word[:1] == ['outcome']:
            self.outcome = text[len('outcome '):]


class Lab:
    """A scratch folder with the probe and what attacks aim at."""

    def __init__(self, probe, installed):
        self.dir = tempfile.mkdtemp(prefix='keyd-sandbox-')
        os.chmod(self.dir, 0o755)
        self.empty = self.path('empty')
        os.mkdir(self.empty, 0o555)
        self.mountpoint = self.path('mountpoint')
        os.mkdir(self.mountpoint)
        # Beside the build folder, which other users may not reach.
        self.probe = shutil.copy(probe, self.path('probe'))
        self.installed = shutil.copy(installed, self.path('installed'))
        self.secret = self.path('root-only')
        with open(self.secret, 'w', encoding='ascii') as f:
            f.write('fixture')
        os.chmod(self.secret, 0o400)
        self.setuid = shutil.copy(probe, self.path('setuid'))
        os.chmod(self.setuid, 0o4755)
        self.tcp = socket.create_server(('127.0.0.1', 0))
        self.port = str(self.tcp.getsockname()[1])
        self.abstract = 'keyd-sandbox-' + str(os.getpid())
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind('\0' + self.abstract)
        self.unix.listen(64)
        self.tcp.settimeout(DEADLINE)

    def path(self, name):
        return os.path.join(self.dir, name)

    def close(self):
        self.tcp.close()
        self.unix.close()
        shutil.rmtree(self.dir)

    def command(self, attack, arg='', off=(), role='session', uid=UID,
                chroot=None, probe=None, user=None, before=None):
        """Arguments of Popen. user: starts the broker's stand-in so; before:
        is called in it before that."""
        uid = str(uid) if ROOT and user is None else '-'
        env = dict(os.environ, KEYD_TEST_LAYERS_OFF=','.join(sorted(off)))
        who = {}
        if ROOT:
            # A supplementary group, for the session to lose.
            who = {'extra_groups': [UID_2]}
        if ROOT and user is not None:
            who = {'user': user, 'group': user, 'extra_groups': []}
        return dict(args=[probe or self.probe, 'start', role, uid, uid,
                          chroot or self.empty, attack, arg],
                    env=env, text=True, stdout=subprocess.PIPE, cwd=self.dir,
                    preexec_fn=before, **who)

    def run(self, attack, arg='', **how):
        """Runs one attack to its end."""
        said = Session()
        done = subprocess.run(**self.command(attack, arg, **how),
                              stdin=subprocess.DEVNULL, timeout=DEADLINE,
                              check=False)
        for text in done.stdout.splitlines():
            said.line(text)
        if not said.outcome:
            said.outcome = f'probe ended with {done.returncode}'
        return said

    @contextlib.contextmanager
    def waiting(self, **how):
        """A session that waits for its client: (what it said, broker)."""
        said = Session()
        client, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.settimeout(DEADLINE)
        with end:
            broker = subprocess.Popen(**self.command('wait', **how),
                                      stdin=end)
        try:
            if not client.recv(1):
                raise RuntimeError('the probe ended early')
            while not said.ring:
                said.line(broker.stdout.readline())
            yield said, broker
        finally:
            client.close()
            broker.stdout.read()
            broker.wait(DEADLINE)


# What the filter kills, by the name in attacks.c, with its argument.
KILLED = [
    ('open', '/'), ('openat', '/'), ('stat', '/'), ('proc', ''),
    ('socket', ''), ('socketpair', ''), ('connect', ''),
    ('fork', ''), ('vfork', ''), ('clone', ''), ('clone3', ''),
    ('execve', '/bin/true'), ('execveat', ''), ('ptrace', ''),
    ('kill', '1'), ('tgkill', '1'), ('pidfd_open', '1'),
    ('process_vm_readv', '1'),
    ('ring-write', ''), ('ring-exec', ''), ('ring-mremap', ''),
    ('ring-overlay', ''), ('mmap-exec', ''), ('mmap-fd', ''),
    ('mmap-fd-private', ''), ('exec-gain', ''),
    ('io_uring', ''), ('userfaultfd', ''), ('bpf', ''),
    ('perf_event_open', ''), ('keyctl', ''),
    ('setuid', ''), ('setresuid', ''), ('setgroups', ''), ('chroot', ''),
    ('unshare', ''), ('setns', ''), ('mount', '/'), ('pivot_root', ''),
    ('memfd_create', ''), ('prctl', ''), ('getrlimit', ''), ('write', ''),
    ('pread', ''), ('dup', ''), ('sendto', ''), ('recvfrom', ''),
    ('recvmsg-audit', ''), ('sendmsg-other', ''), ('futex-wait', ''),
    ('getppid', ''),
]
if os.uname().machine == 'x86_64':
    KILLED += [('int80', ''), ('x32', '')]

# What the sanitizers' runtime needs, and their builds' filter lets through.
SANITIZERS_NEED = {'write', 'ring-overlay'}

# What each role's filter lets through, and further calls that it kills.
ALLOWED = {
    'session': ['recvmsg-client', 'sendmsg-client', 'sendmsg-audit',
                'mmap-heap'],
    'loader': ['mmap-fd', 'pread', 'memfd_create', 'mmap-heap'],
    'logger': ['write', 'recvmsg-audit', 'mmap-heap'],
}
ROLE_KILLED = {
    'loader': ['open', 'socket', 'connect', 'fork', 'execve', 'ptrace',
               'kill', 'ring-write', 'mmap-exec', 'mmap-fd-private',
               'io_uring', 'setuid', 'write', 'recvmsg-client',
               'sendmsg-audit', 'prctl'],
    'logger': ['open', 'socket', 'connect', 'fork', 'execve', 'ptrace',
               'kill', 'ring-write', 'mmap-exec', 'mmap-fd', 'io_uring',
               'setuid', 'memfd_create', 'pread', 'recvmsg-client',
               'sendmsg-audit', 'prctl'],
}


def attacks(lab, tap, sanitized):
    for name, arg in KILLED:
        title = f'session: {name} is killed, by the filter'
        if sanitized and name in SANITIZERS_NEED:
            tap.skip(title, 'sanitizers need the call')
            continue
        locked = lab.run(name, arg).outcome
        free = lab.run(name, arg, off={'seccomp'}).outcome
        if name == 'int80' and free == 'killed SIGSEGV':
            tap.skip(title, 'kernel without 32-bit calls')
            continue
        tap.case(title, locked == 'killed SIGSYS' and 'killed' not in free and
                 'ended' not in free, f'{locked}; filter off: {free}')
    for role, names in ROLE_KILLED.items():
        for name in names:
            if sanitized and name in SANITIZERS_NEED:
                continue
            got = lab.run(name, '1', role=role).outcome
            tap.case(f'{role}: {name} is killed', got == 'killed SIGSYS', got)
    for role, names in ALLOWED.items():
        for name in names:
            got = lab.run(name, role=role).outcome
            tap.case(f'{role}: {name} is let through',
                     got in ('succeeded', 'refused EAGAIN'), got)


# Attacks on a layer from outside, in the form of an attack from inside: a
# function of the lab and the layers that are off, which returns the outcome.

def plain(name, arg=''):
    """The probe's own attack; arg may be a function of the lab."""
    def attack(lab, off):
        return lab.run(name, arg(lab) if callable(arg) else arg,
                       off=off).outcome
    return attack


def host_sees_mount(lab, off):
    """A mount made in the sandbox arrives on the host."""
    got = lab.run('mount', lab.mountpoint, off=off).outcome
    if got != 'succeeded':
        return 'not mounted at all: ' + got
    if os.path.ismount(lab.mountpoint):
        subprocess.run(['umount', lab.mountpoint], check=True)
        return 'succeeded'
    return 'refused'


def signal_other(lab, off):
    """A signal to another session."""
    other = UID if 'session-uid' in off else UID_2
    with lab.waiting(off=off, uid=other) as (victim, _):
        return lab.run('kill', str(victim.pid), off=off).outcome


def by_same_user(mode):
    """Another process of the same, ordinary user: trace it, read its maps."""
    def attack(lab, off):
        with lab.waiting(off=off, user=UID) as (victim, _):
            who = {'user': UID, 'group': UID, 'extra_groups': []} \
                if ROOT else {}
            code = subprocess.run([lab.probe, mode, str(victim.pid)],
                                  timeout=DEADLINE, check=False,
                                  **who).returncode
            return 'succeeded' if code == 0 else f'refused {code}'
    return attack


def root_reads_ring(lab, off):
    """root reads the ring through /proc."""
    with lab.waiting(off=off) as (victim, _):
        with open(f'/proc/{victim.pid}/mem', 'rb', buffering=0) as mem:
            try:
                data = os.pread(mem.fileno(), 16, victim.ring)
            except OSError as e:
                return f'refused {e.strerror}'
    return 'succeeded' if data == b'\xa5' * 16 else f'read {data!r}'


def landlock_abi():
    return LIBC.syscall(444, None, ctypes.c_size_t(0), 1)


def kernel_features(lab):
    """Names of what this kernel has, as PROOFS asks for them."""
    out = subprocess.run([lab.probe, 'kernel'], text=True, check=True,
                         stdout=subprocess.PIPE).stdout
    have = set(out.split())
    have |= {f'landlock ABI {n}' for n in range(1, landlock_abi() + 1)}
    if LIBC.prctl(66, 0, 0, 0, 0) >= 0:
        have.add('PR_SET_MDWE')
    if not ROOT or not os.statvfs(lab.dir).f_flag & os.ST_NOSUID:
        have.add('set-user-id programs in the temporary folder')
    try:
        with open('/proc/sys/kernel/yama/ptrace_scope', 'rb') as f:
            if f.read().strip() == b'0':
                have.add('ptrace of other processes')
    except FileNotFoundError:
        have.add('ptrace of other processes')
    return have


FILES = {'seccomp', 'rlimits'}
OUTSIDE = FILES | {'landlock', 'chroot'}
AS_ROOT = {'seccomp', 'user', 'session-uid'}

# layer, what, attack, layers off in both runs, needs root, needs of the kernel
PROOFS = [
    ('rlimits', 'fork', plain('fork'), {'seccomp'}, False, None),
    ('rlimits', 'receiving a descriptor from the client',
     plain('receive-fd'), set(), False, None),
    ('network-namespace', "a connection to a host's TCP port",
     plain('connect-tcp', lambda lab: lab.port), FILES | {'landlock'}, True,
     None),
    ('network-namespace', "a connection to a host's abstract socket",
     plain('connect-abstract', lambda lab: lab.abstract),
     FILES | {'landlock'}, True, None),
    ('mount-namespace', 'a mount that the host sees', host_sees_mount,
     AS_ROOT | {'chroot', 'capabilities', 'landlock'}, True, None),
    ('chroot', 'stat of a file of the host', plain('stat', '/etc/passwd'),
     {'seccomp'}, True, None),
    ('chroot', 'stat of a file in the folder it was started in',
     plain('stat', 'root-only'), {'seccomp'}, True, None),
    ('chroot', 'open of a file of the host', plain('open', '/etc/passwd'),
     FILES | {'landlock'}, True, None),
    ('user', "open of root's file", plain('open', lambda lab: lab.secret),
     OUTSIDE, True, None),
    ('session-uid', 'a signal to another session', signal_other,
     {'seccomp', 'landlock'}, True, None),
    ('capabilities', 'chroot as root', plain('chroot'), AS_ROOT, True, None),
    ('capabilities', 'setgroups as root', plain('setgroups'), AS_ROOT, True,
     None),
    ('no-new-privs', 'a set-user-id program',
     plain('execve', lambda lab: lab.setuid), OUTSIDE, True,
     'set-user-id programs in the temporary folder'),
    ('no-new-privs', 'making written memory executable', plain('exec-gain'),
     {'seccomp', 'landlock'}, True, 'PR_SET_MDWE'),
    ('landlock', 'open of its root folder', plain('open', '/'), FILES,
     False, 'landlock'),
    ('landlock', "a connection to a host's TCP port",
     plain('connect-tcp', lambda lab: lab.port),
     FILES | {'network-namespace'}, False, 'landlock ABI 4'),
    ('landlock', "a connection to a host's abstract socket",
     plain('connect-abstract', lambda lab: lab.abstract),
     FILES | {'network-namespace'}, False, 'landlock ABI 6'),
    ('landlock', 'a signal to a session of the same user', signal_other,
     {'seccomp', 'session-uid'}, True, 'landlock ABI 6'),
    ('undumpable', "reading its memory map as its user",
     by_same_user('maps'), set(), False, None),
    ('undumpable', 'ptrace as its user', by_same_user('trace'), set(), False,
     'ptrace of other processes'),
    ('seccomp', 'a harmless call that the loop does not need',
     plain('getppid'), set(), False, None),
    ('secret-memory', 'reading the ring as root', root_reads_ring, set(),
     True, 'secret-memory'),
    ('mseal', 'making a ring in secret memory writable',
     plain('ring-write'), {'seccomp'}, False, 'secret-memory'),
    ('mseal', 'unmapping the ring', plain('ring-munmap'), set(), False,
     'mseal'),
]


def proofs(lab, tap):
    have = kernel_features(lab)
    for layer, what, attack, off, needs_root, need in PROOFS:
        title = f'{layer} is what refuses {what}'
        if needs_root and not ROOT:
            tap.skip(title, 'needs root')
        elif {need, layer} & {'landlock', 'secret-memory', 'mseal'} - have:
            tap.skip(title, f'kernel without {layer}')
        elif need is not None and need not in have:
            tap.skip(title, f'kernel without {need}')
        else:
            locked = attack(lab, off)
            free = attack(lab, off | {layer})
            tap.case(title, locked.startswith(('refused', 'killed SIGSYS'))
                     and free == 'succeeded',
                     f'with it: {locked}; without: {free}')


def status_of(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as f:
        return {k: v.split() for k, v in
                (line.rstrip('\n').split(':', 1) for line in f)}


def limits_of(pid):
    """Soft and hard, by name."""
    with open(f'/proc/{pid}/limits', encoding='ascii') as f:
        return {line[:26].strip(): line[26:].split()[:2] for line in f}


def loopback_up_in(pid):
    """Is any interface up in the process's network namespace?"""
    code = ('import ctypes,os,socket,sys;'
            'f=os.open("/proc/%d/ns/net"%int(sys.argv[1]),os.O_RDONLY);'
            'r=ctypes.CDLL(None).setns(f,0);'
            'import fcntl,struct;s=socket.socket();'
            'names=[n for _,n in socket.if_nameindex()];'
            'up=[n for n in names if struct.unpack("16xH14x",fcntl.ioctl(s,'
            '0x8913,struct.pack("16s16x",n.encode())))[0]&1];'
            'print(r,names,up)')
    return subprocess.run([sys.executable, '-c', code, str(pid)], text=True,
                          stdout=subprocess.PIPE, check=True,
                          timeout=DEADLINE).stdout.strip()


def mount_arrives(lab, pid):
    subprocess.run(['mount', '-t', 'tmpfs', 'none', lab.mountpoint],
                   check=True)
    try:
        # Its own mounts file shows what lies below its root only.
        broker = status_of(pid)['PPid'][0]
        with open(f'/proc/{broker}/mountinfo', encoding='utf-8') as f:
            return any(line.split()[4] == lab.mountpoint for line in f)
    finally:
        subprocess.run(['umount', lab.mountpoint], check=True)


def process_gone(pidfd):
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(DEADLINE * 1000))


def properties(lab, tap):
    with lab.waiting() as (said, broker):
        status, limits = status_of(said.pid), limits_of(said.pid)
        own = os.getuid()
        uid = str(UID if ROOT else own)
        checks = [
            ('has no_new_privs', status['NoNewPrivs'], ['1']),
            ('is under a filter', status['Seccomp'], ['2']),
            ('leads a session', [os.getsid(said.pid)], [said.pid]),
            ('has its user four times', status['Uid'], [uid] * 4),
        ]
        checks += [(f'has no {c}', int(status[c][0], 16), 0)
                   for c in ('CapInh', 'CapPrm', 'CapEff', 'CapAmb')]
        checks += [(f'has {n} of 0', limits['Max ' + n], ['0', '0'])
                   for n in ('core file size', 'processes', 'open files',
                             'file size')]
        checks.append(('is not dumpable', os.stat(
            f'/proc/{said.pid}/mem').st_uid, 0))
        for what, got, expected in checks:
            tap.case(f'a session {what}', got == expected, f'{got}')
        broker_status = status_of(broker.pid)
        tap.case('the broker has no_new_privs',
                 broker_status['NoNewPrivs'] == ['1'])
        as_root = [
            ('a session has no CapBnd',
             lambda: int(status['CapBnd'][0], 16) == 0),
            ('a session has its group four times, and no other',
             lambda: status['Gid'] == [uid] * 4 and not status['Groups']),
            ('a session has an empty folder of root as its root',
             lambda: os.path.samefile(f'/proc/{said.pid}/root', lab.empty)
             and not os.listdir(f'/proc/{said.pid}/root')),
            ('a session is in a network of its own, in which nothing is up',
             lambda: loopback_up_in(said.pid) == "0 ['lo'] []"),
            ('a session is in a mount namespace of its own',
             lambda: os.readlink(f'/proc/{said.pid}/ns/mnt') !=
             os.readlink('/proc/self/ns/mnt')),
            ('a later mount of the host arrives at a session',
             lambda: mount_arrives(lab, said.pid)),
            ('the broker has exactly the capabilities documented',
             lambda: [int(broker_status[c][0], 16) for c in
                      ('CapEff', 'CapPrm', 'CapBnd', 'CapInh', 'CapAmb')] ==
             [BROKER_CAPS] * 3 + [0, 0]),
        ]
        for title, check in as_root:
            if ROOT:
                tap.case(title, check(), f'{status} {broker_status}')
            else:
                tap.skip(title, 'needs root')


def life(lab, tap):
    """Start and end."""
    with lab.waiting() as (said, broker):
        pidfd = os.pidfd_open(said.pid)
        broker.send_signal(signal.SIGKILL)
        tap.case('a session does not outlive its broker',
                 process_gone(pidfd))
        os.close(pidfd)

    full = lab.path('full')
    os.mkdir(full, 0o755)
    os.mkdir(os.path.join(full, 'x'))
    writable = lab.path('writable')
    os.mkdir(writable)
    os.chmod(writable, 0o777)
    failures = [
        ('a chroot that is not there', dict(chroot='/nowhere/at/all'),
         'chroot ENOENT'),
        ('a chroot that is not empty', dict(chroot=full),
         'chroot ENOTEMPTY'),
        ('a chroot that others may write to', dict(chroot=writable),
         'chroot EPERM'),
        ('a session that would be root', dict(uid=0), 'user EINVAL'),
    ]
    for what, how, expected in failures:
        if not ROOT:
            tap.skip(f'{what} is an error', 'needs root')
            continue
        got = lab.run('getppid', **how)
        tap.case(f'{what} is an error',
                 got.outcome == 'not-locked-in' and got.failed == expected,
                 f'{got.outcome} {got.failed}')

    title = 'a session that could become root again does not start'
    if ROOT:
        # SECBIT_NO_SETUID_FIXUP: capabilities survive the change of user.
        got = lab.run('getppid', off={'capabilities'},
                      before=lambda: LIBC.prctl(28, 4, 0, 0, 0))
        tap.case(title, got.failed == 'verification of privileges EPERM',
                 f'{got.outcome} {got.failed}')
    else:
        tap.skip(title, 'needs root')

    with lab.waiting(user=UID) as (said, broker):
        # As root its files are root's in any case.
        tap.case('the broker is not dumpable',
                 os.stat(f'/proc/{broker.pid}/mem').st_uid == 0)
        without = ['network-namespace', 'mount-namespace', 'chroot', 'user',
                   'session-uid']
        tap.case('an ordinary user is told which layers need root',
                 said.off == dict.fromkeys(without, 'EPERM'), said.off)
        tap.case('an ordinary user has the other layers',
                 {'rlimits', 'capabilities', 'no-new-privs', 'undumpable'}
                 <= said.on, said.on)


def the_switch(lab, tap, installed_has_it):
    """The switch that all of this rests on."""
    got = lab.run('getppid', off={'secomp'}).outcome
    tap.case('an unknown layer to switch off ends the program',
             got == f'probe ended with {-signal.SIGABRT}', got)
    title = 'what is installed has no switch for layers'
    if installed_has_it:
        tap.skip(title, 'built with -Dtest-layers=true')
        return
    got = lab.run('getppid', off={'seccomp'}, probe=lab.installed).outcome
    tap.case(title, got == 'killed SIGSYS', got)


def root_of_its_own():
    """Like keyd/lockdown/mounts.c: a plain chroot's / becomes a mount point."""
    open_tree, move_mount, here, folder = 428, 429, -100, os.getcwd()
    slave = 16384 | 1 << 19
    tree = LIBC.syscall(open_tree, here, b'/', 1 | os.O_CLOEXEC | 0x8000)
    if tree < 0 or LIBC.mount(b'none', b'/proc', None, slave, None) or \
            LIBC.syscall(move_mount, tree, b'', here, b'/proc', 4):
        raise OSError(ctypes.get_errno(), 'a root that is a mount point')
    os.fchdir(tree)
    os.chroot('.')
    os.chdir(folder)
    os.close(tree)


def own_mounts():
    """A mount namespace for the suite, shared within as systemd has it."""
    newns, rec, private, shared = 0x20000, 16384, 1 << 18, 1 << 20
    with open('/proc/self/mountinfo', encoding='ascii') as f:
        mounted = any(line.split()[4] == '/' for line in f)
    if LIBC.unshare(newns):
        raise OSError(ctypes.get_errno(), 'mount namespace')
    if not mounted:
        root_of_its_own()
    if LIBC.mount(b'none', b'/', None, rec | private, None) or \
            LIBC.mount(b'none', b'/', None, rec | shared, None):
        raise OSError(ctypes.get_errno(), 'shared mounts')


def main():
    tap = Tap()
    if ROOT:
        own_mounts()
    lab = Lab(sys.argv[1], sys.argv[2])
    try:
        properties(lab, tap)
        life(lab, tap)
        the_switch(lab, tap, 'test-layers' in sys.argv[3:])
        proofs(lab, tap)
        attacks(lab, tap, 'sanitized' in sys.argv[3:])
    except RuntimeError as e:
        tap.case('the suite runs to its end', False, e)
    finally:
        lab.close()
    tap.plan()
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
