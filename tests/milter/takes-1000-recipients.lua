-- SPDX-License-Identifier: BSD-2-Clause
-- A thousand recipients are one message and one copy.
--% policy = ( { name = "must"; to = [ "@example.org" ]; seal = [ "openpgp" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local function many(make)
	local list = {}
	for i = 1, 1000 do
		table.insert(list, make(i))
	end
	return list
end

local result = send_alone{to = many(function(i)
	return ("<user%d@example.net>"):format(i)
end)}
equal(result.eoh, "accept", "a thousand without a key pass clear")

result = send_alone{to = many(function(i)
	return i % 2 == 0 and "<alice@example.org>" or "<bob@example.org>"
end)}
sealed_ok(result, "a thousand with two keys between them share one copy")

result = send_alone{to = many(function(i)
	return i == 999 and "<alice@example.org>" or
	    ("<nokey%d@example.org>"):format(i)
end)}
local refused = 0
for i = 1, 1000 do
	if result.rcpt[i]:sub(1, 9) == "550 5.7.1" then
		refused = refused + 1
	end
end
equal(refused, 999, "999 without a key are refused one by one")
sealed_ok(result, "and the one with a key gets the message")

result = send_alone({from = "me@example.org", to = many(function(i)
	return ("nokey%d@example.org"):format(i)
end)}, "127.0.0.1")
reply_ok(result.answer, "550 5.7.1", "and 996 more",
    "a reply that names all of them would be too long: it counts")
ok(#result.answer < 512, "and is one line of SMTP")
