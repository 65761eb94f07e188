#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The cases of copycases.py on a real Sendmail."""
import sys

from cases import main
from copycases import CASES
from mtas import Sendmail

if __name__ == "__main__":
    sys.exit(main(Sendmail, cases=CASES, copies=True))
