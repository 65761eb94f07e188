#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A headless Chromium of the test's own, and who listens for it.

In:    Debian's chromium, chromedriver and python3-selenium.
Out:   pages opened, files downloaded, and all that was asked of the network:
       by the listener, and by the browser's own log.
Never: reaches anything but the listener: no other name resolves.
"""
import base64
import http.server
import json
import os
import shutil
import sys
import threading

SOURCE = os.path.abspath(os.environ.get("top_srcdir", "."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "mta"))
import rig  # noqa: E402

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
except ImportError:
    rig.skip_all("python3-selenium is not installed")

PROGRAMS = {"chromium": shutil.which("chromium"),
            "chromedriver": shutil.which("chromedriver")}

# What it may not do by itself: ask its maker's servers.
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--no-proxy-server")
# Names that lead to the listener. A browser has no secrets from plain.test,
# since it is not a secure context; nobody has a reason to ask for the other.
PLAIN = "plain.test"
ATTACKER = "attacker.test"


class Listener(http.server.ThreadingHTTPServer):
    """Serves pages that it was given; remembers every other request."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.port = self.server_address[1]
        self.pages = {}
        self.hits = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, host="127.0.0.1"):
        # The other names are mapped to the port as well.
        return "http://%s/" % ("%s:%d" % (host, self.port)
                               if host == "127.0.0.1" else host)

    def serve(self, name, page, host="127.0.0.1"):
        self.pages["/" + name] = page
        return self.url(host) + name

    def handle_error(self, request, client_address):
        """A browser that goes away is no error."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        page = self.server.pages.get(self.path)
        if page is None and self.path != "/favicon.ico":
            self.server.hits.append("%s %s" % (self.command, self.path))
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")

    do_POST = do_HEAD = do_OPTIONS = do_GET

    def send_error(self, code, message=None, explain=None):
        # No HTTP: a try of TLS, for one.
        self.server.hits.append("connection: %s" % code)
        self.close_connection = True

    def log_message(self, format, *args):
        """Standard error is for what is wrong."""


class Chromium:
    def __init__(self, the_rig, listener=None):
        missing = [name for name, path in PROGRAMS.items() if not path]
        if missing:
            rig.skip_all("%s is not installed" % " and ".join(missing))
        self.downloads = the_rig.path("downloads")
        self.net_log = the_rig.path("net-log.json")
        os.mkdir(self.downloads)
        rules = "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
        if listener:
            rules = "MAP %s 127.0.0.1:%d , MAP %s 127.0.0.1:%d , %s" % (
                PLAIN, listener.port, ATTACKER, listener.port, rules)
        options = webdriver.ChromeOptions()
        options.binary_location = PROGRAMS["chromium"]
        for switch in SWITCHES:
            options.add_argument(switch)
        options.add_argument("--user-data-dir=" + the_rig.path("profile"))
        options.add_argument("--log-net-log=" + self.net_log)
        options.add_argument("--host-resolver-rules=" + rules)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(
            service=Service(PROGRAMS["chromedriver"],
                            log_path=the_rig.path("driver.log")),
            options=options)
        the_rig.at_exit(self.close)
        self.driver.set_script_timeout(rig.PATIENCE)
        self.cdp("Browser.setDownloadBehavior", behavior="allow",
                 downloadPath=self.downloads)
        self.speak("en-GB")

    def close(self):
        if self.driver:
            self.driver.quit()
            self.driver = None

    # --- What tests ask for

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def speak(self, language):
        agent = self.driver.execute_script("return navigator.userAgent")
        self.cdp("Emulation.setUserAgentOverride", userAgent=agent,
                 acceptLanguage=language)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def get(self, url):
        self.driver.get(url)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        """All of it, as the document has it; "" if there is none."""
        return self.js("return document.querySelector(arguments[0])"
                       "?.textContent ?? ''", selector)

    def frame(self, script, *arguments):
        """Runs in the page, with `doc` the document of the HTML frame."""
        return self.js("const doc = document.querySelector("
                       "'#message iframe').contentDocument;" + script,
                       *arguments)

    def wait_js(self, script, what):
        return rig.wait_for(lambda: self.js(script), what)

    def submit(self, passphrase):
        """Types it, and presses Enter; waits for one of the two ends."""
        field = self.one("#passphrase")
        field.clear()
        field.send_keys(passphrase + "\n")
        return self.wait_js(
            "return document.querySelector('#message .subject') ? 'opened' :"
            " document.querySelector('#error').textContent", "an answer")

    def settle(self):
        """Until the frame has loaded, and two pictures later."""
        self.driver.execute_async_script("""
            const done = arguments[0];
            const rest = () => requestAnimationFrame(() =>
                requestAnimationFrame(() => setTimeout(done, 0)));
            const frame = document.querySelector("#message iframe");
            if (frame && frame.style.height === "")
                frame.addEventListener("load", rest);
            else
                rest();
            """)

    def open(self, url, passphrase):
        self.get(url)
        answer = self.submit(passphrase)
        if answer == "opened":
            self.settle()
        return answer

    def download(self, click):
        """(name, bytes) of the file that a click saves."""
        for name in os.listdir(self.downloads):
            os.unlink(os.path.join(self.downloads, name))
        click()

        def finished():
            names = os.listdir(self.downloads)
            return len(names) == 1 and not \
                names[0].endswith(".crdownload") and not \
                names[0].startswith(".") and names[0]
        name = rig.wait_for(finished, "a download")
        return name, rig.read_file(os.path.join(self.downloads, name))

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry.get("source") == "console-api"]

    def screenshot(self, name):
        """For people: into the folder SEALMILTER_SCREENSHOTS, if it is set."""
        folder = os.environ.get("SEALMILTER_SCREENSHOTS")
        if folder:
            shot = self.cdp("Page.captureScreenshot",
                            captureBeyondViewport=True)
            with open(os.path.join(folder, name + ".png"), "wb") as f:
                f.write(base64.b64decode(shot["data"]))

    def asked_for(self, host):
        """What the browser's own log has of a name; ends the browser."""
        self.close()
        log = json.loads(rig.read_file(self.net_log))   # whole, or it fails
        return [event for event in log["events"]
                if host in json.dumps(event)]
