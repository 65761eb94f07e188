-- SPDX-License-Identifier: BSD-2-Clause
-- Everybody can write a Subject or a field: what strangers write counts for
-- nothing, and is decided at RCPT without looking.
--% policy = (
--%   { name = "tagged"; subject = "[secure]"; seal = [ "refuse" ]; },
--%   { name = "marked"; header = "X-Seal: no"; seal = [ "clear" ]; },
--%   { name = "weaker"; subject = "[open]"; seal = [ "clear" ]; },
--%   { name = "must"; to = [ "alice@example.org" ]; seal = [ "openpgp" ]; },
--%   { name = "all"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local function from_stranger(to, client, subject)
	return send_alone({to = to, fields = {
	    {"Subject", subject or " [open] [secure] x"},
	    {"X-Seal", " no"}, {"Content-Type", " text/plain"}}}, client)
end

sealed_ok(from_stranger("<alice@example.org>", "192.0.2.7"),
    "a stranger's tag does not open what is to be sealed")
local result = from_stranger("<a@example.net>", "192.0.2.7")
untouched_ok(result, "nor close what is clear; and the tag stays")
equal(result.eoh, "accept", "nor is the body needed for that")
sealed_ok(from_stranger("<alice@example.org>", "unspec"),
    "somebody unknown is a stranger")
sealed_ok(from_stranger("<alice@example.org>", "127.0.0.1",
    " [open] x"),
    "not even a local client's tag opens anything")
reply_ok(from_stranger("<a@example.net>", "127.0.0.1").answer, "550 5.7.1",
    nil, "but it can close")

-- Without brackets, as sendmail(1) gives it, but from another machine: some
-- clients write MAIL FROM:a@b, and Postfix hands that on.
result = send_alone({from = "sender@client.example", to = "<a@example.net>",
    fields = {{"Subject", " [secure] x"}}}, "192.0.2.7")
untouched_ok(result, "a stranger without brackets is a stranger")
