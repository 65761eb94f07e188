-- SPDX-License-Identifier: BSD-2-Clause
-- An MTA that goes away at any point leaves nothing behind: with one message
-- allowed at a time, the next one works.
--% limits = { sessions = 1; spool_memory = "1k"; };
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local steps = {
    {"behind MAIL", function(s)
	mail(s)
    end},
    {"behind RCPT", function(s)
	mail(s)
	rcpt(s, "<alice@example.org>")
    end},
    {"in the header", function(s)
	mail(s)
	rcpt(s, "<alice@example.org>")
	mt.header(s.conn, "X-Lost", " yes")
    end},
    {"in the body", function(s)
	mail(s)
	rcpt(s, "<alice@example.org>")
	header(s, fields())
	body(s, ("y"):rep(100, "\r\n"):rep(50))
    end}}

-- The filter hears of it a moment later.
local function next_one()
	local result
	wait_for(function()
		result = send_alone{to = "<alice@example.org>"}
		return result.mail == "continue"
	end, "a place for the next message")
	return result
end

for _, politely in ipairs{true, false} do
	for _, step in ipairs(steps) do
		local session = open("192.0.2.7", direct)
		step[2](session)
		close(session, politely)
		sealed_ok(next_one(), "gone " .. step[1] ..
		    (politely and " with QUIT" or " without a word") ..
		    ": the next message is sealed")
	end
end

for _ = 1, 30 do
	close(open("192.0.2.7", direct), false)
	close({conn = mt.connect(direct)}, false)
end
sealed_ok(next_one(), "connections that say nothing cost nothing")
