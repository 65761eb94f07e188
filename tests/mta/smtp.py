#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SMTP to the byte, both ends: a client and a sink.

In:    messages as bytes, never parsed.
Out:   every reply the client saw; every envelope and octet the sink got.
Never: changes a line end, adds a field, or goes beyond 127.0.0.1.
"""
import socket
import threading
import time


def crlf(text):
    """The message with CRLF line ends, as SMTP carries it."""
    if isinstance(text, str):
        text = text.encode("utf-8")
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def stuff(message):
    """RFC 5321 4.5.2 transparency."""
    return (b"." if message.startswith(b".") else b"") + \
        message.replace(b"\r\n.", b"\r\n..")


def unstuff(wire):
    return (wire[1:] if wire.startswith(b".") else wire) \
        .replace(b"\r\n.", b"\r\n")


class Reply:
    def __init__(self, code, text):
        self.code = code
        self.text = text

    def __repr__(self):
        return "%d %s" % (self.code, self.text)


class Client:
    """One SMTP session."""

    def __init__(self, port, timeout=330, greet=True, hello="client.example"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.greeting = self.reply()
        if greet:
            self.command("EHLO " + hello)

    def line(self):
        while b"\n" not in self.rest:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server hung up")
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = []
        while True:
            lines.append(self.line())
            if lines[-1][3:4] != "-":
                return Reply(int(lines[-1][:3]),
                             "\n".join(line[4:] for line in lines))

    def send(self, data):
        self.socket.sendall(data)

    def command(self, line):
        if isinstance(line, str):
            line = line.encode("utf-8")
        self.send(line + b"\r\n")
        return self.reply()

    def envelope(self, sender, recipients, options=""):
        """MAIL and RCPTs; the replies to them."""
        replies = [self.command("MAIL FROM:<%s>%s" % (sender, options))]
        if replies[0].code == 250:
            replies += [self.command("RCPT TO:<%s>" % r) for r in recipients]
        return replies

    def data(self, message):
        """DATA with the message's exact octets; the last reply."""
        reply = self.command("DATA")
        if reply.code == 354:
            self.send(stuff(message))
            self.finish_data(message)
            reply = self.reply()
        return reply

    def finish_data(self, message):
        self.send(b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")

    def close(self):
        try:
            self.send(b"QUIT\r\n")
            self.reply()
        except (OSError, ValueError, ConnectionError):
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Sent:
    """What became of one transaction: all replies, and the one that counts."""

    def __init__(self, replies, final):
        self.replies = replies  # MAIL, then each RCPT
        self.final = final      # the last reply that was seen

    @property
    def code(self):
        return self.final.code

    def __repr__(self):
        return "%r, then %r" % (self.replies, self.final)


def send(port, message, recipients, sender="sender@client.example",
         options=""):
    """One message in one session."""
    with Client(port) as client:
        replies = client.envelope(sender, recipients, options)
        if any(r.code == 250 for r in replies[1:]):
            return Sent(replies, client.data(message))
        return Sent(replies, replies[-1])


# --- The sink

class Arrival:
    """A message as the sink got it."""

    def __init__(self, mail, rcpts, wire):
        self.mail = mail    # MAIL FROM:... as sent
        self.rcpts = rcpts  # RCPT TO:... as sent
        self.wire = wire    # before dot-unstuffing, without the last dot
        self.raw = unstuff(wire)
        self.when = time.monotonic()


class Sink(threading.Thread):
    """Takes everything; announces 8BITMIME and SMTPUTF8, so that nothing
    is converted on the way."""

    HELLO = b"250-sink.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n" \
            b"250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 300000000\r\n"

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.socket()
        self.server.bind(("127.0.0.1", 0))
        self.server.listen(256)
        self.port = self.server.getsockname()[1]
        self.changed = threading.Condition()
        self.arrivals = []
        self.keep = True    # False: count, but keep no content
        self.refuse = False     # answer everything with 4xx
        self.count = 0
        self.start()

    def run(self):
        while True:
            try:
                peer = self.server.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        try:
            with peer:
                self.talk(peer)
        except OSError:
            pass

    def talk(self, peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        rest, mail, rcpts = b"", b"", []
        peer.sendall(b"220 sink.example ESMTP\r\n")
        while True:
            while b"\r\n" not in rest:
                more = peer.recv(65536)
                if not more:
                    return
                rest += more
            line, rest = rest.split(b"\r\n", 1)
            verb = line[:4].upper()
            if self.refuse and verb != b"QUIT":
                peer.sendall(b"421 4.3.2 not now\r\n")
                return
            if verb == b"EHLO":
                peer.sendall(self.HELLO)
            elif verb == b"MAIL":
                mail, rcpts = line, []
                peer.sendall(b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                rcpts.append(line)
                peer.sendall(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                peer.sendall(b"354 go on\r\n")
                wire, rest = self.read_data(peer, rest)
                self.store(Arrival(mail, rcpts, wire if self.keep else b""))
                peer.sendall(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                peer.sendall(b"221 2.0.0 bye\r\n")
                return
            else:
                peer.sendall(b"250 2.0.0 ok\r\n")

    @staticmethod
    def read_data(peer, rest):
        """Everything up to the lone dot, which may be the first line."""
        buffer = bytearray(b"\r\n" + rest)
        start = 0
        while True:
            end = buffer.find(b"\r\n.\r\n", start)
            if end >= 0:
                return bytes(buffer[2:end + 2]), bytes(buffer[end + 5:])
            start = max(0, len(buffer) - 4)
            more = peer.recv(1 << 18)
            if not more:
                raise ConnectionError("gone in the middle of a message")
            buffer += more

    def store(self, arrival):
        with self.changed:
            self.count += 1
            self.arrivals.append(arrival)
            self.changed.notify_all()

    def wait(self, count, seconds=60):
        """Until that many messages have come; all that came."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.count >= count,
                                         seconds):
                raise TimeoutError("%d messages at the sink, waited for %d" %
                                   (self.count, count))
            return list(self.arrivals)

    def take(self):
        """What has come since the last time."""
        with self.changed:
            arrivals, self.arrivals = self.arrivals, []
            self.count = 0
            return arrivals

    def close(self):
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
