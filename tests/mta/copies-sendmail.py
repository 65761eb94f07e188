#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of copycases.py on a real Sendmail."""
import sys

from cases import main
from copycases import CASES
from mtas import Sendmail
from rig import read_file


def check_reads_the_configuration(w):
    """sealctl check on this very sendmail.cf, and on ones that are wrong."""
    status, out, err = w.daemon.ctl("check", "--sendmail", w.mta.cf,
                                    check=False)
    w.tap.ok(status == 0 and b"takes the copies, and does not ask" in
             b" ".join(out.split()),
             "sealctl check is content with this Sendmail", status, out, err)
    cf = read_file(w.mta.cf, "r")
    daemon, = [line for line in cf.splitlines()
               if "Port=%d" % w.mta.inject_port in line]
    for what, old, new, told in (
            ("a daemon for copies that has the milter", daemon,
             daemon.replace(", InputMailFilters=", ""),
             b"would come back for ever"),
            ("no daemon for copies", daemon + "\n", "",
             b"no DaemonPortOptions has that port"),
            ("a daemon for copies that others reach", daemon,
             daemon.replace("Addr=127.0.0.1", "Addr=0.0.0.0"),
             b"other hosts reach it"),
            ("SuperSafe off", "O SuperSafe=", "O SuperSafe=False #",
             b"a crash loses mail")):
        assert old in cf, old
        changed = w.rig.write("changed.cf", cf.replace(old, new))
        status, out, err = w.daemon.ctl("check", "--sendmail", changed,
                                        check=False)
        w.tap.ok(status == 1 and told in b" ".join(out.split()),
                 "sealctl check warns of " + what, status, out, err)


if __name__ == "__main__":
    sys.exit(main(Sendmail, check_reads_the_configuration, cases=CASES,
                  copies=True))
