-- SPDX-License-Identifier: BSD-2-Clause
-- Where the Subject stays visible, the tag is removed from it, sealed or not.
--% policy = (
--%   { name = "tagged"; subject = "[secure]"; seal = [ "openpgp" ]; hide_subject = false; },
--%   { name = "careful"; subject = "[held]"; seal = [ "hold" ]; },
--%   { name = "same"; subject = "[as is]"; seal = [ "clear" ]; },
--%   { name = "all"; seal = [ "clear" ]; hide_subject = false; } );
--! keys alice
dofile(here .. "/milter.lua")

local login = {["{auth_authen}"] = "user"}

local function subject(to, text)
	local list = fields()
	list[5] = {"Subject", text}
	local result = send_alone{to = to, macros = login, fields = list}
	return values(result, "Subject")[1], result
end

local value, result = subject("<alice@example.org>", " [secure] plans")
sealed_ok(result, "the message is sealed")
equal(value, " plans", "its Subject is shown without the tag")
value = subject("<alice@example.org>", " Re: [secure] plans")
equal(value, " Re: plans", "also after Re:")
value, result = subject("<a@example.net>", " [as is] plans")
equal(value, " plans", "a tag that leaves the message clear goes as well")
ok(not result.replaced and result.answer == "accept",
    "and nothing else is changed")
value, result = subject("<a@example.net>", " [held] plans")
equal(value, " plans", "and one that holds it")
ok(result.quarantine ~= nil, "which it does")
