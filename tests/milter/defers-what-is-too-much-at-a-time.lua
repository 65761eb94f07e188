-- SPDX-License-Identifier: BSD-2-Clause
-- More messages at a time than limits.sessions are deferred at MAIL.
--% limits = { sessions = 2; };
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local first, second, third = open(), open(), open()
equal(mail(first), "continue", "the first is taken")
equal(mail(second), "continue", "and the second")
reply_ok(mail(third), "451 4.3.2", nil, "the third is deferred")
local idle = open()
equal(rcpt(first, "<alice@example.org>"), "continue",
    "those under way do not notice")
header(first, fields())
body(first, secret .. "\r\n")
equal(eom(first), "accept", "and come to their end")
mt.abort(first.conn)
mt.abort(third.conn)
sealed_ok(send(third, {to = "<alice@example.org>"}),
    "then there is a place for the third")

-- ABORT has no answer: the filter may hear of it after the next MAIL.
local function taken(session)
	wait_for(function()
		return mail(session) == "continue"
	end, "a place")
	return true
end

mt.abort(second.conn)
ok(taken(first) and taken(third),
    "an aborted message gives its place back: there are two again")
reply_ok(mail(second), "451 4.3.2", nil, "and no more")
mt.abort(first.conn)
mt.abort(third.conn)
ok(taken(second), "another takes one of them")
local result = send(first, {to = "<nokey@example.org>"})
equal(result.eoh, "accept", "one that passes at the end of its header")
equal(mail(third), "continue", "gives its place back at once")
for _, session in ipairs{first, second, third, idle} do
	close(session)
end
