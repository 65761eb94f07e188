-- SPDX-License-Identifier: BSD-2-Clause
-- A message beyond limits.message cannot be sealed: it is refused, for good,
-- and never let through.
--% limits = { message = "100k"; };
--% policy = ( { name = "must"; to = [ "@example.org" ]; seal = [ "openpgp", "clear" ]; },
--%            { name = "all"; seal = [ "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local line = ("x"):rep(76) .. "\r\n"
local small, large = line:rep(1000), line:rep(2000)

sealed_ok(send_alone{to = "<alice@example.org>", body = small},
    "a message below the limit is sealed")
local result = send_alone{to = "<alice@example.org>", body = large}
reply_ok(result.answer, "55", "larger than this server seals",
    "one above it is refused")
ok(not result.replaced and #result.changes == 0, "and not changed")
result = send_alone{to = "<a@example.net>", body = large}
untouched_ok(result, "what is not to be sealed may be larger")

-- The header counts as well, and its size has a limit of its own.
local list = fields()
for i = 1, 130 do
	table.insert(list, {"X-Filler", " " .. ("y"):rep(900)})
end
result = send_alone{to = "<alice@example.org>", fields = list}
reply_ok(result.answer, "55", nil, "a header above the limit, too")

list = fields()
for i = 1, 5001 do
	table.insert(list, {"X", " " .. i})
end
result = send_alone{to = "<alice@example.org>", fields = list}
reply_ok(result.answer, "55", "header", "more fields than anybody needs, too")

local session = open()
send(session, {to = "<alice@example.org>", body = large})
sealed_ok(send(session, {to = "<alice@example.org>"}),
    "and the next message is sealed")
close(session)
