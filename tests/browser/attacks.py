#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Messages that want to run a script, load something or lead away.

In:    payloads.txt. Each goes into all fields, names and texts of a message.
Out:   no script ran, nothing was asked of the network (by the listener, and
       by the browser's own log), the page stayed where it was.
Never: believes that without having seen the same watch catch something.
"""
import base64
import os
import re
import sys
import urllib.parse

import chromium
import envelope
import mails
import rig

HERE = os.path.dirname(os.path.abspath(__file__))
# No blanks and no quotes, so that it fits everywhere.
SCRIPT = "console.error(/canary/),top.canary=1,alert(1)"
URL = "http://%s/x" % chromium.ATTACKER
# All that a message is made of in the page.
ELEMENTS = {"A", "ARTICLE", "BDI", "BUTTON", "DD", "DIV", "DL", "DT", "H2", "H3",
            "IFRAME", "LI", "P", "SECTION", "SPAN", "TIME", "UL"}

# Opens another envelope in the page that is there: quicker than a new page,
# and a page that was led away is noticed.
REOPEN = """
    const done = arguments[arguments.length - 1];
    document.getElementById("message").replaceChildren();
    document.getElementById("error").textContent = "";
    document.getElementById("envelope").textContent = arguments[0];
    document.getElementById("passphrase").value = arguments[1];
    const settle = () => requestAnimationFrame(() =>
        requestAnimationFrame(() => setTimeout(done, 0, "opened")));
    const look = () => {
        const heading = document.querySelector("#message .subject");
        const frame = document.querySelector("#message iframe");
        const error = document.getElementById("error").textContent;
        if (error)
            done(error);
        else if (!heading || frame && frame.style.height === "")
            setTimeout(look, 5);
        else
            settle();
    };
    document.getElementById("form").requestSubmit();
    look();
"""
# Clicks whatever may be clicked and is no link to elsewhere.
CLICK = """
    for (const e of document.querySelector("#message iframe")
        ?.contentDocument.querySelectorAll("*") ?? [])
        if (!/^(https?|mailto):/.test(e.getAttribute("href") ?? ""))
            e.click?.();
    for (const e of document.querySelectorAll("#message .views button"))
        e.click();
"""
STATE = """
    return {
        stays: window.stays === 1, canary: window.canary ?? null,
        title: document.title, scripts: document.scripts.length,
        elements: [...new Set([...document.querySelectorAll("#message *")]
            .map((e) => e.tagName))],
        subject: document.querySelector("#message .subject")?.textContent,
    };
"""
# All elements and attributes of what came out of the cleaning.
LEFT = """
    return [...document.querySelector("#message iframe")
        ?.contentDocument.body.querySelectorAll("*") ?? []]
        .flatMap((e) => [e.localName + "<", ...[...e.attributes].map(
            (a) => e.localName + " " + a.name + "=" + a.value)]);
"""
# What cleaning leaves nothing of, even if the frame would hold it: elements,
# and attributes with what is in them.
UNCLEAN = re.compile(
    r"(script|iframe|frame|object|embed|applet|form|input|button|select|"
    r"textarea|link|meta|base|svg|math|template|video|audio|source|track)<|"
    r"\S+ (on\w+|id|name|srcset|poster|ping|srcdoc|action|formaction|data|"
    r"autofocus|target=(?!_blank$)|rel=(?!noopener noreferrer$)|"
    r"href=(?!https?:|mailto:|tel:)|(src|background)=(?!data:image/"
    r"(png|jpeg|gif|webp|avif|bmp);base64,))", re.I)


def unescaped(line):
    plain = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}
    return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", lambda m: chr(int(m[1][1:], 16))
                  if m[1][0] == "u" and len(m[1]) > 1 else plain[m[1]], line)


def payloads():
    """[(section, line, payload)]"""
    found, section = [], None
    with open(os.path.join(HERE, "payloads.txt"), encoding="utf-8") as f:
        for line in f.read().split("\n"):
            heading = re.match(r"\[(\w+)\]", line)
            if heading:
                section = heading[1]
            elif section and line:
                found.append((section, line, unescaped(line)
                              .replace("{JS}", SCRIPT).replace("{URL}", URL)))
    return found


def word(text):
    """An encoded word (RFC 2047), or several."""
    octets = [c.encode("utf-8") for c in text]
    lines, piece = [], b""
    for octet in octets + [b""]:
        if not octet or len(piece) + len(octet) > 40:
            lines.append("=?utf-8?B?%s?=" % base64.b64encode(piece).decode())
            piece = b""
        piece += octet
    return "\r\n ".join(lines)


def part(kind, octets, *fields):
    return mails.raw("--b", "Content-Type: " + kind,
                     "Content-Transfer-Encoding: base64", *fields, "") + \
        b"\r\n" + base64.encodebytes(octets).replace(b"\n", b"\r\n")


SVG = ("<svg xmlns='http://www.w3.org/2000/svg' onload='%s'><script>%s"
       "</script><image href='%s'/></svg>" % (SCRIPT, SCRIPT, URL)).encode()


def message(section, payload):
    html = payload if section == "html" else "<p>Text</p>"
    quoted = re.sub(r'[\r\n\0]', " ", payload).replace('"', r'\"')
    name = "filename*=utf-8''" + urllib.parse.quote(payload, safe="")
    kind = re.sub(r"[\r\n\0]", " ", payload) if section == "type" else \
        "application/octet-stream"
    return mails.raw(
        "From: %s <bob@example.com>" % word(payload),
        'To: "%s" <alice@example.org>' % quoted, "Cc: <%s>" % quoted,
        "Subject: " + word(payload), "Date: " + quoted,
        "Message-ID: <%s>" % quoted, "MIME-Version: 1.0",
        "Content-Type: multipart/related; boundary=b", "", "") + \
        b"".join((
            part("multipart/alternative; boundary=c", b"").split(b"\r\nC")[0],
            b"\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n",
            part("text/plain; charset=utf-8", payload.encode())
            .replace(b"--b", b"--c", 1),
            part("text/html; charset=utf-8", html.encode())
            .replace(b"--b", b"--c", 1), b"--c--\r\n",
            part("image/svg+xml", SVG, "Content-ID: <svg>"),
            part("image/png", mails.png(1, 2, 3), "Content-ID: <x>"),
            part(kind, payload.encode(), "Content-Disposition: attachment; " +
                 name, "Content-ID: <%s>" % quoted,
                 "Content-Description: " + word(payload)), b"--b--\r\n"))


class Attacks:
    def __init__(self, tap):
        self.tap = tap
        self.rig = rig.Rig()
        self.listener = chromium.Listener()
        self.rig.at_exit(self.listener.shutdown)
        self.browser = chromium.Chromium(self.rig, self.listener)
        self.start()

    def start(self):
        """A page from a server, where it has most to lose."""
        b = self.browser
        b.get(self.listener.serve("message", envelope.page(
            envelope.seal(mails.plain().raw))))
        b.submit(envelope.PASSPHRASE)
        b.js("window.stays = 1")
        self.title = b.js("return document.title")

    def watch_works(self):
        """What is looked for would be found."""
        b = self.browser
        b.get(self.listener.serve("bare", b"<!DOCTYPE html><title>x</title>"))
        b.js("const i = document.createElement('img');"
             "i.setAttribute('onerror', arguments[0].replace(',alert(1)', ''));"
             "i.src = arguments[1] + '?control'; document.body.append(i)",
             SCRIPT, URL)
        rig.wait_for(lambda: b.js("return window.canary"), "the canary")
        self.tap.ok(any("canary" in line for line in b.console()),
                    "a script that runs is noticed")
        self.tap.equal(self.listener.hits, ["GET /x?control"],
                       "a request is noticed")
        del self.listener.hits[:]
        self.start()

    def found_wrong(self, payload):
        """What a payload brought about, as a list of words."""
        b = self.browser
        state = b.js(STATE)
        wrong = []
        if not state["stays"] or len(b.driver.window_handles) != 1:
            wrong.append("the page was led away, or another opened")
        if state["canary"] or any("canary" in line for line in b.console()):
            wrong.append("a script ran")
        if state["title"] != self.title or state["scripts"] != 2:
            wrong.append("the page was changed")
        strange = set(state["elements"]) - ELEMENTS
        if strange:
            wrong.append("there are elements %r" % strange)
        if re.fullmatch(r"[^\0-\x1f]+", payload) and \
                state["subject"] != payload:
            wrong.append("its subject is %r" % state["subject"])
        if self.listener.hits:
            wrong.append("asked for %r" % self.listener.hits)
        return wrong

    def attack(self, section, line, payload):
        b = self.browser
        try:
            answer = b.driver.execute_async_script(
                REOPEN, envelope.seal(message(section, payload)),
                envelope.PASSPHRASE)
            wrong = [] if answer == "opened" else [answer]
            left = b.js(LEFT)
            if not left or any(UNCLEAN.match(each) for each in left):
                wrong.append("the cleaning left %r" % left)
            b.js(CLICK)
            wrong += self.found_wrong(payload)
        except Exception as error:
            wrong = ["%s" % error]
        if not self.tap.ok(not wrong, "nothing comes of [%s] %s" % (
                section, line[:100]), *wrong):
            del self.listener.hits[:]
            self.start()

    def names_are_harmless(self):
        """As they are saved."""
        b = self.browser
        for section, line, payload in payloads():
            if section != "name":
                continue
            b.driver.execute_async_script(
                REOPEN, envelope.seal(message(section, payload)),
                envelope.PASSPHRASE)
            items = b.all("#message .part")
            name, _ = b.download(items[-1].find_element(
                "css selector", "button.download").click)
            shown = items[-1].find_element("css selector", ".name").text
            self.tap.ok(
                shown == name and len(name) < 140 and
                not re.search(r"[\0-\x1f\x7f-\x9f/\\:*?\"<>|\u200b-\u200f"
                              r"\u202a-\u202e\u2060-\u2069\ufeff]", name) and
                not re.match(r"[. ]|(con|nul)(\.|$)", name, re.I) and
                not re.search(r"[. ]$", name),
                "a file called %s gets a harmless name" % line[:60],
                "shown %r, saved %r" % (shown, name))

    def frame_alone_holds(self):
        """The same HTML, in such a frame, but not cleaned before."""
        b = self.browser
        self.start()
        b.driver.execute_async_script(
            REOPEN, envelope.seal(message("html", "<p>MARK</p>")),
            envelope.PASSPHRASE)
        html = [p for s, _, p in payloads() if s == "html" and
                # Nobody but the cleaning keeps names from being looked up,
                # and the page from saying where a link leads.
                not re.search(r"preconnect|dns-prefetch", p)]
        b.driver.execute_async_script("""
            const [payloads, done] = arguments;
            const frame = document.querySelector("#message iframe");
            let left = payloads.length;
            for (const html of payloads) {
                const copy = frame.cloneNode();
                copy.srcdoc = frame.srcdoc.replace("<p>MARK</p>", () => html);
                copy.addEventListener("load", () => {
                    if (--left === 0)
                        requestAnimationFrame(() => setTimeout(done, 0));
                }, { once: true });
                document.getElementById("message").append(copy);
            }""", html)
        b.js("for (const f of document.querySelectorAll('#message iframe'))"
             " for (const e of f.contentDocument?.querySelectorAll('*') ?? [])"
             "  if (!/^https?:|^mailto:/.test(e.getAttribute('href') ?? ''))"
             "   e.click?.()")
        b.js("return new Promise((r) => setTimeout(r, 0))")
        state = b.js(STATE)
        self.tap.ok(state["stays"] and len(b.driver.window_handles) == 1,
                    "the frame alone keeps %d payloads from leading away" %
                    len(html))
        self.tap.ok(not state["canary"] and not any(
            "canary" in line for line in b.console()),
            "the frame alone keeps scripts from running")
        self.tap.equal(self.listener.hits, [],
                       "the frame alone keeps all from being loaded")

    def log_is_empty(self):
        """Not even a name was looked up, other than in the control."""
        self.tap.equal(self.browser.asked_for(chromium.ATTACKER), [],
                       "not one of these names was looked up")


def main():
    tap = rig.Tap()
    attacks = Attacks(tap)
    tap.ok(len(payloads()) >= 100, "there are at least 100 payloads")
    for section, line, payload in payloads():
        attacks.attack(section, line, payload)
    tap.run(attacks.names_are_harmless)
    attacks.log_is_empty()
    second = Attacks(tap)
    tap.run(second.frame_alone_holds)
    tap.run(second.watch_works)
    tap.ok(second.browser.asked_for(chromium.ATTACKER),
           "a name that is looked up is noticed")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
