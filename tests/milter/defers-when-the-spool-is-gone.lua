-- SPDX-License-Identifier: BSD-2-Clause
-- A message that cannot be kept while it is collected is deferred, and never
-- let through.
--% limits = { spool_memory = "1k"; };
--% policy = ( { name = "open"; to = [ "@open.example" ]; seal = [ "clear" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local large = (("x"):rep(76) .. "\r\n"):rep(3000)

sealed_ok(send_alone{to = "<alice@example.org>", body = large},
    "while there is room, a message beyond memory is sealed")

local spool = state .. "/spool"
assert(os.rename(spool, spool .. ".away"))
local result = send_alone{to = "<alice@example.org>", body = large}
equal(result.rcpt[1], "continue", "without it, the recipient is taken")
deferred_ok(result.answer, "and the message deferred")
ok(not result.replaced and #result.changes == 0, "nothing was changed")
untouched_ok(send_alone{to = "<a@open.example>", body = large},
    "clear mail does not need it")

assert(os.rename(spool .. ".away", spool))
sealed_ok(send_alone{to = "<alice@example.org>", body = large},
    "and when it is back, all is well")
