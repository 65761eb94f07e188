#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sealctl mailbox watch beside a real Dovecot: what IMAP clients append, copy
and move about is sealed, all of it, and none of it twice."""
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dovecot as D         # noqa: E402
import rig as R             # noqa: E402
import sealed               # noqa: E402

USERS = ("olga@example.org", "otto@example.org", "nora@example.org")
CONFIG = """
state = "%s/state";
user = "";
domains = [ "example.org" ];
policy = ( { name = "all"; seal = [ "openpgp" ]; } );
"""
QUIET = "0.3"
XAPIAN = "/usr/lib/dovecot/modules/lib21_fts_xapian_plugin.so"
SEARCH = """
mail_plugins = fts fts_xapian
plugin {
  fts = xapian
  fts_xapian = partial=3 full=20
}
service indexer-worker {
  vsz_limit = 2G
}
"""
WORDS = ("Dear colleagues, please review the quarterly budget before our "
         "meeting; nobody should forget those confidential numbers.")


class Watched:
    def __init__(self, tap):
        self.tap = tap
        self.rig = R.Rig()
        self.canary = "canary-" + secrets.token_hex(8)
        self.keys = sealed.Keys(self.rig).make(*USERS[:2])
        self.rig.make_dir("state", mode=0o700)
        self.conf = self.rig.write("conf", CONFIG % self.rig.dir)
        for user in USERS[:2]:
            self.ctl("key", "import", self.keys.public(user))
        self.store = D.Dovecot(self.rig, USERS, extra=SEARCH).start()
        self.top = self.rig.path("dovecot", "mail")
        for user in USERS:
            with self.store.imap(user) as client:
                for name in ("Sent", "Drafts", "Archive"):
                    client.create(name)
        self.sent = {}          # mark of a message -> user
        self.process = None
        self.log_path = self.rig.path("watch.log")
        self.rig.at_exit(self.stop)
        tap.on_failure.append(lambda: self.log()[-1500:])

    def ctl(self, *arguments, check=True):
        return self.rig.run([R.SEALCTL, "-c", self.conf] + list(arguments),
                            check=check)

    # --- The program

    def start(self, *arguments):
        since = len(self.log())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [R.SEALCTL, "-c", self.conf, "mailbox", "watch", "--quiet",
                 QUIET, *(arguments or (self.top,))], stderr=log, stdout=log)
        R.wait_for(lambda: self.process.poll() is not None or
                   "watching " in self.log()[since:], "the watch")
        return self

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(number)
        status = self.process.wait(timeout=R.PATIENCE)
        self.process = None
        return status

    def log(self):
        return R.read_file(self.log_path).decode("utf-8", "replace") \
            if os.path.exists(self.log_path) else ""

    # --- Mail

    def letter(self, user):
        mark = "%s-%d" % (self.canary, len(self.sent))
        self.sent[mark] = user
        return ("From: <%s>\r\nTo: <x@remote.example>\r\nSubject: %s\r\n"
                "Message-ID: <%s@example.org>\r\n\r\nThis is %s.\r\n%s\r\n" % (
                    user, mark, secrets.token_hex(8), mark, WORDS)).encode()

    def readable(self):
        """Files of the store that hold a canary, of those who have a key."""
        return [path for user in USERS[:2]
                for path in self.store.holding(self.canary, user=user)]

    def settle(self, what):
        try:
            R.wait_for(lambda: not self.readable(), what,
                       2 * R.PATIENCE if R.slow() else 30)
            return True
        except TimeoutError:
            self.tap.note(*self.readable())
            return False

    def opened(self, user):
        """What gpg makes of each message: folder -> list of marks."""
        found = {}
        with self.store.imap(user) as client:
            for folder in D.folders(client):
                for mail in D.fetch(client, folder).values():
                    armor = mail.raw[mail.raw.index(b"-----BEGIN PGP"):]
                    path = self.rig.write("armor", armor)
                    text = self.keys.gpg("-d", path, check=False)[1]
                    marks = set(re.findall(
                        re.escape(self.canary) + r"-\d+", text.decode()))
                    assert len(marks) == 1, (folder, mail, text)
                    found.setdefault(folder, []).append(
                        (marks.pop(), mail.flags, mail.date))
        return found


def append_and_see(w):
    user = USERS[0]
    date = '"01-Jan-2020 10:00:00 +0000"'
    with w.store.imap(user) as client:
        uid = D.append(client, w.letter(user), "Sent", ("\\Seen",), date)
        D.append(client, w.letter(user), "Drafts", ("\\Draft", "Work"), date)
        D.append(client, w.letter(user), "INBOX")
        w.tap.ok(w.settle("what a client appended"),
                 "what a client appends is sealed within seconds")
        mails = D.fetch(client, "Sent")
        w.tap.ok(list(mails) == [uid] and mails[uid].flags == {"\\Seen"} and
                 mails[uid].date == date.strip('"'),
                 "UID, flags and date stay", mails)
    found = w.opened(user)
    w.tap.equal({f: len(m) for f, m in found.items()},
                {"Sent": 1, "Drafts": 1, "INBOX": 1},
                "gpg opens each, once")
    w.tap.ok("Work" in found["Drafts"][0][1], "keywords stay", found)


def folders_come(w):
    user = USERS[0]
    with w.store.imap(user) as client:
        D.checked(client.create("Projects.New"))
        D.append(client, w.letter(user), "Projects.New")
        w.tap.ok(w.settle("a new folder"),
                 "a folder that is made meanwhile is watched")
        D.checked(client.rename("Projects.New", "Projects.Old"))
        D.append(client, w.letter(user), "Projects.Old")
        w.tap.ok(w.settle("a renamed folder"), "and one that is renamed")
    found = w.opened(user)
    w.tap.equal(len(found.get("Projects.Old", [])), 2,
                "both messages are in it")


def busy_client(w, user, rounds, failures):
    """Appends, flags, copies, moves and saves drafts anew, as clients do."""
    try:
        with w.store.imap(user) as client:
            draft = None
            for i in range(rounds):
                D.append(client, w.letter(user), "Sent", ("\\Seen",))
                new = D.append(client, w.letter(user), "Drafts", ("\\Draft",))
                D.checked(client.select("Drafts"))
                if draft is not None:
                    D.checked(client.uid("STORE", str(draft), "+FLAGS",
                                         "(\\Deleted)"))
                    client.expunge()
                draft = new
                uid = D.append(client, w.letter(user), "INBOX")
                D.checked(client.select("INBOX"))
                D.checked(client.uid("STORE", str(uid), "+FLAGS",
                                     "(\\Flagged)"))
                if i % 3 == 0:
                    D.checked(client.uid("MOVE", str(uid), "Archive"))
                elif i % 3 == 1:
                    D.checked(client.uid("COPY", str(uid), "Archive"))
    except Exception as e:      # pylint: disable=broad-except
        failures.append("%s: %r" % (user, e))


def clients_are_busy(w):
    rounds, failures = 40, []
    before = {u: w.opened(u) for u in USERS[:2]}
    since = w.store.log()
    threads = [threading.Thread(target=busy_client,
                                args=(w, user, rounds, failures))
               for user in USERS[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    w.tap.equal(failures, [], "clients notice nothing")
    w.tap.ok(w.settle("busy clients"),
             "what busy clients append, copy and move is sealed")
    for user in USERS[:2]:
        got = w.opened(user)
        new = {f: [m[0] for m in got[f]][len(before[user].get(f, [])):]
               for f in got}
        want = {"Sent": rounds, "Archive": 0, "INBOX": 0, "Drafts": 0}
        counts = {f: len(set(new.get(f, []))) for f in want}
        moved = sum(1 for i in range(rounds) if i % 3 == 0)
        copied = sum(1 for i in range(rounds) if i % 3 == 1)
        w.tap.equal(counts, {"Sent": rounds, "Archive": moved + copied,
                             "INBOX": rounds - moved,
                             "Drafts": counts["Drafts"]},
                    "nothing of %s is lost" % user)
        w.tap.ok(all(len(set(m)) == len(m) for m in new.values()) and
                 1 <= counts["Drafts"] <= 2,
                 "and nothing is there twice", new)
    # A session that has the cache open when it goes says that it is gone.
    w.tap.equal([line for line in w.store.complaints(len(since))
                 if "index.cache: No such file" not in line], [],
                "Dovecot complains of nothing but its cache")


def others_are_left(w):
    user = USERS[2]
    with w.store.imap(user) as client:
        D.append(client, w.letter(user), "Sent")
    w.tap.ok(w.store.holding(w.canary, user=user) != [],
             "who has no key keeps clear text")
    w.tap.ok("nora@example.org" in w.log(), "and that is told")


def lines_tell_no_content(w):
    w.tap.ok(w.canary not in w.log(), "no line has content of a message")
    w.tap.ok(re.search(r"<olga@example.org>: sealed a message in \.?Sent",
                       w.log()), "lines tell whose, and where")


def verify_finds_what_grep_finds(w, client, user):
    """Dovecot keeps what clients ask for; all of it has to be found."""
    D.checked(client.select("Sent", readonly=True))
    for what in ("ENVELOPE", "BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)]",
                 "PREVIEW"):
        D.checked(client.fetch("1:*", "(%s)" % what))
    w.store.doveadm("index", "-u", user, "Sent")
    home = w.store.home(user)
    status, out, _ = w.ctl("mailbox", "verify", "--report", "json", home,
                           check=False)
    mailbox = json.loads(out)["mailboxes"][0]
    found = {os.path.join(mailbox["mailbox"], f["path"])
             for f in mailbox["findings"]
             if f["finding"] in ("readable", "leftover")}
    index = {path for path in found if "/xapian-indexes/" in path}
    w.tap.ok(index, "a full-text index is found by the words in it", found)
    found -= index
    holding = set(w.store.holding(w.canary, user=user))
    w.tap.ok(status == 1 and found == holding,
             "verify finds the very files in which grep finds canaries",
             sorted(found ^ holding))
    w.tap.ok(any(p.endswith("dovecot.index.cache") for p in holding),
             "Dovecot's cache is one of them", holding)


def it_catches_up(w):
    """What came while it did not run, and what waits in a full queue."""
    w.tap.equal(w.stop(), 0, "SIGTERM ends it well")
    user = USERS[1]
    with w.store.imap(user) as client:
        for _ in range(20):
            D.append(client, w.letter(user), "Sent")
        w.tap.ok(w.readable() != [], "without it, mail is readable")
        verify_finds_what_grep_finds(w, client, user)
        w.start()
        w.tap.ok(w.settle("what came meanwhile"),
                 "what came while it did not run is sealed when it starts")
        since = len(w.log())
        w.process.send_signal(signal.SIGHUP)
        R.wait_for(lambda: "watching " in w.log()[since:], "SIGHUP")
        D.append(client, w.letter(user), "Sent")
        w.tap.ok(w.settle("after SIGHUP"), "SIGHUP begins anew")
    w.tap.equal(w.stop(signal.SIGINT), 0, "SIGINT ends it, too")
    status, out, _ = w.ctl("mailbox", "verify", w.store.home(user),
                           check=False)
    w.tap.ok(status == 1 and b" 0 readable" in out and
             b"xapian-indexes" in out,
             "the full-text index stays, and verify finds it", out)
    for path in w.store.files(user):
        if "/xapian-indexes/" in path:
            os.unlink(path)
    w.store.doveadm("index", "-u", user, "Sent")
    w.tap.ok(any("/xapian-indexes/" in p for p in w.store.files(user)),
             "Dovecot makes another, of sealed mail")
    status, out, _ = w.ctl("mailbox", "verify", w.store.home(user),
                           check=False)
    w.tap.ok(status == 0, "in which verify finds nothing readable", out)
    status = w.ctl("mailbox", "watch", w.rig.path("nowhere"),
                   check=False)[0]
    w.tap.ok(status != 0, "a directory that is not there is an error")


def main():
    why = D.missing()
    if why is None and not os.path.exists(XAPIAN):
        why = "there is no dovecot-fts-xapian (contrib/build-deps --test)"
    if why is not None:
        R.skip_all(why)
    tap = R.Tap()
    w = Watched(tap).start()
    for case in (append_and_see, folders_come, clients_are_busy,
                 others_are_left, lines_tell_no_content, it_catches_up):
        tap.run(case, w)
    return tap.done()


sys.exit(main())
