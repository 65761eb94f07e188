-- SPDX-License-Identifier: BSD-2-Clause
-- RSET at any point: the next message begins with nothing.
--% limits = { sessions = 1; };
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local session = open()

local function after(name, steps)
	mail(session)
	steps()
	mt.abort(session.conn)
	local result = send(session, {to = "<alice@example.org>"})
	sealed_ok(result, "a message after an abort " .. name .. " is sealed")
	equal(#values(result, "X-Forgotten"), 0, "and has nothing of the other")
	ok(not values(result, "Sealmilter-Sealed")[1]:find(",", 1, true),
	    "nor its recipients")
end

after("behind MAIL", function() end)
after("behind RCPT", function()
	rcpt(session, "<bob@example.org>")
end)
after("in the header", function()
	rcpt(session, "<bob@example.org>")
	mt.header(session.conn, "X-Forgotten", " yes")
end)
after("behind the header", function()
	rcpt(session, "<bob@example.org>")
	header(session, {{"X-Forgotten", " yes"}})
end)
after("in the body", function()
	rcpt(session, "<bob@example.org>")
	header(session, {{"X-Forgotten", " yes"}})
	body(session, ("x"):rep(70, "\r\n"):rep(1000))
end)
after("of a message that was to pass", function()
	rcpt(session, "<nokey@example.org>")
	header(session, {{"X-Forgotten", " yes"}})
end)

-- MAIL again without RSET, as after an answer that the MTA did not like.
mail(session)
rcpt(session, "<bob@example.org>")
mt.abort(session.conn)
mt.abort(session.conn)
mail(session)
mt.abort(session.conn)
sealed_ok(send(session, {to = "<alice@example.org>"}),
    "a message after several aborts is sealed")
close(session)
sealed_ok(send_alone{to = "<alice@example.org>"},
    "and all of them are counted as over")
