-- SPDX-License-Identifier: BSD-2-Clause
-- Deleting a field renumbers those behind it: what is there twice goes from
-- the last to the first.
--% policy = ( { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local result = send_alone{to = "<alice@example.org>", fields = {
    {"Content-Type", " text/plain"},
    {"Subject", " first " .. secret},
    {"Content-Transfer-Encoding", " 7bit"},
    {"content-type", " text/html"},
    {"Subject", " second " .. secret},
    {"Content-Description", " one"},
    {"Content-Transfer-Encoding", " quoted-printable"},
    {"CONTENT-DESCRIPTION", " two"},
    {"MIME-Version", " 1.0"},
    {"mime-version", " 1.0 (again)"},
    {"Content-Type", " image/png"},
    {"Content-Description", " three"},
    {"X-Kept", " yes"}}}

sealed_ok(result, "a message with everything twice is sealed")
local kinds = values(result, "Content-Type")
equal(#kinds, 1, "one Content-Type is left")
equal(#values(result, "Content-Transfer-Encoding"), 0,
    "no Content-Transfer-Encoding")
equal(#values(result, "Content-Description"), 0, "no Content-Description")
equal(#values(result, "MIME-Version"), 1, "one MIME-Version")
equal(values(result, "MIME-Version")[1], " 1.0", "with its value")
equal(#values(result, "Subject"), 1, "one Subject")
equal(values(result, "Subject")[1], " [...]", "that says nothing")
equal(values(result, "X-Kept")[1], " yes", "and the rest is there")

-- What was deleted is never named again with an index behind it.
local lowest = {}
local descending = true
for _, change in ipairs(result.changes) do
	if change.index ~= nil and change.value == "" then
		local name = change.name:lower()
		descending = descending and
		    change.index < (lowest[name] or math.huge)
		lowest[name] = change.index
	end
end
ok(descending, "deletions go down")
