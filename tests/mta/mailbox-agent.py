#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stored mail opened with the key that its owner's gpg-agent holds.

In:    a GnuPG home of the owner's, whose agent knows the passphrase or does
       not.
Out:   the octets that were sealed, or an error in time and every file as it
       was.
Never: gives the passphrase to sealctl.
"""
import os
import pwd
import re
import secrets
import shutil
import sys
import time

import dovecot
import mailboxes
import rig
import sealed

COUNT = 25
GPG_SECONDS = 5             # as the configuration says; default: 30
# How long sealctl may take to give up, with what slows it here.
GIVES_UP = 60

# It is there, and nobody sits before it (Assuan, as pinentries speak it).
PINENTRY = """#!/bin/sh
echo OK
while read -r line; do
	case $line in
	GETPIN*) : >%s; exec cat >/dev/null ;;
	*) echo OK ;;
	esac
done
"""


class Agent:
    """A key under a passphrase in the home of the mailbox's owner."""

    def __init__(self, boxes, name):
        self.rig = boxes.rig
        self.owner = boxes.dovecot.owner
        self.home = self.rig.make_dir(name, mode=0o700)
        boxes.own(self.home)
        self.environment = dict(os.environ, GNUPGHOME=self.home)
        self.passphrase = secrets.token_hex(8)
        self.configure("allow-preset-passphrase")
        self.rig.at_exit(self.end)
        self.run("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback",
                 "--passphrase-fd", "0", "--quick-gen-key",
                 "<%s>" % mailboxes.OWNER, "future-default", "default",
                 "never", input=self.passphrase.encode() + b"\n")
        self.public = self.rig.write(name + ".pub", self.run(
            "gpg", "--batch", "--armor", "--export")[1])
        self.end()

    def be_owner(self):
        if os.geteuid() == 0:
            os.setgroups([self.owner.pw_gid])
            os.setgid(self.owner.pw_gid)
            os.setuid(self.owner.pw_uid)

    def run(self, *argv, check=True, **options):
        return self.rig.run(list(argv), check=check, preexec_fn=self.be_owner,
                            env=self.environment, **options)

    def configure(self, *lines):
        path = os.path.join(self.home, "gpg-agent.conf")
        with open(path, "w") as f:
            f.write("".join(line + "\n" for line in lines))
        os.chmod(path, 0o644)

    def end(self):
        """The next gpg begins another one, which knows no passphrase."""
        self.run("gpgconf", "--kill", "all", check=False)

    def tell_passphrase(self):
        self.run("gpg-connect-agent", "/bye")
        libexec = self.run("gpgconf", "--list-dirs", "libexecdir")[1]
        preset = os.path.join(libexec.decode().strip(),
                              "gpg-preset-passphrase")
        out = self.run("gpg", "--batch", "--with-colons", "--with-keygrip",
                       "--list-secret-keys")[1].decode()
        for grip in re.findall(r"^grp:+(\w+):", out, re.M):
            self.run(preset, "--preset", grip, input=self.passphrase.encode())


class Opening:
    def __init__(self, tap):
        self.tap = tap
        self.boxes = boxes = mailboxes.Boxes(tap, limits={"gpg_seconds": GPG_SECONDS})
        self.agent = Agent(boxes, "owners")
        self.use_key(self.agent.public)
        self.written = sorted(boxes.fill("", COUNT).values())
        self.sealed = None

    def use_key(self, path):
        self.boxes.seal.ctl("key", "delete", mailboxes.OWNER)
        self.boxes.seal.ctl("key", "import", path)

    def files(self):
        top = os.path.join(self.boxes.maildir(), "cur")
        return {name: rig.read_file(os.path.join(top, name))
                for name in os.listdir(top)}

    def seal_all(self):
        self.boxes.encrypt()
        self.sealed = self.files()
        assert not self.boxes.readable()

    def open_all(self, *arguments, what="decrypt", **options):
        options.setdefault("env", self.agent.environment)
        begun = time.monotonic()
        done = self.boxes.sealctl(what, *arguments, self.boxes.maildir(),
                                  check=False, **options)
        return (*done, time.monotonic() - begun)

    def opens(self, name, **options):
        self.seal_all()
        self.agent.end()
        self.agent.tell_passphrase()
        status, out, err, _ = self.open_all(**options)
        now = sorted(self.files().values())
        self.tap.ok(status == 0 and now == self.written, name, status, out,
                    err, len(now))

    def the_owners_agent_opens_it(self):
        self.opens("with the passphrase in the agent, decrypt brings back"
                   " every octet")

    def the_owner_himself_opens_it(self):
        """Who has rights to the mailbox and the home alone."""
        self.opens("so it does if the owner runs it",
                   preexec_fn=self.agent.be_owner)

    def the_home_of_the_account_is_the_default(self):
        """~/.gnupg as getpwuid(3) has it: another /etc/passwd, for us."""
        name = "without GNUPGHOME it is the owner's ~/.gnupg"
        if os.geteuid() != 0 or self.boxes.rig.run(
                ["unshare", "--mount", "true"], check=False)[0] != 0:
            self.tap.skip(name, "mounting takes root's rights")
            return
        account = pwd.getpwuid(self.agent.owner.pw_uid)
        home = self.boxes.rig.make_dir("account", mode=0o755)
        os.symlink(self.agent.home, os.path.join(home, ".gnupg"))
        lines = rig.read_file("/etc/passwd").decode().splitlines()
        passwd = self.boxes.rig.write("passwd", "".join(
            (":".join(line.split(":")[:5] + [home, "/bin/sh"])
             if line.startswith(account.pw_name + ":") else line) + "\n"
            for line in lines), 0o644)
        self.seal_all()
        self.agent.end()
        # The agent's socket is looked for by the home's name.
        self.agent.environment["GNUPGHOME"] = os.path.join(home, ".gnupg")
        self.agent.tell_passphrase()
        environment = dict(self.agent.environment)
        del environment["GNUPGHOME"]
        status, out, err = self.boxes.rig.run(
            ["unshare", "--mount", "sh", "-c",
             "mount --bind \"$1\" /etc/passwd && shift && exec \"$@\"", "sh",
             passwd, rig.SEALCTL, "-c", self.boxes.seal.config_path,
             "mailbox", "decrypt", self.boxes.maildir()],
            check=False, env=environment)
        self.agent.end()
        self.agent.environment["GNUPGHOME"] = self.agent.home
        self.tap.ok(status == 0 and
                    sorted(self.files().values()) == self.written, name,
                    status, out, err)

    def unchanged(self, name, *details):
        self.tap.ok(self.files() == self.sealed and not os.listdir(
            os.path.join(self.boxes.maildir(), "tmp")) and
            not self.boxes.readable(), name, *details)

    def an_agent_that_does_not_know_it_is_told(self):
        self.seal_all()
        self.agent.configure("allow-preset-passphrase",
                             "pinentry-program /bin/false")
        for what in ("decrypt", "rekey"):
            self.agent.end()
            arguments = ("--user", mailboxes.OWNER) if what == "rekey" else ()
            if what == "rekey":
                self.use_key(self.boxes.keys.public(mailboxes.OWNER))
            status, out, err, took = self.open_all(*arguments, what=what)
            self.tap.ok(status in (1, 75) and b"gpg" in err and
                        b"passphrase" in err and took < GIVES_UP,
                        "%s: without the passphrase, the agent's no is told"
                        " in time" % what, status, took, out, err[-1500:])
            self.unchanged("and every file is as it was")

    def a_pinentry_that_nobody_answers_is_not_waited_for(self):
        asked = self.boxes.rig.path("asked")
        pinentry = self.boxes.rig.write(
            "pinentry", PINENTRY % asked, 0o755)
        with open(asked, "w"):
            pass
        os.chmod(asked, 0o666)
        os.unlink(asked)
        os.chmod(os.path.dirname(asked), 0o777)
        self.agent.configure("pinentry-program " + pinentry)
        self.agent.end()
        status, out, err, took = self.open_all("--jobs", "2")
        self.tap.ok(os.path.exists(asked), "the agent asked", out, err)
        self.tap.ok(status == 75 and b"passphrase" in err and
                    took < GIVES_UP,
                    "and when nobody answers, that is told in time", status,
                    took, out, err[-1500:])
        self.unchanged("and every file is as it was")
        self.agent.end()
        self.agent.configure("allow-preset-passphrase")

    def rekeyed_with_the_agent_it_is_for_the_new_key(self):
        tap, boxes = self.tap, self.boxes
        self.use_key(boxes.keys.public(mailboxes.OWNER))
        self.agent.end()
        self.agent.tell_passphrase()
        status, out, err, _ = self.open_all("--user", mailboxes.OWNER,
                                            what="rekey")
        ids = boxes.keys.key_ids(mailboxes.OWNER)
        files = list(self.files().values())
        armors = [sealed.armor_of(raw) for raw in files]
        wrong = [raw[:300] for raw, armor in zip(files, armors)
                 if not set(boxes.keys.encrypted_to(armor)) <= ids]
        tap.ok(status == 0 and len(files) == COUNT and not wrong,
               "rekey seals it to the new key", status, out, err, *wrong[:3])
        tap.ok(all(boxes.post.word.encode() in
                   boxes.keys.open_with_gpg(armor) for armor in armors),
               "and gpg opens it with that")

    def without_a_home_that_is_told(self):
        self.boxes.encrypt()
        self.sealed = self.files()
        missing = self.boxes.rig.path("no-such-home")
        status, out, err, _ = self.open_all(
            env=dict(os.environ, GNUPGHOME=missing))
        self.tap.ok(status in (1, 75) and missing.encode() in err,
                    "a GnuPG home that is not there is named", status, out,
                    err[-800:])
        self.unchanged("and every file is as it was")


def main():
    why = dovecot.missing()
    if why:
        rig.skip_all(why)
    for program in ("gpg", "gpgconf", "gpg-connect-agent"):
        if shutil.which(program) is None:
            rig.skip_all(program + " is not installed")
    tap = rig.Tap()
    opening = Opening(tap)
    tap.run(opening.the_owners_agent_opens_it)
    tap.run(opening.the_owner_himself_opens_it)
    tap.run(opening.the_home_of_the_account_is_the_default)
    tap.run(opening.an_agent_that_does_not_know_it_is_told)
    tap.run(opening.a_pinentry_that_nobody_answers_is_not_waited_for)
    tap.run(opening.rekeyed_with_the_agent_it_is_for_the_new_key)
    tap.run(opening.without_a_home_that_is_told)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
