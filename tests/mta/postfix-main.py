#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of cases.py on a real Postfix, and mail from sendmail(1)."""
import os
import shutil
import sys

from cases import main
from mtas import Postfix


def mail_from_a_program(w):
    """non_smtpd_milters: addresses come without brackets, and a refusal at
    RCPT would leave the mail in maildrop for ever."""
    message = w.mail(to="bob@example.org")
    w.mta.submit(message, ["bob@example.org"])
    w.sink.wait(1)
    arrivals = w.arrived()
    # pickup adds what a local program left out; it is all there already.
    w.sealed_ok("mail from sendmail(1) is sealed to bob and to no stranger",
                arrivals, message, "bob@example.org")
    # Postfix returns a refused message to its sender: no secrets in these.
    before = len(w.mta.log())
    w.mta.submit(w.mail(to="nokey@example.org", mark=w.public_word()),
                 ["nokey@example.org"])
    refusal = w.mta.wait_log("milter-reject: END-OF-MESSAGE", before)
    w.sink.wait(1)
    returned = w.arrived()
    w.tap.ok("5.7.1" in refusal and "nokey@example.org" in refusal,
             "without a key it is refused at its end, not left in maildrop",
             refusal)
    w.tap.ok(len(returned) == 1 and
             returned[0].rcpts[0].startswith(b"RCPT TO:<local@client."),
             "its sender hears of it, and only its sender",
             *[a.rcpts for a in returned])
    before = len(w.mta.log())
    w.mta.submit(w.mail(to="ice@example.org", mark=w.public_word()),
                 ["ice@example.org"])
    refusal = w.mta.wait_log("milter-reject: END-OF-MESSAGE", before)
    w.sink.wait(1)
    w.arrived()
    w.tap.ok("ice@example.org" in refusal,
             "ice@ is not alice@ without brackets either", refusal)


def check_reads_the_configuration(w):
    """sealctl check on this very Postfix, good and bad."""
    status, out, err = w.daemon.ctl("check", "--postfix", w.mta.etc,
                                    check=False)
    w.tap.ok(status == 0 and b"Postfix" in out,
             "sealctl check is content with this Postfix", status, out, err)
    for setting, value, told in (
            ("milter_default_action", "accept", b"tempfail"),
            ("smtpd_milters", "", b"smtpd_milters")):
        changed = w.rig.make_dir("checked")
        for name in ("main.cf", "master.cf"):
            shutil.copy(os.path.join(w.mta.etc, name), changed)
        w.rig.run(["postconf", "-c", changed, "-e",
                   "%s = %s" % (setting, value)])
        status, out, err = w.daemon.ctl("check", "--postfix", changed,
                                        check=False)
        w.tap.ok(status == 1 and told in out,
                 "sealctl check warns of %s = %s" % (setting, value),
                 status, out, err)


if __name__ == "__main__":
    sys.exit(main(Postfix, mail_from_a_program,
                  check_reads_the_configuration))
