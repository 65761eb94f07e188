#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""An injection listener that does as it is told: an SMTP server which takes
copies and keeps them, or fails at a named place in a named way.

In:    faults, each for one stage and, if wanted, one recipient.
Out:   every copy that it took; how many transactions were begun.
Never: takes a message whose dot it has not read, or fails without a fault.
"""
import re
import socket
import struct
import threading
import time

from rig import free_port
from smtp import Arrival, Sink


class Fault:
    """What goes wrong.  stage: accept, banner, EHLO, MAIL, RCPT, DATA, text
    or dot.  how: a reply as text; "silent"; "deaf" (silent, and the dot is not
    heeded); "reset"; "lost" (the dot is heeded, the connection closed); "slow" (an octet a second); "late" (as it
    should be, but only when `seconds` are over).  after: octets of content
    before a reset, "middle" or "last".  only: a word that the recipients of
    the transaction must have.  times: how often, None for ever."""

    def __init__(self, stage, how, only="", after=0, seconds=0, times=None):
        self.stage = stage
        self.how = how
        self.only = only.encode()
        self.after = after
        self.seconds = seconds
        self.times = times

    def meets(self, stage, words):
        return self.stage == stage and self.times != 0 and self.only in words


class Gone(Exception):
    """This connection is over."""


class Injection(threading.Thread):
    HELLO = b"250-inject.example\r\n250-PIPELINING\r\n250-SIZE 300000000\r\n" \
            b"250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n" \
            b"250 ENHANCEDSTATUSCODES\r\n"

    def __init__(self):
        super().__init__(daemon=True)
        self.lock = threading.Condition()
        self.faults = []
        self.taken = []         # of Arrival, in the order of their dots
        self.waiting = 0        # conversations that a fault keeps silent
        self.most = 0           # conversations at a time
        self.peers = set()
        self.released = threading.Event()   # ends what is silent
        self.server = None
        self.port = free_port()     # kept while nobody listens there
        self.open()

    # --- What a test says

    def url(self):
        return "smtp://127.0.0.1:%d" % self.port

    def open(self):
        self.server = socket.socket()
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(("127.0.0.1", self.port))
        self.server.listen(256)
        threading.Thread(target=self.serve, args=(self.server,),
                         daemon=True).start()

    def close(self):
        """Nobody listens any more."""
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
        self.hang_up()

    def hang_up(self):
        """Ends what is kept open, so that the next message must connect."""
        with self.lock:
            for peer in self.peers:
                try:
                    peer.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def fail(self, *faults):
        """From now on, with new connections."""
        self.released.clear()
        self.hang_up()
        with self.lock:
            self.faults = list(faults)

    def heal(self):
        with self.lock:
            self.faults = []
        self.released.set()

    def take(self):
        """What was taken since the last time."""
        with self.lock:
            taken, self.taken = self.taken, []
            return taken

    def wait_silent(self, count, seconds=60):
        """Until so many conversations are kept waiting."""
        with self.lock:
            if not self.lock.wait_for(lambda: self.waiting >= count,
                                      seconds):
                raise TimeoutError("%d of %d wait" % (self.waiting, count))

    # --- What the daemon sees

    def serve(self, server):
        while True:
            try:
                peer = server.accept()[0]
            except OSError:
                return
            with self.lock:
                self.peers.add(peer)
                self.most = max(self.most, len(self.peers))
            threading.Thread(target=self.converse, args=(peer,),
                             daemon=True).start()

    def converse(self, peer):
        try:
            Conversation(self, peer).run()
        except (Gone, OSError):
            pass
        finally:
            with self.lock:
                self.peers.discard(peer)
            peer.close()

    def fault(self, stage, words=b""):
        with self.lock:
            for fault in self.faults:
                if fault.meets(stage, words):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None

    def store(self, arrival):
        with self.lock:
            self.taken.append(arrival)
            self.lock.notify_all()


class Conversation:
    def __init__(self, listener, peer):
        self.listener = listener
        self.peer = peer
        self.rest = b""
        self.mail, self.rcpts = b"", []
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        self.stage("accept", None)
        self.stage("banner", b"220 inject.example ESMTP\r\n")
        while True:
            line = self.line()
            verb = line[:4].upper().decode("ascii", "replace")
            if verb == "EHLO":
                self.stage(verb, self.listener.HELLO)
            elif verb == "MAIL":
                self.mail, self.rcpts = line, []
                self.stage(verb, b"250 2.1.0 ok\r\n", line)
            elif verb == "RCPT":
                self.rcpts.append(line)
                self.stage(verb, b"250 2.1.5 ok\r\n", line)
            elif verb == "DATA":
                if self.stage(verb, b"354 go on\r\n", self.words()):
                    self.data()
            elif verb == "QUIT":
                self.peer.sendall(b"221 2.0.0 bye\r\n")
                raise Gone
            else:
                self.peer.sendall(b"250 2.0.0 ok\r\n")

    def words(self):
        return b"\n".join([self.mail] + self.rcpts)

    def line(self):
        while b"\r\n" not in self.rest:
            self.more()
        line, self.rest = self.rest.split(b"\r\n", 1)
        return line

    def more(self, most=1 << 18):
        octets = self.peer.recv(most)
        if not octets:
            raise Gone
        self.rest += octets

    def stage(self, name, reply, words=b""):
        """True if it went as it should."""
        fault = self.listener.fault(name, words)
        if fault is None:
            self.peer.sendall(reply or b"")
            return True
        self.go_wrong(fault, reply)
        return fault.how == "late"

    def go_wrong(self, fault, reply):
        if fault.how in ("silent", "deaf"):
            self.wait(None)
            raise Gone
        elif fault.how == "late":
            self.wait(fault.seconds)
            self.peer.sendall(reply)
        elif fault.how == "reset":
            self.reset()
        elif fault.how == "lost":
            raise Gone
        elif fault.how == "slow":
            self.drip(reply)
        else:
            self.peer.sendall(fault.how.encode() + b"\r\n")
            if fault.how.startswith("421"):
                raise Gone

    def wait(self, seconds):
        with self.listener.lock:
            self.listener.waiting += 1
            self.listener.lock.notify_all()
        try:
            self.listener.released.wait(seconds)
        finally:
            with self.listener.lock:
                self.listener.waiting -= 1

    def reset(self):
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        raise Gone

    def drip(self, reply):
        for octet in reply:
            self.peer.sendall(bytes([octet]))
            if self.listener.released.wait(1):
                raise Gone

    def data(self):
        fault = self.listener.fault("text", self.words())
        if fault is not None:
            self.break_off(fault)
        wire, self.rest = Sink.read_data(self.peer, self.rest)
        arrival = Arrival(self.mail, self.rcpts, wire)
        fault = self.listener.fault("dot", self.words())
        # What is refused is not kept; what is lost or late is.
        if fault is None or not (fault.how == "deaf" or
                                 fault.how[:1].isdigit()):
            self.listener.store(arrival)
        reply = b"250 2.0.0 Ok: queued as %X\r\n" % (
            int(time.monotonic() * 1e6))
        if fault is None:
            self.peer.sendall(reply)
        else:
            self.go_wrong(fault, reply)

    def break_off(self, fault):
        """In the middle of the content."""
        found = re.search(rb"SIZE=(\d+)", self.mail)
        size = int(found.group(1)) if found else 0
        after = {"middle": size // 2, "last": size - 1}.get(
            fault.after, fault.after)
        while len(self.rest) < after:
            self.more(after - len(self.rest))
        if fault.how == "slow":
            while not self.listener.released.wait(1):
                self.more(1)
            raise Gone
        self.go_wrong(fault, b"")
