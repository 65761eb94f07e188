-- SPDX-License-Identifier: BSD-2-Clause
-- tls = "require" refuses clients that did not use TLS, whatever there is of
-- keys; local ones are exempt.
--% policy = (
--%   { name = "private"; to = [ "@example.org" ]; tls = "require"; seal = [ "openpgp", "clear" ]; },
--%   { name = "all"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local tls = {["{tls_version}"] = "TLSv1.3"}

for _, to in ipairs{"<alice@example.org>", "<nokey@example.org>"} do
	reply_ok(send_alone{to = to}.rcpt[1], "550 5.7.1", "TLS",
	    "without TLS, " .. to .. " is refused at RCPT")
end
sealed_ok(send_alone{to = "<alice@example.org>", macros = tls},
    "with TLS it is sealed")
untouched_ok(send_alone{to = "<nokey@example.org>", macros = tls},
    "or as the ladder says")
sealed_ok(send_alone({to = "<alice@example.org>"}, "127.0.0.1"),
    "a local client needs no TLS")
untouched_ok(send_alone{to = "<a@example.net>"}, "who else is not asked")

-- Without brackets around its addresses, a stranger is still one.
local result = send_alone{from = "sender@client.example",
    to = "alice@example.org"}
reply_ok(result.answer, "550 5.7.1", "TLS",
    "nor does it help to leave out the brackets")

-- A message with TLS says nothing about the connection of the next one.
local session = open()
send(session, {to = "<alice@example.org>", macros = tls})
reply_ok(send(session, {to = "<alice@example.org>"}).answer, "550 5.7.1",
    "TLS", "what one message said does not count for the next")
close(session)
