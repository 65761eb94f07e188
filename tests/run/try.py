#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What contrib/try shows: mail through Postfix with sealmilter in front.

In:    a build directory with ./sealmilter and ./sealctl.
Out:   a guided tour on standard output; status 0 if all went as told.
Never: leaves anything behind.
"""
import os
import pwd
import shutil
import signal
import sys
import textwrap

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "mta"))

import mtas     # noqa: E402
import rig      # noqa: E402
import sealed   # noqa: E402
import smtp     # noqa: E402

ANNA, BEN, CARLA = ("anna@example.org", "ben@example.org",
                    "carla@example.org")
ARMOR_LINES = 3
surprises = []


def title(text):
    print("\n== %s\n" % text)


def say(text):
    print(textwrap.fill(" ".join(text.split()), 76) + "\n")


def show(text, mark="    "):
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    for line in text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        print((mark + line).rstrip())
    print()


def expect(condition, what):
    """The tour tells what should happen; here it is held to its word."""
    if not condition:
        surprises.append(what)
        print("    !! This was not expected: %s\n" % what)


def letter(to, subject, text):
    return smtp.crlf(
        "From: Sam <sam@client.example>\nTo: %s\nSubject: %s\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\n"
        "Message-ID: <%d@client.example>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n\n%s\n" % (
            ", ".join(to), subject, abs(hash(subject)), text))


def shortened(raw):
    """A sealed message without most of its armor."""
    lines = raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    out, left = [], None
    for line in lines:
        if line.startswith("-----BEGIN PGP"):
            left = ARMOR_LINES + 1
        elif line.startswith("-----END PGP"):
            left = None
            out.append("[...]")
        if left is None or left > 0:
            out.append(line)
        if left:
            left -= 1
    return "\n".join(out)


class Tour:
    def __init__(self):
        self.rig = rig.Rig()
        self.sink = smtp.Sink()
        self.rig.at_exit(self.sink.close)
        self.daemon = rig.Sealmilter(self.rig, "try")
        # The built-in defaults for all but where things are.
        self.daemon.options = {
            "socket": "unix:" + self.rig.path("milter.sock"),
            "socket_mode": "0666",
            "user": "nobody",
            "state": self.daemon.state,
            "domains": ["example.org"],
        }
        self.daemon.socket = self.rig.path("milter.sock")
        self.daemon.configure()
        shutil.chown(self.daemon.state, "nobody",
                     pwd.getpwnam("nobody").pw_gid)
        # A daemon that is nobody makes its socket here.
        os.chmod(self.rig.dir, 0o1777)

    def command(self, *words):
        """A sealctl command as one would type it, and what it says."""
        print("    $ sealctl " + " ".join(
            os.path.basename(word) if os.sep in word else word
            for word in words))
        status, out, err = self.daemon.ctl(*words, check=False)
        show(out + err, "      ")
        expect(status == 0, "status %d" % status)

    def start(self):
        title("1. The set-up")
        say("""A Postfix of its own on a loopback port, with one line for
            sealmilter, relays all it takes to a program that plays the
            recipients' mail server and keeps what it gets. The whole
            configuration of sealmilter is:""")
        show(rig.config_text(self.daemon.options))
        say("""There is no policy in it, so the built-in one holds: mail is
            sealed, or it is refused; nothing leaves in clear. Anna and Ben
            have made themselves OpenPGP keys; their public keys are all that
            the server needs:""")
        self.keys = sealed.Keys(self.rig).make(ANNA, BEN)
        self.command("key", "import", self.keys.public(ANNA),
                     self.keys.public(BEN))
        self.command("key", "list")
        self.daemon.start()
        self.mta = mtas.Postfix(self.rig, self.daemon.milter(),
                                self.sink.port)
        self.mta.start()
        say("And the line for Postfix (main.cf):")
        show("smtpd_milters = %s\nnon_smtpd_milters = $smtpd_milters\n"
             "milter_default_action = tempfail" % self.daemon.milter())
        say("""Is it all as it should be? That is what a new installation is
            asked first:""")
        self.command("check", "--postfix", self.mta.etc)

    def send(self, message, recipients):
        print("Sent, to %s:\n" % " and ".join(recipients))
        show(message)
        sent = smtp.send(self.mta.port, message, recipients)
        self.mta.idle()
        print("Postfix answered:\n")
        for recipient, reply in zip(recipients, sent.replies[1:]):
            show("RCPT TO:<%s>\n  %r" % (recipient, reply))
        if any(reply.code == 250 for reply in sent.replies[1:]):
            show("(end of the message)\n  %r" % sent.final)
        return sent, self.sink.take()

    def opened(self, arrival):
        print("What gpg, with %s, makes of it:\n" %
              "the secret keys of Anna and Ben")
        armor = sealed.armor_of(arrival.raw)
        _, out, err = self.keys.gpg("--verbose", "-d", input=armor)
        show("\n".join(line for line in err.decode("utf-8", "replace")
                       .splitlines() if "encrypted with" in line or
                       "public key is" in line))
        show(out)
        return out

    def with_keys(self):
        title("2. Mail to two people with keys")
        text = "Hi both,\nthe vault opens at nine. Gr\u00fc\u00dfe, Sam"
        message = letter((ANNA, BEN), "The vault", text)
        sent, arrivals = self.send(message, [ANNA, BEN])
        expect(sent.code == 250 and len(arrivals) == 1, "not delivered")
        print("What left the server (the armor is shortened):\n")
        show(shortened(arrivals[0].raw))
        expect(b"vault" not in arrivals[0].raw, "readable text outside")
        payload = self.opened(arrivals[0])
        expect(sealed.split(payload)[1] == sealed.split(message)[1],
               "another body than the one that was sent")
        say("""The body is what was sent, octet for octet, and so is the real
            Subject; outside it says [...]. Mail programs that know protected
            headers show the real one.""")

    def without_key(self):
        title("3. Mail to somebody without a key")
        message = letter((CARLA,), "For Carla", "Hi Carla, it is 4711.")
        sent, arrivals = self.send(message, [CARLA])
        expect(sent.code == 550 and not arrivals, "not refused")
        say("""Refused while the sender still listens, with the reason;
            nothing was queued.""")

    def with_clear(self):
        title("4. The same with a policy that allows clear mail")
        say("""A site may prefer clear mail to no mail. The configuration
            gets a policy, and the daemon a SIGHUP:""")
        policy = ({"name": "everyone", "seal": ["openpgp", "clear"]},)
        self.daemon.configure(policy=policy)
        show("policy = %s;" % rig.libconfig(policy))
        self.command("policy", "explain", "--from", "sam@client.example",
                     "--to", CARLA)
        self.daemon.process.send_signal(signal.SIGHUP)
        rig.wait_for(self.is_allowed, "the new policy")
        message = letter((CARLA,), "For Carla", "Hi Carla, it is 4711.")
        sent, arrivals = self.send(message, [CARLA])
        expect(sent.code == 250 and len(arrivals) == 1, "not delivered")
        print("What left the server:\n")
        show(arrivals[0].raw)
        message = letter((ANNA,), "For Anna", "Hi Anna, it is 4711.")
        sent, arrivals = self.send(message, [ANNA])
        print("Anna has a key, so hers left sealed:\n")
        show(shortened(arrivals[0].raw))
        payload = self.opened(arrivals[0])
        expect(b"4711" in payload and b"4711" not in arrivals[0].raw,
               "not sealed")

    def with_copies(self):
        title("5. Both in one message: copies")
        say("""So far, sealmilter changes a message where it is, and there is
            one for all. Anna is to get it sealed and Carla cannot, so one
            message to both is refused:""")
        text = "Hi both,\nit is 4711."
        message = letter((ANNA, CARLA), "For both", text)
        sent, arrivals = self.send(message, [ANNA, CARLA])
        expect(sent.code == 550 and not arrivals, "not refused")
        say("""A listener more in Postfix (master.cf) that does not ask
            sealmilter, and an option that names it:""")
        self.mta.inject_port = rig.free_port()
        self.mta.reload()
        rig.wait_for(lambda: rig.accepts(("127.0.0.1",
                                          self.mta.inject_port)),
                     "the listener for copies")
        inject = "smtp://127.0.0.1:%d" % self.mta.inject_port
        self.daemon.configure(inject=inject)
        show(self.mta.injection())
        show("inject = %s;" % rig.libconfig(inject))
        before = self.daemon.log_size()
        self.daemon.process.send_signal(signal.SIGHUP)
        self.daemon.wait_log("the configuration was read again", before)
        self.command("check", "--postfix", self.mta.etc)
        sent, arrivals = self.send(message, [ANNA, CARLA])
        expect(sent.code == 250 and len(arrivals) == 2, "not delivered")
        for arrival in arrivals:
            print("To %s:\n" % b" and ".join(
                rcpt.split(b">")[0].split(b"<")[1]
                for rcpt in arrival.rcpts).decode())
            show(shortened(arrival.raw))
        is_sealed = sorted(b"4711" not in each.raw for each in arrivals)
        expect(is_sealed == [False, True], "not one sealed, one clear")
        say("""The original was discarded. Anna's copy would have been sealed
            alone, had she stood in Bcc.""")

    def is_allowed(self):
        with smtp.Client(self.mta.port) as client:
            return client.envelope("sam@client.example",
                                   [CARLA])[1].code == 250

    def end(self):
        title("That is all")
        if surprises:
            print("Not everything went as told: %s.\nThe daemon's log:\n" %
                  "; ".join(surprises))
            show(self.daemon.log())
            return 1
        say("""Postfix, sealmilter, keys and mail of this tour are gone now.
            The file README tells how to set it up for good.""")
        return 0


def main():
    why = mtas.missing(mtas.Postfix)
    if why:
        print("This cannot be shown here: %s." % why)
        return 1
    tour = Tour()
    tour.start()
    tour.with_keys()
    tour.without_key()
    tour.with_clear()
    tour.with_copies()
    return tour.end()


if __name__ == "__main__":
    sys.exit(main())
