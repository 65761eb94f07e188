-- SPDX-License-Identifier: BSD-2-Clause
-- The size of a message is known at its end, and then it decides.
--% policy = ( { name = "huge"; size = ">100k"; seal = [ "refuse" ]; },
--%            { name = "small"; size = "<10k"; seal = [ "openpgp" ]; },
--%            { name = "middle"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local line = ("x"):rep(62) .. "\r\n"

local function sized(lines, to)
	return send_alone{to = to or "<alice@example.org>",
	    body = line:rep(lines)}
end

sealed_ok(sized(10), "a small message falls under the rule for small ones")
local result = sized(1000)
untouched_ok(result, "a larger one under the next")
equal(result.eoh, "continue", "for which its body was needed")
result = sized(2000)
equal(result.rcpt[1], "continue", "at RCPT nothing is known of the size")
reply_ok(result.answer, "550 5.7.1", "huge", "and the largest are refused")
reply_ok(sized(1, "<nokey@example.org>").answer, "550 5.7.1", "small",
    "a small one without a key is refused at the end")
