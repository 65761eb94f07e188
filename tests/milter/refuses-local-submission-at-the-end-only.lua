-- SPDX-License-Identifier: BSD-2-Clause
-- sendmail(1) cannot be told at RCPT that somebody is refused: Postfix would
-- try again for ever.  It gives addresses without brackets; the end of the
-- message refuses.
--% policy = ( { name = "open"; to = [ "@open.example" ]; seal = [ "clear" ]; },
--%            { name = "must"; seal = [ "openpgp" ]; } );
--! keys alice mallory
dofile(here .. "/milter.lua")

local function submit(to)
	return send_alone({from = "sender@client.example", to = to},
	    "127.0.0.1")
end

local result = submit("nokey@example.org")
equal(result.rcpt[1], "continue", "RCPT takes somebody without a key")
reply_ok(result.answer, "550 5.7.1", "<nokey@example.org>",
    "the end of the message refuses, naming the recipient")
ok(not result.replaced and #result.changes == 0, "and nothing was changed")

result = submit{"alice@example.org", "nokey@example.org", "no2@example.org"}
reply_ok(result.answer, "550 5.7.1", "<nokey@example.org>",
    "one with a key and two without: all of it is refused")
ok(result.answer:find("<no2@example.org>", 1, true) and
    not result.answer:find("alice", 1, true), "naming those two only")

sealed_ok(submit("alice@example.org"), "an address without brackets is sealed")
result = submit("lice@example.org")
reply_ok(result.answer, "550 5.7.1", "<lice@example.org>: no key",
    "and finds nobody else's key")
result = submit("no address")
equal(result.rcpt[1], "continue", "RCPT takes what is no address, too")
reply_ok(result.answer, "5", nil, "and the end refuses it")
equal(submit("a@open.example").eoh, "accept", "clear is clear")

-- The null sender looks like this on this way.
result = send_alone({from = "", to = "nokey@example.org"}, "127.0.0.1")
equal(result.answer, "accept", "a bounce made here is not refused")
