-- SPDX-License-Identifier: BSD-2-Clause
-- "hold" keeps the message in the MTA's hold queue until a person decides.
--% policy = ( { name = "board"; to = [ "@board.example" ]; seal = [ "openpgp", "hold" ]; },
--%            { name = "all"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local result = send_alone{to = "<a@board.example>"}
equal(result.rcpt[1], "continue", "the recipient is taken")
equal(result.answer, "accept", "the message is accepted")
ok(result.quarantine ~= nil and result.quarantine:find("sealmilter", 1, true),
    "and held, saying by whom", result.quarantine)
ok(not result.replaced and #result.changes == 0, "as it is")

result = send_alone{to = "<a@board.example>",
    fields = fields{{"Sealmilter-Sealed", " forged"}}}
ok(result.quarantine ~= nil and #values(result, "Sealmilter-Sealed") == 0,
    "but without forged marks")
untouched_ok(send_alone{to = "<a@example.net>"}, "others are not held")
