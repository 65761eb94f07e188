#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A Dovecot of our own: IMAP, LMTP and doveadm in a private directory.

In:    a rig, the addresses of users, where and how mail is stored.
Out:   a server on free loopback ports and unix sockets, run as whoever runs
       the test; a client of IMAP that sees what other people's would.
Never: reads the system's configuration, or a mailbox but its own.
"""
import imaplib
import os
import pwd
import re
import shutil
import signal
import ssl
import subprocess

from rig import (accepts, descendants, end_process, free_port, read_file,
                 sanitized, wait_for)

PROGRAMS = ("dovecot", "doveadm")
PACKAGED = ("/usr/lib/dovecot/imap", "/usr/lib/dovecot/lmtp",
            "/usr/lib/dovecot/modules/lib90_sieve_plugin.so")
PASSWORD = "sesame"
MASTER = "master"

CONFIG = """\
base_dir = {dir}/run
state_dir = {dir}/state
instance_name = {name}
protocols = imap lmtp
listen = 127.0.0.1
log_path = {log}
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
default_vsz_limit = {memory}
first_valid_uid = 1
first_valid_gid = 0
mail_location = {location}
mail_max_userip_connections = 1000
mail_fsync = optimized
recipient_delimiter = +
auth_mechanisms = plain login
auth_master_user_separator = *
auth_failure_delay = 0
auth_verbose = yes
disable_plaintext_auth = no
postmaster_address = postmaster@example.org
{tls}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Drafts {{
    special_use = \\Drafts
  }}
}}
passdb {{
  driver = passwd-file
  master = yes
  args = scheme=PLAIN {dir}/masters
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {dir}/users
}}
userdb {{
  driver = passwd-file
  args = {dir}/users
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service lmtp {{
  user = {lmtp_user}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service auth-worker {{
  user = {internal}
}}
{extra}
"""


def missing():
    """Why Dovecot cannot be had here, or None."""
    if any(shutil.which(name, path="/usr/sbin:/usr/bin") is None
           for name in PROGRAMS) or \
       not all(os.path.exists(path) for path in PACKAGED):
        return "Dovecot is not installed (contrib/build-deps --test)"
    return None


class Dovecot:
    """location is Dovecot's mail_location; extra are lines at the end of its
    configuration, or a function that makes these for a server.  Each user has PASSWORD, and can be logged in to as
    USER*MASTER with PASSWORD, too."""

    def __init__(self, rig, users, name="dovecot",
                 location="maildir:~/Maildir", tls=False, extra=""):
        self.rig = rig
        self.name = name
        self.dir = rig.make_dir(name)
        self.log_path = rig.path(name + ".log")
        self.location = location
        self.extra = extra
        self.tls = Authority(rig, name) if tls else None
        self.port = free_port()
        self.tls_port = free_port() if tls else 0
        self.process = None
        # Dovecot's mail processes do not run as root.
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 \
            else pwd.getpwuid(os.geteuid())
        self.users = []
        rig.write(name + "/masters", "%s:%s\n" % (MASTER, PASSWORD))
        self.add_users(*users)
        self.configure()
        rig.at_exit(self.stop)

    # --- The server

    def home(self, user):
        return self.rig.path(self.name, "mail", user)

    def add_users(self, *users):
        for user in users:
            os.makedirs(self.home(user), mode=0o700, exist_ok=True)
            os.chmod(os.path.dirname(self.home(user)), 0o755)
            if os.geteuid() == 0:
                os.chown(self.home(user), self.owner.pw_uid,
                         self.owner.pw_gid)
            self.users.append(user)
        self.rig.write(self.name + "/users", "".join(
            "%s:%s:%d:%d::%s::\n" % (user, PASSWORD, self.owner.pw_uid,
                                     self.owner.pw_gid, self.home(user))
            for user in self.users))

    def configure(self):
        root = os.geteuid() == 0
        me = self.owner.pw_name
        group = self.rig.run(["id", "-gn", me])[1].decode().strip()
        tls = "ssl = no" if self.tls is None else \
            "ssl = yes\nssl_cert = <%s\nssl_key = <%s" % (
                self.tls.certificate, self.tls.key)
        self.config_path = self.rig.write(
            self.name + "/dovecot.conf", CONFIG.format(
                # A sanitizer's shadow is larger than any limit; sieve's
                # programs have that of who runs them.
                memory="0" if sanitized() else "256M",
                dir=self.dir, name=self.name, log=self.log_path,
                internal="dovecot" if root else me,
                internal_group="dovecot" if root else group,
                login="dovenull" if root else me,
                lmtp_user="root" if root else me,
                location=self.location, port=self.port,
                tls_port=self.tls_port, tls=tls, extra=self.extra(self)
                if callable(self.extra) else self.extra))
        return self

    def start(self):
        with open(self.log_path + ".err", "ab") as err:
            self.process = subprocess.Popen(
                ["/usr/sbin/dovecot", "-F", "-c", self.config_path],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                cwd=self.dir, start_new_session=True)

        def ready():
            if self.process.poll() is not None:
                raise RuntimeError("dovecot ended with %d: %s %s" % (
                    self.process.returncode, self.log()[-1500:],
                    read_file(self.log_path + ".err")))
            return accepts(("127.0.0.1", self.port)) and \
                accepts(self.lmtp_socket())
        wait_for(ready, "Dovecot")
        return self

    def stop(self):
        if self.process is not None:
            end_process(self.process)
            self.process = None

    def kill9(self):
        """SIGKILL for all of it, at once: nobody says good-bye."""
        for pid in descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass    # a session that ended by itself meanwhile
        self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def lmtp_socket(self):
        return os.path.join(self.dir, "run", "lmtp")

    def log(self):
        return read_file(self.log_path).decode("utf-8", "replace")

    def complaints(self, since=0):
        """Lines of the log that say that something is not as it should be."""
        return [line for line in self.log()[since:].splitlines()
                if re.search(r"(Error|Fatal|Panic|Warning):"
                             r"(?! Killed with signal 15)", line)]

    def doveadm(self, *arguments, check=True, **options):
        """doveadm of this server: (status, stdout, stderr)."""
        return self.rig.run(["doveadm", "-c", self.config_path] +
                            list(arguments), check=check, **options)

    def files(self, user=None):
        """Every file of the mail store, of that user or of all."""
        top = self.home(user) if user else self.rig.path(self.name, "mail")
        return [os.path.join(where, name)
                for where, _, names in os.walk(top) for name in names]

    def holding(self, *words, user=None):
        """Files of the mail store that hold one of the words, raw."""
        words = [w.encode() if isinstance(w, str) else w for w in words]
        return [path for path in self.files(user)
                if any(word in read_file(path) for word in words)]

    # --- A client

    def imap(self, user, password=PASSWORD, master=False):
        """A session; close it with logout() or use it in `with`."""
        if self.tls is not None:
            client = imaplib.IMAP4_SSL(
                "localhost", self.tls_port, timeout=60,
                ssl_context=ssl.create_default_context(
                    cafile=self.tls.file))
        else:
            client = imaplib.IMAP4("127.0.0.1", self.port, timeout=60)
        client.login('"%s"' % (user + "*" + MASTER if master else user),
                     password)
        return client


def checked(answer):
    """The data of an imaplib answer that has to be OK."""
    kind, data = answer
    if kind != "OK":
        raise RuntimeError("IMAP says %s %r" % (kind, data))
    return data


def folders(client):
    """The names of all folders, as they are on the wire."""
    return [re.search(rb'\) (?:"[^"]*"|NIL) (.*)$', line).group(1)
            .strip(b'"').decode("ascii") for line in checked(client.list())
            if line and b"\\Noselect" not in line]


class Mail:
    """A message as IMAP shows it."""

    def __init__(self, uid, flags, date, size, raw):
        self.uid = uid
        self.flags = flags      # a frozenset, without \\Recent
        self.date = date        # INTERNALDATE as it is on the wire
        self.size = size
        self.raw = raw

    def __repr__(self):
        return "UID %d (%s) %s, %d octets" % (
            self.uid, " ".join(sorted(self.flags)), self.date, self.size)


def fetch(client, folder="INBOX", what="BODY.PEEK[]"):
    """All messages of a folder by UID; it is opened only for reading."""
    checked(client.select('"%s"' % folder, readonly=True))
    found = {}
    data = checked(client.uid(
        "FETCH", "1:*", "(UID FLAGS INTERNALDATE RFC822.SIZE %s)" % what))
    begun = None
    for item in data:
        if isinstance(item, tuple):
            begun = item
        elif begun is not None:     # else news of flags, in between
            mail = read_item(begun[0] + item, begun[1])
            found[mail.uid] = mail
            begun = None
    return found


def read_item(text, body):
    def one(pattern):
        return re.search(pattern, text).group(1)
    flags = frozenset(one(rb"FLAGS \(([^)]*)\)").decode().split())
    return Mail(int(one(rb"(?:^|[ (])UID (\d+)")), flags - {"\\Recent"},
                one(rb'INTERNALDATE "([^"]*)"').decode(),
                int(one(rb"RFC822.SIZE (\d+)")), body)


def append(client, message, folder="INBOX", flags=(), date=None):
    """APPEND; the UID that the message got (RFC 4315)."""
    data = checked(client.append(
        '"%s"' % folder, "(%s)" % " ".join(flags) if flags else None,
        date, message))
    found = re.search(rb"APPENDUID \d+ (\d+)", data[0])
    return int(found.group(1))


# --- TLS

class Authority:
    """An authority of one certificate, for localhost and 127.0.0.1."""

    def __init__(self, rig, name):
        def path(suffix):
            return rig.path("%s-%s" % (name, suffix))
        self.file = path("ca.pem")
        self.certificate = path("tls.pem")
        self.key = path("tls.key")
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        rig.run(new + ["-subj", "/CN=Authority of a test", "-keyout",
                       path("ca.key"), "-out", self.file])
        rig.run(new + [
            "-subj", "/CN=localhost", "-keyout", self.key, "-out",
            self.certificate, "-CA", self.file, "-CAkey", path("ca.key"),
            "-addext", "basicConstraints=critical,CA:false", "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        os.chmod(self.key, 0o600)
