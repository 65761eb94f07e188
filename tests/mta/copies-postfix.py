#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of copycases.py on a real Postfix, mail from sendmail(1), an
injection listener that has our own milter, and the lines of contrib/postfix
as they stand there."""
import json
import os
import re
import shutil
import sys

import rig
from cases import main
from copycases import CASES, to
from mtas import Postfix, sample


def mail_from_a_program(w):
    word = w.public_word()
    message = w.mail(to="bob@example.org, dave@maybe.example", mark=word)
    w.mta.submit(message, ["bob@example.org", "dave@maybe.example"])
    w.sink.wait(2)
    arrivals = w.arrived()
    w.sealed_ok("mail from sendmail(1) is sealed in a copy",
                to(arrivals, "bob@example.org"), message, "bob@example.org")
    w.tap.ok(len(to(arrivals, "dave@maybe.example")) == 1,
             "and clear in another", *[a.rcpts for a in arrivals])


def a_listener_with_our_milter(w):
    """Copies would come back for ever: the daemon says so and ends."""
    w.mta.injection_milters = w.daemon.milter()
    w.mta.reload()

    def check_says_so():
        status, out, _ = w.daemon.ctl("check", "--postfix", w.mta.etc,
                                      check=False)
        return status == 1 and b"sealmilter itself is on the injection " \
            b"listener" in b" ".join(out.split())
    rig.wait_for(check_says_so, "what sealctl check says of a listener")
    w.tap.ok(True, "sealctl check asks the listener, and hears who is on it")
    w.daemon.stop()
    before = w.daemon.log_size()
    try:
        w.daemon.start()
        told = "it started"
    except RuntimeError as e:
        told = str(e)
    w.tap.ok("ended with %d" % os.EX_CONFIG in told and
             "sealmilter itself is on the listener" in
             w.daemon.log()[before:],
             "with our milter on the injection listener it does not start",
             told)
    w.daemon.process = None
    w.mta.injection_milters = ""
    w.mta.reload()
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("without it, it does", arrivals, message,
                "alice@example.org")


def no_listener_yet(w):
    """Started before the MTA: mail waits until it can be checked."""
    inject = w.daemon.options["inject"]
    w.daemon.configure(inject="smtp://127.0.0.1:%d" % rig.free_port())
    w.daemon.restart()
    sent, arrivals = w.deliver(w.mail(), "alice@example.org")
    w.refused("without a listener sealed mail is deferred", sent, arrivals,
              451)
    word = w.public_word()
    sent, arrivals = w.deliver(w.mail(to="dave@maybe.example", mark=word),
                               "dave@maybe.example")
    w.tap.ok(sent.code == 250 and len(arrivals) == 1,
             "and clear mail goes on", sent)
    w.daemon.configure(inject=inject)
    w.daemon.restart()


# --- What administrators copy

ALIASES = "club@maybe.example x@maybe.example, y@maybe.example\n"


def complaints(w, etc):
    """What sealctl check says that is worse than a note."""
    _, out, err = w.daemon.ctl("check", "--json", "--postfix", etc,
                               check=False)
    try:
        return ["%(level)s: %(text)s" % each
                for each in json.loads(out)["findings"]
                if each["level"] not in ("ok", "note")]
    except ValueError:
        return [out, err]


def put_samples_in_place(w):
    """The lines of contrib/postfix with other ports and another socket."""
    where = w.rig.make_dir("postfix.queue", "sealmilter")
    socket = "unix:" + os.path.join(where, "milter.sock")
    main_cf = sample("postfix", "main.cf.example")
    assert "{ unix:/run/sealmilter/milter.sock," in main_cf
    main_cf = main_cf.replace("unix:/run/sealmilter/milter.sock", socket)
    main_cf += "recipient_delimiter = +\nvirtual_alias_maps = texthash:%s\n" \
        % w.rig.write("aliases", ALIASES)
    ours = re.findall(r"^(\w+) *=", main_cf, re.M)
    path = os.path.join(w.mta.etc, "main.cf")
    site = [line for line in rig.read_file(path, "r").splitlines(True)
            if line.split(" = ")[0] not in ours]
    w.rig.write("postfix/main.cf", "".join(site) + main_cf)
    master_cf = sample("postfix", "master.cf.example")
    for name, port in (("submission inet", rig.free_port()),
                       ("127.0.0.1:10026 inet", w.mta.inject_port)):
        assert "\n%s " % name in master_cf
        master_cf = master_cf.replace("\n%s " % name,
                                      "\n127.0.0.1:%d inet " % port)
    w.rig.write("postfix/master.cf",
                w.mta.MASTER.format(port=w.mta.port) + master_cf)
    return socket


def the_samples_are_enough(w):
    w.mta.stop()
    w.daemon.stop()
    before = w.daemon.options["socket"]
    w.daemon.configure(socket=put_samples_in_place(w))
    w.daemon.start()
    w.mta.start()
    found = complaints(w, w.mta.etc)
    w.tap.ok(not found, "with the lines of contrib/postfix, sealctl check "
             "has nothing to say against delivery by copies", *found)
    inject = w.daemon.options["inject"]
    w.daemon.configure(delivery="edit", inject=None)
    found = complaints(w, w.mta.etc)
    w.tap.ok(not found, "nor against edits", *found)
    w.daemon.configure(delivery="reinject", inject=inject)
    mapped_once(w)
    changes_are_seen(w)
    w.daemon.stop()
    w.mta.stop()
    w.mta.configure()
    w.daemon.configure(socket=before)
    w.daemon.start()
    w.mta.start()


def mapped_once(w):
    """Aliases, for what is sent in copies and for what goes on in clear."""
    word = w.public_word()
    message = w.mail(to="alice@example.org, club@maybe.example", mark=word)
    sent, arrivals = w.deliver(message, ["alice@example.org",
                                         "club@maybe.example"])
    w.sealed_ok("and they deliver sealed copies",
                to(arrivals, "alice@example.org"), message,
                "alice@example.org")
    for address in ("x@maybe.example", "y@maybe.example"):
        w.tap.ok(sent.code == 250 and len(to(arrivals, address)) == 1 and
                 len(arrivals) == 2, "an alias holds for a copy, once: " +
                 address, sent, *[a.rcpts for a in arrivals])
    message = w.mail(to="club@maybe.example", mark=word)
    sent, arrivals = w.deliver(message, "club@maybe.example")
    w.tap.ok(sent.code == 250 and len(arrivals) == 1 and
             len(arrivals[0].rcpts) == 2,
             "and for what goes on in clear, once", sent,
             *[a.rcpts for a in arrivals])


def changes_are_seen(w):
    service = "127.0.0.1:%d/inet" % w.mta.inject_port
    front = "127.0.0.1:%d/inet" % w.mta.port
    for option, told in (
            (("-P", service + "/smtpd_milters=" + w.daemon.milter()),
             b"would come back for ever"),
            (("-F", service + "/process_limit=20"), b"20 processes at most"),
            (("-P", service + "/receive_override_options="
              "no_address_mappings"), b"has no_address_mappings"),
            (("-P", front + "/receive_override_options="
              "no_address_mappings"), b"has no_address_mappings"),
            (("-MX", service), b"no smtpd in master.cf listens there")):
        changed = w.rig.make_dir("checked")
        for name in ("main.cf", "master.cf"):
            shutil.copy(os.path.join(w.mta.etc, name), changed)
        w.rig.run(["postconf", "-c", changed] + list(option))
        status, out, err = w.daemon.ctl("check", "--postfix", changed,
                                        check=False)
        w.tap.ok(status == 1 and told in b" ".join(out.split()),
                 "sealctl check warns of postconf " + " ".join(option),
                 status, out, err)


def what_check_tells_helps(w):
    """The command it prints for a listener that is not there makes one that
    it is content with."""
    changed = w.rig.make_dir("advised")
    for name in ("main.cf", "master.cf"):
        shutil.copy(os.path.join(w.mta.etc, name), changed)
    w.rig.run(["postconf", "-c", changed, "-MX",
               "127.0.0.1:%d/inet" % w.mta.inject_port])
    _, out, _ = w.daemon.ctl("check", "--postfix", changed, check=False)
    advice = re.search(r"postconf -Me '([^']*)'", " ".join(
        out.decode().split()).replace(", no_", ",no_"))
    w.tap.ok(advice, "a listener that is not there is told as a command", out)
    w.rig.run(["postconf", "-c", changed, "-Me", advice.group(1)])
    found = [line for line in complaints(w, changed)
             if "recipient_delimiter" not in line]
    w.tap.ok(not found, "which makes one that is right", *found)


def over_a_unix_socket(w):
    etc = os.path.join(w.mta.etc, "master.cf")
    master_cf = rig.read_file(etc, "r")
    w.rig.write("postfix/master.cf", master_cf.replace(
        "127.0.0.1:%d inet n " % w.mta.inject_port, "seal unix n "))
    w.rig.run(["postfix", "-c", w.mta.etc, "reload"], check=False)
    path = os.path.join(w.mta.queue, "public", "seal")
    rig.wait_for(lambda: rig.accepts(path), "the socket for copies")
    inject = w.daemon.options["inject"]
    w.daemon.configure(inject="unix:" + path)
    w.daemon.restart()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("copies go over a unix socket as well", arrivals, message,
                "alice@example.org")
    found = [line for line in complaints(w, w.mta.etc)
             if "recipient_delimiter" not in line]
    w.tap.ok(not found, "and sealctl check finds that service", *found)
    w.daemon.configure(inject=inject)
    w.mta.reload()
    rig.wait_for(lambda: rig.accepts(("127.0.0.1", w.mta.inject_port)),
                 "the port for copies")
    w.daemon.restart()


if __name__ == "__main__":
    sys.exit(main(Postfix, mail_from_a_program, no_listener_yet,
                  a_listener_with_our_milter, over_a_unix_socket,
                  what_check_tells_helps, the_samples_are_enough,
                  cases=CASES, copies=True))
