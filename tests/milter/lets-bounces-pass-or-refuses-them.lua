-- SPDX-License-Identifier: BSD-2-Clause
-- Mail from the null sender is sealed where there is a key; where there is
-- none, the rule says.
--% policy = (
--%   { name = "strict"; to = [ "@strict.example" ]; seal = [ "openpgp" ]; bounces = "refuse"; },
--%   { name = "said"; to = [ "@said.example" ]; seal = [ "openpgp" ]; bounces = "clear"; },
--%   { name = "explicit"; to = [ "@never.example" ]; seal = [ "openpgp", "refuse" ]; },
--%   { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local function bounce(to, from)
	return send_alone{from = from or "<>", to = to}
end

sealed_ok(bounce("<alice@example.org>"), "a bounce is sealed")
untouched_ok(bounce("<nokey@example.org>"), "without a key it passes")
untouched_ok(bounce("<a@said.example>"), "also where bounces = \"clear\"")
untouched_ok(bounce("<a@never.example>"), "also where \"refuse\" ends the ladder")
reply_ok(bounce("<a@strict.example>").rcpt[1], "550 5.7.1",
    "<a@strict.example>", "with bounces = \"refuse\" it is refused")
reply_ok(bounce("<nokey@example.org>", "<x@y.example>").rcpt[1], "550 5.7.1",
    nil, "a message from somebody is none")
reply_ok(bounce("<nokey@example.org>", "<\"\"@>").rcpt[1], "550 5.7.1",
    nil, "nor is one from a sender that nobody understands")
local result = bounce{"<alice@example.org>", "<nokey@example.org>"}
reply_ok(result.answer, "550 5.7.1", "inject",
    "a bounce to two who differ is refused as any other message")
