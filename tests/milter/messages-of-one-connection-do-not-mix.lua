-- SPDX-License-Identifier: BSD-2-Clause
-- What was known of one message is gone with the next.
--% policy = ( { name = "must"; to = [ "alice@example.org" ]; seal = [ "openpgp" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local session = open()

local function key_of(result)
	return values(result, "Sealmilter-Sealed")[1]:match("key=(%x+);")
end

local first = send(session, {to = "<alice@example.org>"})
local second = send(session, {to = "<bob@example.org>"})
sealed_ok(first, "the first message is sealed")
sealed_ok(second, "and the second")
ok(key_of(first) and key_of(second) and key_of(first) ~= key_of(second),
    "to the other's key only", key_of(first), key_of(second))
untouched_ok(send(session, {to = "<nokey@example.org>"}),
    "a clear one in between stays clear")
sealed_ok(send(session, {to = "<alice@example.org>"}),
    "and the one behind it is sealed")

local login = {["{auth_authen}"] = "user"}
send(session, {to = "<alice@example.org>", macros = login})
local result = send(session, {to = {"<alice@example.org>",
    "<nokey@example.org>"}})
reply_ok(result.answer, "550 5.7.1", "inject", "a refused one")
result = send(session, {to = "<alice@example.org>", fields = {
    {"From", " x@client.example"}}, body = "short\r\n"})
sealed_ok(result, "leaves nothing to the next")
equal(#values(result, "X-Old"), 0, "no field")

-- Two connections at a time, step by step.
local other = open()
mail(session)
mail(other, "<>")
rcpt(session, "<alice@example.org>")
rcpt(other, "<bob@example.org>")
header(session, fields())
header(other, fields())
body(other, "other " .. secret .. "\r\n")
body(session, "this " .. secret .. "\r\n")
equal(eom(session), "accept", "two connections at a time: the one")
equal(eom(other), "accept", "and the other")
close(other)
close(session)
local log_text = read_file(log)
ok(log_text:find("to=<bob@example.org>, from=<>", 1, true) and
    not log_text:find("to=<alice@example.org>, from=<>", 1, true),
    "and each keeps its own sender")
