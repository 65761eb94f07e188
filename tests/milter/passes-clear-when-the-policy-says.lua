-- SPDX-License-Identifier: BSD-2-Clause
-- Whoever may get clear text and has no key gets the message as it is, and
-- its body is not even asked for.
--% policy = ( { name = "must"; to = [ "@must.example" ]; seal = [ "openpgp" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local result = send_alone{to = "<nokey@example.org>"}
untouched_ok(result, "a message is not touched where the ladder ends in clear")
equal(result.eoh, "accept", "and its body is not sent to us")

result = send_alone{to = {"<nokey@example.org>", "<other@example.net>"}}
equal(result.eoh, "accept", "nor for two who get it clear")

-- The MTA goes on with the next message on the same connection.
local session = open()
result = send(session, {to = "<nokey@example.org>"})
equal(result.eoh, "accept", "a first message of a connection passes")
sealed_ok(send(session, {to = "<alice@example.org>"}),
    "and the one behind it is sealed")
close(session)

-- Who gets nothing in clear does not get it for the company.
result = send_alone{to = {"<nokey@example.org>", "<a@must.example>"}}
equal(result.rcpt[1], "continue", "one is taken")
reply_ok(result.rcpt[2], "550 5.7.1", "<a@must.example>",
    "and the one who must have a key is refused")
