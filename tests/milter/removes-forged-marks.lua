-- SPDX-License-Identifier: BSD-2-Clause
-- Nobody else may say that a message was sealed here.
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local function forged()
	return fields{{"Sealmilter-Sealed", " form=openpgp; key=1; at=rest"},
	    {"X-Other", " 1"},
	    {"sealmilter-sealed", " form=openpgp; key=2; at=rest"},
	    {"Sealmilter-Pass", " yes"},
	    {"SEALMILTER-SEALED", " form=openpgp; key=3; at=rest"}}
end

local result = send_alone{to = "<nokey@example.org>", fields = forged()}
equal(result.eoh, "continue", "a message with marks is looked at to its end")
equal(result.answer, "accept", "it passes")
equal(#values(result, "Sealmilter-Sealed"), 0, "without any of the marks")
equal(#values(result, "Sealmilter-Pass"), 0, "whatever they are called")
equal(#values(result, "X-Other"), 1, "and with all else")
ok(not result.replaced, "its body is as it was")
local order = {}
for _, change in ipairs(result.changes) do
	table.insert(order, change.name:lower() .. change.index)
end
equal(table.concat(order, " "), "sealmilter-sealed3 sealmilter-pass1" ..
    " sealmilter-sealed2 sealmilter-sealed1",
    "they were deleted from the last to the first")

result = send_alone{to = "<alice@example.org>", fields = forged()}
sealed_ok(result, "a sealed message has one mark, and that is ours")
ok(values(result, "Sealmilter-Sealed")[1]:find("key=8BEA", 1, true),
    "with the key it was sealed to", values(result, "Sealmilter-Sealed")[1])

-- A mark saves nobody from being sealed.
result = send_alone{to = "<alice@example.org>", fields = {
    {"Sealmilter-Sealed", " form=openpgp; key=8BEA; at=rest"},
    {"Content-Type", " text/plain"}}}
sealed_ok(result, "a message with a forged mark is sealed all the same")
