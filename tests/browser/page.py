#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The page as people meet it: from a file and from a server, without scripts,
without WebCrypto, in two languages, by keyboard, read aloud, on a phone, in
the dark, on paper.

In:    the built page with an envelope of jwcrypto.
Out:   what is seen, said and asked of the network.
"""
import base64
import re
import shutil
import sys

import chromium
import envelope
import mails
import rig

from selenium.webdriver.common.keys import Keys

LIMIT = 150 * 1024
PHONE = 320

# The smallest contrast of a text with what is behind it (WCAG 2, 1.4.3).
CONTRAST = """
    const rgb = (c) => (c.match(/[\\d.]+/g) ?? []).map(Number);
    const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) =>
        v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
    const behind = (e) => {
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length === 3 || c[3] > 0)
                return c;
        }
        return [255, 255, 255];
    };
    let worst = [99, ""];
    for (const e of document.querySelectorAll("body *")) {
        const words = [...e.childNodes].filter((n) => n.nodeType === 3)
            .map((n) => n.data).join("").trim();
        if (!words || !e.checkVisibility() || e.tagName === "SCRIPT")
            continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color)),
            light(behind(e))].sort((x, y) => y - x);
        const ratio = (a + .05) / (b + .05);
        if (ratio < worst[0])
            worst = [ratio, words.slice(0, 40)];
    }
    return worst;
"""


class Page:
    def __init__(self, tap):
        self.tap = tap
        self.rig = rig.Rig()
        self.listener = chromium.Listener()
        self.rig.at_exit(self.listener.shutdown)
        self.browser = chromium.Chromium(self.rig, self.listener)
        self.file = self.put("message", mails.with_images().raw)

    def put(self, name, raw, **options):
        return "file://" + self.rig.write(
            name + ".html", envelope.page(envelope.seal(raw, **options)))

    # --- What the file is

    def is_small_and_static(self):
        tap, page = self.tap, envelope.page_template().decode()
        tap.ok(len(page.encode()) < LIMIT, "the page has less than 150 KB",
               len(page.encode()))
        tap.equal(page.count("@JWE@"), 1, "there is one place for an envelope")
        tap.ok('<script type="application/jose" id="envelope">@JWE@</script>'
               in page, "and it is where it is agreed to be")
        policy = re.search(r'Content-Security-Policy" content="([^"]*)"',
                           page)[1]
        for word in ("default-src 'none'", "connect-src 'none'",
                     "form-action 'none'", "base-uri 'none'",
                     "frame-src 'none'", "img-src data: blob:"):
            tap.ok(word in policy, "its policy has " + word, policy)
        tap.ok(re.search(r"script-src 'sha256-[^']+'(;|$)", policy),
               "its policy allows one script, by its hash", policy)
        tap.ok(not re.search(r"(?:src|href|action)=[\"']?(https?:)?//", page),
               "it refers to nothing elsewhere")

    # --- Where it works

    def opens_everywhere(self):
        b = self.browser
        page = envelope.page(envelope.seal(mails.plain().raw))
        for what, url in (
                ("a file", "file://" + self.rig.write("a.html", page)),
                ("a server", self.listener.serve("a.html", page))):
            self.tap.equal(b.open(url, envelope.PASSPHRASE), "opened",
                           "it opens from " + what)
        self.tap.equal(self.listener.hits, [], "and asks for nothing")

    def says_what_is_insecure(self):
        b = self.browser
        b.get(self.listener.serve("plain.html", envelope.page(
            envelope.seal(mails.plain().raw)), chromium.PLAIN))
        self.tap.equal(b.js("return isSecureContext"), False,
                       "a server without TLS is no secure context")
        self.tap.ok(not b.one("#form").is_displayed() and
                    "Save this page" in b.one("#insecure").text,
                    "there it says what to do instead")
        b.screenshot("insecure")

    def says_what_to_do_without_scripts(self):
        b = self.browser
        b.cdp("Emulation.setScriptExecutionDisabled", value=True)
        b.get(self.file)
        text = b.one("body").text
        b.screenshot("no-script")
        b.cdp("Emulation.setScriptExecutionDisabled", value=False)
        self.tap.ok("open it with a" in text and "JavaScript" in text,
                    "without scripts it says what to do", text)
        self.tap.ok("mit einem Browser wie" in text,
                    "in German too", text)
        self.tap.ok("Passphrase" not in text, "and asks for nothing", text)

    # --- What it says

    def speaks_german(self):
        b = self.browser
        b.speak("de-AT,de;q=0.9,en;q=0.8")
        b.get(self.file)
        self.tap.equal(b.js("return document.documentElement.lang"), "de",
                       "it speaks German to who prefers that")
        self.tap.equal(b.one("#open").text, "Nachricht öffnen",
                       "its button does")
        b.screenshot("german")
        self.tap.ok("ließ sich nicht öffnen" in b.submit("falsch"),
                    "its error does")
        b.submit(envelope.PASSPHRASE)
        self.tap.ok("Dienstag, 24. November 2026" in b.text("#message dl"),
                    "and the date does", b.text("#message dl"))
        b.speak("fr-FR,fr;q=0.9")
        b.get(self.file)
        self.tap.equal(b.one("#open").text, "Open message",
                       "it speaks English to who prefers what it does not "
                       "know")
        b.speak("en-GB")

    def says_nothing_before(self):
        b = self.browser
        b.get(self.file)
        self.tap.ok("bob@example.com" not in b.js(
            "return document.documentElement.outerHTML"),
            "before it is opened, nothing says who it comes from")
        b.submit(envelope.PASSPHRASE)
        self.tap.ok("Pictures" not in b.js("return document.title"),
                    "nor does the title afterwards, which browsers keep")

    # --- By keyboard, and read aloud

    def works_by_keyboard(self):
        b = self.browser
        b.get(self.file)
        focused = "return document.activeElement.id"
        self.tap.equal(b.js(focused), "passphrase",
                       "the field has the focus")
        b.driver.switch_to.active_element.send_keys(
            envelope.PASSPHRASE + Keys.TAB)
        self.tap.equal(b.js(focused), "show", "Tab leads to Show")
        b.driver.switch_to.active_element.send_keys(Keys.SPACE)
        self.tap.equal(b.js("return document.querySelector('#passphrase')"
                            ".type"), "text", "which shows what was typed")
        b.driver.switch_to.active_element.send_keys(Keys.TAB)
        self.tap.equal(b.js(focused), "open", "Tab leads to Open")
        b.driver.switch_to.active_element.send_keys(Keys.ENTER)
        b.wait_js("return document.querySelector('#message .subject')",
                  "the message")
        self.tap.ok(b.js("return document.activeElement.matches("
                         "'#message .subject')"),
                    "the message has the focus when it is there")
        b.settle()
        seen = []
        for _ in range(12):
            b.driver.switch_to.active_element.send_keys(Keys.TAB)
            seen.append(b.js("const e = document.activeElement;"
                             "return e.id || e.className || e.tagName"))
        self.tap.ok({"download", "save", "lock"} <= set(seen),
                    "Tab leads to all buttons of the message", seen)

    def names_of(self, *roles):
        tree = self.browser.cdp("Accessibility.getFullAXTree")["nodes"]
        return [(n["role"]["value"], n.get("name", {}).get("value", ""))
                for n in tree if not n.get("ignored") and
                n.get("role", {}).get("value") in roles]

    def can_be_read_aloud(self):
        b = self.browser
        b.get(self.file)
        before = self.names_of("main", "textbox", "button", "heading")
        self.tap.ok({("textbox", "Passphrase"), ("button", "Open message"),
                     ("heading", "Encrypted message")} <= set(before) and
                    "main" in dict(before),
                    "field, button, heading and landmark have names", before)
        self.tap.equal(b.js(
            "return document.querySelector('#passphrase')"
            ".getAttribute('aria-describedby')"), "hint error",
            "hint and error belong to the field")
        self.tap.equal([b.js("return document.getElementById(arguments[0])"
                             ".getAttribute('role')", i)
                        for i in ("error", "status")], ["alert", "status"],
                       "errors and progress are spoken")
        b.submit(envelope.PASSPHRASE)
        b.settle()
        after = self.names_of("article", "button", "Iframe", "heading",
                              "main")
        self.tap.ok({("heading", "Pictures"),
                     ("button", "Download: order.pdf")} <= set(after),
                    "subject and files are found by name", after)
        self.tap.equal(b.one("#message iframe").get_attribute("title"),
                       "Text of the message", "the frame has a title")

    def shows_progress(self):
        b = self.browser
        b.get(self.put("slow", mails.plain().raw, iterations=2000000))
        # What was seen at each change, since it is over soon.
        b.js("""
            window.seen = [];
            new MutationObserver(() => seen.push([
                document.querySelector("#status").textContent,
                document.querySelector("#progress").checkVisibility(),
                document.querySelector("#open").disabled]))
                .observe(document.body, {subtree: true, childList: true,
                    attributes: true});
            """)
        answer = b.submit(envelope.PASSPHRASE)
        self.tap.equal(answer, "opened", "one with many iterations opens")
        seen = b.js("return seen")
        self.tap.ok(any("Opening" in text and bar and off
                        for text, bar, off in seen),
                    "progress is seen and said meanwhile", seen)
        self.tap.ok(not b.one("#progress").is_displayed(), "and is gone then")

    def closes(self):
        b = self.browser
        b.open(self.file, envelope.PASSPHRASE)
        b.one("#lock").click()
        b.wait_js("return document.querySelector('#form').checkVisibility()"
                  " && document.activeElement.id === 'passphrase'",
                  "the form")
        self.tap.ok("order.pdf" not in b.js(
            "return document.documentElement.outerHTML") and
            b.one("#passphrase").get_attribute("value") == "",
            "closing it forgets message and passphrase")

    # --- How it looks

    def fits_a_phone(self):
        b = self.browser
        wide = mails.built("W" * 200)
        wide.set_content("<table width=900><tr><td>%s</table>" % ("w" * 500),
                         subtype="html")
        wide.add_attachment(b"x", maintype="application",
                            subtype="x", filename="f" * 100 + ".bin")
        b.cdp("Emulation.setDeviceMetricsOverride", width=PHONE, height=640,
              deviceScaleFactor=2, mobile=True)
        overflow = "return document.documentElement.scrollWidth"
        b.get(self.file)
        b.screenshot("phone-before")
        self.tap.equal(b.js(overflow), PHONE, "the form fits a phone")
        b.submit(envelope.PASSPHRASE)
        b.settle()
        b.screenshot("phone-opened")
        self.tap.equal(b.js(overflow), PHONE, "a message fits a phone")
        b.open(self.put("wide", wide.as_bytes()), envelope.PASSPHRASE)
        self.tap.equal(b.js(overflow), PHONE, "a wide message does")
        b.screenshot("phone-wide")
        small = b.js("return [...document.querySelectorAll("
                     "'button:not(.link)')]"
                     ".filter((e) => e.checkVisibility() &&"
                     " e.getBoundingClientRect().height < 40)"
                     ".map((e) => e.textContent)")
        self.tap.equal(small, [], "buttons are large enough for fingers")
        b.cdp("Emulation.clearDeviceMetricsOverride")

    def is_legible(self):
        b = self.browser
        for scheme in ("light", "dark"):
            b.cdp("Emulation.setEmulatedMedia", features=[
                {"name": "prefers-color-scheme", "value": scheme}])
            b.get(self.file)
            b.screenshot(scheme + "-before")
            b.submit("wrong")
            before = b.js(CONTRAST)
            b.submit(envelope.PASSPHRASE)
            b.settle()
            b.screenshot(scheme + "-opened")
            after = b.js(CONTRAST)
            self.tap.ok(min(before[0], after[0]) >= 4.5,
                        "all texts have contrast when it is " + scheme,
                        before, after)
            bright = b.js("return getComputedStyle(document.body)"
                          ".backgroundColor.match(/\\d+/)[0] > 127")
            self.tap.equal(bright, scheme == "light",
                           "the page is %s then" % scheme)
        b.cdp("Emulation.setEmulatedMedia", features=[])

    def frame_is_as_high_as_the_text(self):
        b = self.browser
        long = mails.built("Long")
        long.set_content("<p>%s</p>" % ("words and words " * 20) * 100 +
                         "<p>This is the end.</p>", subtype="html")
        b.open(self.put("long", long.as_bytes()), envelope.PASSPHRASE)
        self.tap.ok(b.frame(
            "return doc.documentElement.scrollHeight <="
            " doc.defaultView.innerHeight && innerHeight <"
            " doc.defaultView.innerHeight"),
            "the frame is as high as the text in it")
        pdf = self.rig.write("long.pdf", base64.b64decode(
            b.cdp("Page.printToPDF")["data"]))
        if not shutil.which("pdftotext"):
            self.tap.skip("all of it is printed",
                          "pdftotext is not installed")
            return
        _, text, _ = self.rig.run(["pdftotext", pdf, "-"])
        self.tap.ok(b"This is the end." in text and
                    text.count(b"words") >= 4000 and
                    b"Save message" not in text,
                    "all of it is printed, and no button", text[-300:],
                    text.count(b"words"))

    def frame_is_locked(self):
        """Each lock by itself, since one hides that another is open."""
        b = self.browser
        b.open(self.file, envelope.PASSPHRASE)
        frame = b.one("#message iframe")
        self.tap.equal(sorted(frame.get_attribute("sandbox").split()), [
            "allow-popups", "allow-popups-to-escape-sandbox",
            "allow-same-origin"],
            "the frame's sandbox allows a tab by a click, and no script")
        source = frame.get_attribute("srcdoc")
        policy = re.search(r'<meta http-equiv="Content-Security-Policy" '
                           r'content="([^"]*)">', source)
        self.tap.ok(source.startswith(
            '<!DOCTYPE html><html><head><meta charset="utf-8">' + policy[0]),
            "its own policy comes before all else", source[:300])
        self.tap.equal(policy[1].split("; "), [
            "default-src 'none'", "script-src 'none'",
            "style-src 'unsafe-inline'", "img-src data: blob:",
            "base-uri 'none'", "form-action 'none'"],
            "and allows nothing but styles and images that are there")

    def links_open_by_a_click(self):
        b = self.browser
        self.listener.serve("linked", b"<script>document.title = "
                            b"String(opener) + document.referrer</script>")
        linked = mails.built("Link")
        linked.set_content("<a href='%slinked'>here</a>" %
                           self.listener.url(), subtype="html")
        b.open(self.put("linked", linked.as_bytes()), envelope.PASSPHRASE)
        own = b.driver.current_window_handle
        b.driver.switch_to.frame(b.one("#message iframe"))
        b.one("a").click()
        b.driver.switch_to.default_content()
        rig.wait_for(lambda: len(b.driver.window_handles) == 2, "a new tab")
        new = [h for h in b.driver.window_handles if h != own][0]
        b.driver.switch_to.window(new)
        self.tap.equal(rig.wait_for(lambda: b.driver.title, "its title"),
                       "null", "a link opens a tab that does not know us")
        b.driver.close()
        b.driver.switch_to.window(own)
        self.tap.ok(b.js("return document.querySelector('#message .subject')"
                         " !== null"), "and the message stays open")


def main():
    tap = rig.Tap()
    page = Page(tap)
    for case in (page.is_small_and_static, page.opens_everywhere,
                 page.says_what_is_insecure,
                 page.says_what_to_do_without_scripts, page.speaks_german,
                 page.says_nothing_before, page.works_by_keyboard,
                 page.can_be_read_aloud, page.shows_progress, page.closes,
                 page.fits_a_phone, page.is_legible,
                 page.frame_is_as_high_as_the_text,
                 page.frame_is_locked, page.links_open_by_a_click):
        tap.run(case)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
