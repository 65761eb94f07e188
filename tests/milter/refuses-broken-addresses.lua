-- SPDX-License-Identifier: BSD-2-Clause
-- What is no address has no key and no rule: it is refused, alone.
--% policy = ( { name = "all"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local session = open()
mail(session)
for _, address in ipairs{"<>", "<@>", "<a@>", "<@b>", "<a@b@c>", "<a b@c>",
    "<\"a@c>", "<a\1b@example.org>", "<a@ex\127ample.org>", "<a@b,c@d>",
    "<a@.example.org>", "<a@example..org>", "<a@exa_mple .org>", "<<a@b>>",
    "<a@example.org", "<a@\255\254>", "<.@>", "<%s%n@>",
    "<" .. ("x"):rep(800) .. "@>"} do
	local answer = rcpt(session, address)
	reply_ok(answer, "550 5.7.1", nil, "refused: " ..
	    address:gsub("[^ -~]", "?"):sub(1, 40))
	ok(not answer:find("[^ -~]") and #answer < 512,
	    "with a reply of one clean line")
end
equal(rcpt(session, "<alice@example.org>"), "continue",
    "and the next one is taken")
equal(header(session, fields()), "accept", "and gets the message")
close(session)

-- Senders are not looked at that closely: the MTA took them.
for _, from in ipairs{"<a@b@c>", "<\255>", "<" .. ("x"):rep(800) .. ">", "<",
    "", ">", "x", "<x>"} do
	session = open()
	equal(mail(session, from), "continue", "a sender such as " ..
	    from:gsub("[^ -~]", "?"):sub(1, 40) .. " is taken")
	rcpt(session, "<alice@example.org>")
	close(session)
end
