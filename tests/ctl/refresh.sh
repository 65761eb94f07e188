#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# sealctl key refresh: CRLs come from where certificates say, count at once,
# and only if they are what they should be.  The server is of our own.
. "$(dirname "$0")/ctl.sh"
certs=$(cd "$source/tests/certs" && pwd)

# What it does is in the path; it ends with its standard input.
cat >"$work/server.py" <<'END'
import http.server, os, sys, threading
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        with open("asked", "a") as f:
            f.write(self.path + "\n")
    def do_GET(self):
        self.log_message()
        if self.path == "/stuck.crl":
            threading.Event().wait()
        elif self.path == "/endless.crl":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"0" * 65536)
            except OSError:
                pass
        elif self.path == "/moved.crl":
            self.send_response(302)
            self.send_header("Location", "/ca.crl")
            self.end_headers()
        elif self.path == "/to-a-file.crl":
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname")
            self.end_headers()
        else:
            super().do_GET()
os.chdir(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
END
mkdir "$work/www"
mkfifo "$work/port" "$work/alive"
python3 "$work/server.py" "$work/www" <"$work/alive" >"$work/port" &
exec 9>"$work/alive"
read -r port <"$work/port"
site=http://127.0.0.1:$port

# An authority of our own time, and people whose certificates name its CRL.
cat >"$work/ca.conf" <<END
[ca]
default_ca = any
[any]
database = $work/index
new_certs_dir = $work
default_md = sha256
END
ca() { openssl ca -batch -config "$work/ca.conf" "$@" 2>/dev/null; }
crl() { # crl FILE START END - in DER
	ca -gencrl -cert "$certs/ca.crt" -keyfile "$certs/ca.key" \
	    -crl_lastupdate "$2" -crl_nextupdate "$3" -out "$work/crl.pem"
	openssl crl -in "$work/crl.pem" -outform DER -out "$work/www/$1"
}
person() { # person NAME URL
	cat >"$work/ext" <<END
subjectAltName = email:$1@example.org
keyUsage = digitalSignature, keyEncipherment
crlDistributionPoints = URI:$2
END
	openssl req -new -key "$certs/alice.key" -subj "/CN=$1" \
	    -out "$work/req"
	openssl x509 -req -in "$work/req" -CA "$certs/ca.crt" \
	    -CAkey "$certs/ca.key" -days 1000 -extfile "$work/ext" \
	    -out "$work/$1.crt" 2>/dev/null
}
configure() { # configure OPTIONS-OF-KEYS
	cat >"$work/conf" <<END
state = "$work/state";
user = "";
keys = { smime_trust = "$certs/ca.crt"; $1 };
policy = ( { name = "all"; seal = [ "smime" ]; } );
END
}
day() { date -u -d "$1" +%Y%m%d000000Z; }
asked() { grep -qxF "$1" "$work/www/asked" 2>/dev/null; }
not_asked() { ! asked "$1"; }
one_file() { [ "$(find "$work/state/crl" -type f | wc -l)" -eq 1 ]; }
fast='crl_fetch_seconds = 1; crl_fetch_private = true;'

: >"$work/index"
person good "$site/ca.crl"
person bad "$site/ca.crl"
configure ""
sealctl key import "$work/good.crt" "$work/bad.crt"
ok "two certificates that name a CRL are imported" lines 2
sealctl key refresh
ok "by default nothing is fetched" err "keys.crl_fetch is not set"
ok "which is refused" is "$status" 1
configure "crl_fetch = true;"
crl ca.crl "$(day yesterday)" "$(day '+30 days')"
sealctl key refresh
ok "nor from a private address, unless it may be" \
    err "127.0.0.1 is an address of a private network"
ok "which is temporary" is "$status" 75
ok "and nobody was asked" not_asked /ca.crl

configure "crl_fetch = true; $fast"
sealctl key refresh
ok "the CRL is fetched" out "fetched $site/ca.crl (0 revoked, good until"
ok "once for both" lines 1
ok "and kept" one_file
sealctl key find --smime bad@example.org
ok "who is not in it is used" is "$status" 0
ca -revoke "$work/bad.crt" -cert "$certs/ca.crt" -keyfile "$certs/ca.key"
crl ca.crl "$(day today)" "$(day '+31 days')"
sealctl key refresh
ok "a newer one takes its place" out "(1 revoked, good until"
sealctl key find --smime bad@example.org
ok "who is in it is not used" out "revoked, says its authority"
sealctl key find --smime good@example.org
ok "but the others are" is "$status" 0
sealctl key refresh
ok "fetched again, it is unchanged" out "unchanged $site/ca.crl"

# --- what is not taken; the one that is there stays

wrong() { # wrong NAME WHY
	sealctl key refresh
	ok "$1" err "$2"
	ok "$1: that is temporary" is "$status" 75
	sealctl key find --smime bad@example.org
	ok "$1: what was known stays known" out "revoked, says its authority"
}
: >"$work/index"
crl ca.crl "$(day '-3 days')" "$(day '+31 days')"
sealctl key refresh
ok "an older one takes nothing back" out "unchanged $site/ca.crl"
sealctl key find --smime bad@example.org
ok "so who was revoked stays so" out "revoked, says its authority"
crl ca.crl "$(day '-9 days')" "$(day yesterday)"
wrong "one that is out of date is not taken" "it is out of date"
crl ca.crl "$(day '+2 days')" "$(day '+31 days')"
wrong "nor one of a later time" "it does not count yet"
openssl ca -batch -config "$work/ca.conf" -gencrl -cert "$certs/ca-sub.crt" \
    -keyfile "$certs/ca-sub.key" -crldays 30 -out "$work/www/ca.crl" \
    2>/dev/null
wrong "nor that of another authority" "it is of another authority"
crl ca.crl "$(day yesterday)" "$(day '+32 days')"
size=$(wc -c <"$work/www/ca.crl")
printf 'x' | dd of="$work/www/ca.crl" bs=1 seek=$((size - 9)) conv=notrunc \
    2>/dev/null
wrong "nor one with a broken signature" "the authority did not sign it"
echo "<html>" >"$work/www/ca.crl"
wrong "nor a page for people" "it is no CRL"
rm "$work/www/ca.crl"
wrong "nor an error of the server" "404"

# --- servers that are no good; others are asked all the same

crl ca.crl "$(day today)" "$(day '+33 days')"
for name in stuck endless to-a-file moved; do
	person "$name" "$site/$name.crl"
	sealctl key import "$work/$name.crt"
done
person a-file "file://$work/www/ca.crl"
sealctl key import "$work/a-file.crt"
sealctl key refresh
ok "a server that does not answer is not waited for" \
    err "$site/stuck.crl: Operation timed out"
ok "one that sends without end is cut off" \
    err "$site/endless.crl: it is larger than"
ok "a redirection to a file is not followed" err "$site/to-a-file.crl: Protocol"
ok "one to another page is" out "fetched $site/moved.crl"
ok "only the web is asked" sh -c "! grep -q file:// '$work/out' '$work/err'"
ok "no half of anything is left behind" \
    sh -c "! ls -A '$work/state/crl' | grep -v '\.crl\$'"

# --- what is on the disk

for file in "$work"/state/crl/*; do
	head -c 100 "$file" >"$work/half"
	cp "$work/half" "$file"
done
sealctl key find --smime good@example.org
ok "a file there that is damaged is a fault, not an answer" is "$status" 75
configure ""
sealctl key find --smime bad@example.org
ok "without keys.crl_fetch the folder is not looked at" is "$status" 0

exec 9>&-
wait
echo "1..$count"
[ "$failed" -eq 0 ]
