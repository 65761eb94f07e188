-- SPDX-License-Identifier: BSD-2-Clause
-- A message that is edited in place has one form.
--% policy = ( { name = "held"; to = [ "@held.example" ]; seal = [ "hold" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local function differ(first, second, name)
	local result = send_alone{to = {first, second}}
	equal(result.rcpt[2], "continue", name .. ": both are taken at RCPT")
	reply_ok(result.answer, "550 5.7.1", "inject",
	    "the end says what to configure")
	ok(not result.replaced and #result.changes == 0 and
	    result.quarantine == nil, "and nothing was changed")
end

differ("<alice@example.org>", "<nokey@example.org>", "sealed and clear")
differ("<nokey@example.org>", "<bob@example.org>", "clear and sealed")
differ("<a@held.example>", "<alice@example.org>", "held and sealed")
differ("<nokey@example.org>", "<a@held.example>", "clear and held")
