-- SPDX-License-Identifier: BSD-2-Clause
-- More messages at a time than limits.sessions are deferred, at RCPT: MAIL
-- gets no answer, which saves the MTA a wait with every message.
--% limits = { sessions = 2; };
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local function begin(session)
	mail(session)
	return rcpt(session, "<alice@example.org>")
end

local first, second, third = open(), open(), open()
equal(begin(first), "continue", "the first is taken")
equal(begin(second), "continue", "and the second")
reply_ok(begin(third), "451 4.3.2", nil, "the third is deferred")
reply_ok(rcpt(third, "<nokey@example.org>"), "451 4.3.2", nil,
    "for each of its recipients")
mt.abort(third.conn)
mail(third, "local@client.example")
equal(rcpt(third, "alice@example.org"), "continue",
    "what does not come by SMTP is not refused at RCPT")
reply_ok(header(third, fields()), "451 4.3.2", nil,
    "but deferred at the end of its header")
local idle = open()
header(first, fields())
body(first, secret .. "\r\n")
equal(eom(first), "accept", "those under way do not notice")
mt.abort(first.conn)
mt.abort(third.conn)
sealed_ok(send(third, {to = "<alice@example.org>"}),
    "then there is a place for the third")

-- ABORT has no answer: the filter may hear of it after the next MAIL.
local function taken(session)
	wait_for(function()
		return begin(session) == "continue"
	end, "a place")
	return true
end

mt.abort(second.conn)
ok(taken(first) and taken(third),
    "an aborted message gives its place back: there are two again")
reply_ok(begin(second), "451 4.3.2", nil, "and no more")
mt.abort(second.conn)
mt.abort(first.conn)
mt.abort(third.conn)
ok(taken(second), "another takes one of them")
local result = send(first, {to = "<nokey@example.org>"})
equal(result.eoh, "accept", "one that passes at the end of its header")
equal(begin(third), "continue", "gives its place back at once")
for _, session in ipairs{first, second, third, idle} do
	close(session)
end
