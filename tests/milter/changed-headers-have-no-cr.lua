-- SPDX-License-Identifier: BSD-2-Clause
-- Folds are LF alone towards the MTA: with CR, Postfix writes CR CR LF to the
-- wire, and strict readers lose the header there.
--% policy = ( { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice bob carol
dofile(here .. "/milter.lua")

local function no_cr(result, name)
	local folded, good = 0, true
	for _, change in ipairs(result.changes) do
		good = good and not change.value:find("[\r%z]") and
		    not change.value:find("\n[^ \t]") and
		    not change.value:find("\n$")
		if change.value:find("\n", 1, true) then
			folded = folded + 1
		end
	end
	ok(good and folded > 0, name)
end

no_cr(send_alone{to = {"<alice@example.org>", "<bob@example.org>",
    "<carol@example.org>"}, fields = fields{
    {"To", " alice@example.org, bob@example.org, carol@example.org"}}},
    "Content-Type and the mark are folded by LF alone")

-- Folds of the original come from an MTA as LF.
local result = send_alone{to = "<alice@example.org>", fields = {
    {"Subject", " folded\n\tby somebody"},
    {"Content-Type", " multipart/mixed;\n\tboundary=\"x\""},
    {"X-Folded", " one\n\ttwo"}}, body = "--x\r\n\r\nhello\r\n--x--\r\n"}
sealed_ok(result, "a message with folded fields is sealed")
no_cr(result, "and what replaces them has no CR")
equal(values(result, "X-Folded")[1], " one\n\ttwo",
    "a folded field that stays is not touched")

-- The body is CRLF and 7-bit, and its lines are short.
local long, bare = 0, result.body:gsub("\r\n", "")
for line in result.body:gmatch("([^\r\n]*)\r\n") do
	long = math.max(long, #line)
end
ok(not bare:find("[\r\n\128-\255%z]") and long <= 78 and
    result.body:sub(-2) == "\r\n", "the body is CRLF, 7-bit, in short lines")
