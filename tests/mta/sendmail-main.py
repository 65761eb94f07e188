#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of cases.py on a real Sendmail 8.17."""
import sys

from cases import main
from mtas import Sendmail
from rig import read_file


def check_reads_the_configuration(w):
    """sealctl check on this very sendmail.cf, and without F=T in it."""
    status, out, err = w.daemon.ctl("check", "--sendmail", w.mta.cf,
                                    check=False)
    w.tap.ok(status == 0 and b"Sendmail" in out,
             "sealctl check is content with this Sendmail", status, out, err)
    cf = read_file(w.mta.cf, "r")
    assert ", F=T," in cf
    changed = w.rig.write("changed.cf", cf.replace(", F=T,", ","))
    status, out, err = w.daemon.ctl("check", "--sendmail", changed,
                                    check=False)
    w.tap.ok(status == 1 and b"F=T" in out,
             "sealctl check warns of a filter without F=T", status, out, err)


if __name__ == "__main__":
    sys.exit(main(Sendmail, check_reads_the_configuration))
