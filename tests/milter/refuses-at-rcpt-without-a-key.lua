-- SPDX-License-Identifier: BSD-2-Clause
-- Whoever must get sealed mail and has no key is refused at RCPT, alone and
-- by name.
--% keys = { sources = [ "store", "gnupg" ]; gnupg_home = "@DIR@/gnupg"; };
--% policy = ( { name = "must"; seal = [ "openpgp" ]; } );
--! keys alice bob
--! gnupg expired sign-only revoked
dofile(here .. "/milter.lua")

local session = open()
mail(session)
reply_ok(rcpt(session, "<nokey@example.org>"), "550 5.7.1",
    "<nokey@example.org>: no key; policy \"must\"",
    "the reply names the recipient and says why")
equal(rcpt(session, "<alice@example.org>"), "continue",
    "the next one is taken")
reply_ok(rcpt(session, "<alice@example.org.evil.example>"), "550 5.7.1", nil,
    "an address that only begins like one with a key has none")
reply_ok(rcpt(session, "<lice@example.org>"), "550 5.7.1", nil,
    "nor has one that only ends like it")
equal(rcpt(session, "<bob@example.org>"), "continue", "and one more")
header(session, fields())
body(session, secret .. "\r\n")
local answer = eom(session)
equal(answer, "accept", "the message to those two is sealed")
mt.abort(session.conn)

mail(session)
for _, key in ipairs{{"expired", "expired"}, {"revoked", "revoked"},
    {"sign-only", "encrypt"}} do
	reply_ok(rcpt(session, "<" .. key[1] .. "@example.org>"), "550 5.7.1",
	    key[2], "the reply says why the key of " .. key[1] .. " is no good")
end
close(session)

session = open()
local result = send(session, {to = {"<a@example.org>", "<b@example.org>"}})
reply_ok(result.rcpt[2], "550 5.7.1", "<b@example.org>",
    "nobody with a key: both are refused")
sealed_ok(send(session, {to = "<bob@example.org>"}),
    "and the connection is good for the next message")
close(session)
