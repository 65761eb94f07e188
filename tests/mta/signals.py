#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a service: reload, stop, start over, sockets, strange peers.

In:    signals, configuration files, connections.
Out:   what the manual promises about them, under a real Postfix.
Never: lets a message under way suffer.
"""
import ctypes
import os
import re
import signal
import socket
import struct
import sys
import time

import mtas
import rig
import sealed
import smtp
from world import POLICY, World, need

SHUT = tuple(dict(rule, seal=["refuse"]) for rule in POLICY)


def open_transaction(w, recipient="alice@example.org"):
    client = smtp.Client(w.mta.port)
    client.envelope("sender@client.example", [recipient])
    return client


def reload(w, text=""):
    """SIGHUP, and what is logged next (with that text)."""
    before = w.daemon.log_size()
    w.daemon.process.send_signal(signal.SIGHUP)

    def said():
        new = rig.read_file(w.daemon.log_path)[before:].decode()
        return new if text in new and new.endswith("\n") else None
    return rig.wait_for(said, "%r in the log" % text)


def rcpt_code(w):
    """What the policy of now says to alice; no message is sent."""
    try:
        with smtp.Client(w.mta.port) as client:
            return client.envelope("sender@client.example",
                                   ["alice@example.org"])[-1].code
    except ConnectionError:
        return 421


def hangup(w):
    client, message = open_transaction(w), w.mail()
    w.daemon.configure(policy=SHUT)
    reload(w)
    rig.wait_for(lambda: rcpt_code(w) == 550, "the new policy")
    w.tap.ok(True, "SIGHUP: the new policy holds for the next message")
    reply = client.data(message)
    client.close()
    arrivals = w.arrived()
    w.tap.equal(reply.code, 250,
                "a message under way keeps the policy it began with")
    w.sealed_ok("and is sealed", arrivals, message, "alice@example.org")
    w.daemon.configure(policy=POLICY)
    reload(w)
    rig.wait_for(lambda: rcpt_code(w) == 250, "the old policy")


def hangup_opens_the_policy(w):
    """A connection from when nothing passed clear, so that the end of a
    header got no answer."""
    w.daemon.configure(policy=tuple(rule for rule in POLICY
                                    if "clear" not in rule["seal"]))
    reload(w)
    client = smtp.Client(w.mta.port)
    code = client.envelope("sender@client.example",
                           ["dave@maybe.example"])[-1].code
    w.tap.equal(code, 550, "where nothing passes clear, nothing does")
    client.command("RSET")
    w.daemon.configure(policy=POLICY)
    reload(w)
    message = w.mail(to="dave@maybe.example", mark=w.public_word())
    client.envelope("sender@client.example", ["dave@maybe.example"])
    reply = client.data(message)
    client.close()
    arrivals = w.arrived()
    w.tap.ok(reply.code == 250 and len(arrivals) == 1 and
             arrivals[0].raw.endswith(sealed.split(message)[1]),
             "after a SIGHUP it passes, in a connection from before",
             reply, arrivals)


def hangup_with_a_broken_file(w):
    pids = w.daemon.pids()
    for what, text in (
            ("that does not parse", "policy = ( { seal = [ \"clear\" ; } );"),
            ("with an option nobody knows", "no_such_option = true;\n"),
            ("with a form nobody knows",
             "policy = ( { seal = [ \"rot13\" ]; } );\n"),
            ("that is empty of sense", "socket = 7;\n"),
            ("that is gone", None)):
        good = rig.read_file(w.daemon.config_path)
        if text is None:
            os.unlink(w.daemon.config_path)
        else:
            # The last assignment of a name twice is an error as well.
            keep = "" if "socket" in text or "policy" in text else \
                good.decode()
            w.rig.write("seal.conf", keep + text)
        said = reload(w, "seal.conf")
        message = w.mail()
        sent, arrivals = w.deliver(message, "alice@example.org")
        w.sealed_ok("SIGHUP with a file %s: the old policy stays" % what,
                    arrivals, message, "alice@example.org")
        sent, _ = w.deliver(w.mail(), "nokey@example.org")
        w.tap.ok(sent.code == 550 and w.daemon.pids() == pids and
                 (text is None or re.search(r"seal\.conf:\d+", said)),
                 "and the log says which line is wrong", sent, said)
        status, _, err = w.daemon.rig.run(
            [rig.SEALMILTER, "-t", "-c", w.daemon.config_path], check=False)
        w.tap.ok(status != 0 and b"seal.conf" in err,
                 "sealmilter -t refuses a file " + what, status, err)
        w.rig.write("seal.conf", good)
    status, _, err = w.daemon.rig.run(
        [rig.SEALMILTER, "-t", "-c", w.daemon.config_path], check=False)
    w.tap.ok(status == 0, "sealmilter -t takes a good one", err)
    status, out, err = w.daemon.rig.run([rig.SEALMILTER, "-V"], check=False)
    w.tap.ok(status == 0 and re.search(rb"sealmilter \d+\.\d+", out + err),
             "sealmilter -V tells its version", status, out, err)
    reload(w)


def hangups_in_a_row(w):
    """While mail flows."""
    codes = []
    for _ in range(30):
        w.daemon.process.send_signal(signal.SIGHUP)
        message = w.mail()
        sent, arrivals = w.deliver(message, "alice@example.org")
        codes.append((sent.code, len(arrivals),
                      all(sealed.is_sealed(a.raw) for a in arrivals)))
    w.tap.equal(codes, [(250, 1, True)] * 30,
                "30 SIGHUPs between 30 messages disturb none")


def stays(process, seconds):
    """That nothing happens can only be seen by waiting."""
    try:
        rig.wait_for(lambda: process.poll() is not None, "its end", seconds)
    except TimeoutError:
        return True
    return False


def termination(w):
    """SIGTERM when the end of a message waits for gpg."""
    gate = w.rig.path("gate")
    os.mkfifo(gate)
    script = w.rig.write("gpg-waits", """#!/bin/sh
case " $* " in
*" --encrypt "*|*" -e "*) : > %s; read go < %s ;;
esac
exec gpg "$@"
""" % (w.rig.path("gpg-is-there"), gate), 0o755)
    w.daemon.stop()
    w.daemon.configure(gpg=script, openpgp_engine="gnupg")
    w.daemon.start()
    message = w.mail()
    client = open_transaction(w)
    client.command("DATA")
    client.send(smtp.stuff(message))
    client.finish_data(message)
    rig.wait_for(lambda: os.path.exists(w.rig.path("gpg-is-there")),
                 "gpg being run")
    process = w.daemon.process
    before = len(w.daemon.log())
    process.send_signal(signal.SIGTERM)
    w.daemon.wait_log("finishing", before)
    w.tap.ok(stays(process, 2),
             "SIGTERM: the daemon waits for the message under way")
    # Not waiting for a gpg that is gone against the promise.
    go = os.open(gate, os.O_RDWR | os.O_NONBLOCK)
    os.write(go, b"go\n")
    reply = client.reply()
    os.close(go)
    client.close()
    arrivals = w.arrived()
    w.tap.equal(reply.code, 250, "which is taken")
    w.sealed_ok("and sealed", arrivals, message, "alice@example.org")
    rig.wait_for(lambda: process.poll() is not None, "the daemon's end", 30)
    w.tap.equal(process.returncode, 0, "then it ends with status 0")
    w.tap.ok(not os.path.exists(w.daemon.options["pid_file"]) and
             not os.path.exists(w.daemon.socket),
             "and leaves neither pid file nor socket")
    w.daemon.process = None
    w.daemon.configure(gpg=None, openpgp_engine=None)
    sent, arrivals = w.deliver(w.mail(), "alice@example.org")
    w.tap.ok(400 <= sent.code < 500 and not arrivals,
             "while it is away, the MTA answers 4xx", sent)
    w.daemon.start()


def pid_file(w):
    text = rig.read_file(w.daemon.options["pid_file"], "r")
    w.tap.ok(text.strip().isdigit() and int(text) in w.daemon.pids(),
             "the pid file names the daemon", text, w.daemon.pids())
    os.kill(int(text), signal.SIGTERM)
    process = w.daemon.process
    rig.wait_for(lambda: process.poll() is not None, "the daemon's end", 30)
    w.tap.equal(process.returncode, 0, "SIGTERM to that pid ends it")
    w.daemon.process = None
    w.daemon.start()


def scheduling(w):
    def of_filter():
        return {os.sched_getscheduler(int(thread))
                for pid in w.daemon.pids() if pid != w.daemon.process.pid
                for thread in os.listdir("/proc/%d/task" % pid)}
    w.tap.equal(of_filter(), {os.SCHED_BATCH},
                "whom the filter wakes, or is woken by, goes on first")
    w.daemon.stop()
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        w.daemon.start()
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    w.tap.equal(of_filter(), {os.SCHED_FIFO},
                "what an administrator chose stays")


def stale_socket(w):
    w.daemon.kill9()
    w.tap.ok(os.path.exists(w.daemon.socket),
             "a daemon that was killed leaves its socket")
    w.daemon.start()
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("which is no obstacle to the next", arrivals, message,
                "alice@example.org")


def second_daemon(w):
    other = rig.Sealmilter(w.rig, "other", socket=w.daemon.options["socket"],
                           policy=POLICY)
    try:
        other.start()
        # accepts() was answered by the first; the second must give up.
        rig.wait_for(lambda: other.process.poll() is not None,
                     "the second daemon's end", 20)
        status = other.process.returncode
    except RuntimeError:
        status = other.process.returncode
    other.stop()
    w.tap.ok(status != 0, "a second daemon does not take the socket away",
             status, other.log())
    message = w.mail()
    _, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("and the first works on", arrivals, message,
                "alice@example.org")


# --- Strange peers (gwmilter row B)

def resets(port, count):
    """Connections that are reset at once."""
    for _ in range(count):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        try:
            s.connect(("127.0.0.1", port))
        except OSError:
            pass
        s.close()


def packet(command, data=b""):
    return struct.pack("!I", len(data) + 1) + command + data


def talk(w, *packets):
    """Says that to the daemon's socket; what it says within a second."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(1)
        s.connect(w.daemon.socket)
        try:
            for each in packets:
                s.sendall(each)
            return s.recv(65536)
        except OSError:
            return b""


OFFER = packet(b"O", struct.pack("!III", 6, 0x1ff, 0x1fffff))


def strange_peers(w):
    pids = w.daemon.pids()
    resets(w.mta.port, 200)
    message = w.mail()
    sent, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("200 clients that reset the connection at once do no harm",
                arrivals, message, "alice@example.org")
    talk(w, OFFER, packet(b"C", b"unknown\0U"), packet(b"H", b"\0"),
         packet(b"M", b"<>\0"), packet(b"R", b"<alice@example.org>\0"))
    talk(w, OFFER, packet(b"C", b"\0U"), packet(b"M", b"\0"),
         packet(b"R", b"\0"), packet(b"E", b""))
    talk(w, OFFER, packet(b"L", b"Subject\0x\0"), packet(b"E", b""))
    talk(w, OFFER, packet(b"R", b"no envelope\0"), packet(b"B", b"body"))
    talk(w, struct.pack("!I", 0xffffffff) + b"O")
    talk(w, struct.pack("!I", 0))
    talk(w, b"EHLO wrong.protocol\r\n")
    talk(w, OFFER[:7])
    message = w.mail()
    sent, arrivals = w.deliver(message, "alice@example.org")
    w.sealed_ok("nor do peers without an address, envelope or manners",
                arrivals, message, "alice@example.org")
    w.tap.equal(w.daemon.pids(), pids, "it is still the same process")


# --- inet

def socket_option(pid, fd, level, option):
    """Of a socket in another process (pidfd_getfd, Linux 5.6)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.pidfd_open(pid)
    try:
        copy = libc.syscall(438, handle, fd, 0)
    finally:
        os.close(handle)
    if copy < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    with socket.socket(fileno=copy) as s:
        return s.getsockopt(level, option)


def connections(pid, port):
    """File descriptors of the daemon's accepted TCP connections."""
    inodes = set()
    for line in rig.read_file("/proc/net/tcp", "r").splitlines()[1:]:
        column = line.split()
        if int(column[1].split(":")[1], 16) == port and column[3] == "01":
            inodes.add("socket:[%s]" % column[9])
    found = []
    for fd in os.listdir("/proc/%d/fd" % pid):
        try:
            if os.readlink("/proc/%d/fd/%s" % (pid, fd)) in inodes:
                found.append(int(fd))
        except FileNotFoundError:
            pass
    return found


def reply_time(w):
    """From the last dot to the reply."""
    with smtp.Client(w.mta.port) as client:
        client.envelope("sender@client.example", ["alice@example.org"])
        client.command("DATA")
        message = w.mail()
        client.send(message)
        start = time.monotonic()
        client.finish_data(message)
        client.reply()
        return time.monotonic() - start


def inet_socket(w):
    port = rig.free_port()
    w.daemon.stop()
    w.daemon.configure(socket="inet:%d@127.0.0.1" % port)
    w.daemon.start()
    w.mta.milter = w.daemon.milter()
    w.mta.reload()

    # Postfix goes by its old configuration until it has read the new one.
    rig.wait_for(lambda: rcpt_code(w) == 250, "Postfix to come over inet")
    client = open_transaction(w)
    try:
        options = [socket_option(pid, fd, socket.IPPROTO_TCP,
                                 socket.TCP_NODELAY)
                   for pid in w.daemon.pids()
                   for fd in connections(pid, port)]
        w.tap.ok(options and all(options),
                 "TCP_NODELAY is set on connections over inet", options)
    except OSError as e:
        w.tap.note("cannot look at the daemon's sockets: %s" % e)
        # Postfix's own Nagle costs 40 ms; that of the daemon as much again.
        quickest = min(reply_time(w) for _ in range(10))
        w.tap.ok(quickest < 0.07, "no reply over inet waits for Nagle",
                 "%.3f s" % quickest)
    message = w.mail()
    reply = client.data(message)
    client.close()
    arrivals = [a for a in w.arrived() if sealed.values(a.raw, "Message-ID")
                == sealed.values(message, "Message-ID")]
    w.tap.equal(reply.code, 250, "inet: mail is taken")
    w.sealed_ok("inet: and sealed", arrivals, message, "alice@example.org")


CASES = (hangup, hangup_opens_the_policy, hangup_with_a_broken_file,
         hangups_in_a_row, termination, pid_file, scheduling, stale_socket,
         second_daemon, strange_peers, inet_socket)


def main():
    need(mtas.Postfix)
    tap = rig.Tap()
    w = World(tap, mtas.Postfix, keys=("alice@example.org",))
    good = dict(w.daemon.options)
    for case in CASES:
        tap.run(case, w)
        # What a case that broke off has left.
        w.daemon.stop()
        w.daemon.options = dict(good)
        w.daemon.configure()
        w.daemon.start()
    w.nothing_strayed()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
