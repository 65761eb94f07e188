#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs a command on a terminal of its own, and types.

    terminal.py TYPED SCREEN OUT COMMAND [ARGUMENT...]

TYPED has backslash escapes; a line of it is typed when the screen shows a
prompt, which ends in ": ". SCREEN becomes what the terminal showed, OUT what
went to standard output, which is no terminal. Says last in SCREEN whether the
echo is on. The exit status is that of the command, or 128 and the signal.
"""

import os
import pty
import signal
import sys
import termios

typed, screen, out = sys.argv[1:4]
lines = typed.encode().decode("unicode_escape").encode("latin-1")
lines = lines.splitlines(keepends=True)

signal.alarm(60)        # rather than for ever
pid, fd = pty.fork()
if pid == 0:
    # A shell in the background had them ignored.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(file, 1)
    os.execv(sys.argv[4], sys.argv[4:])

seen = b""
answered = 0
while True:
    try:
        data = os.read(fd, 1024)
    except OSError:     # EIO: nobody has it open any more
        break
    if not data:
        break
    seen += data
    # Whoever prompts has turned the echo off before.
    while seen.count(b": ") > answered:
        answered += 1
        if lines:
            os.write(fd, lines.pop(0))
echo = "?"
try:
    echo = "ON" if termios.tcgetattr(fd)[3] & termios.ECHO else "OFF"
except termios.error:
    pass
_, status = os.waitpid(pid, 0)
with open(screen, "wb") as file:
    file.write(seen + b"\nECHO " + echo.encode() + b"\n")
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
