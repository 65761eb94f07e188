-- SPDX-License-Identifier: BSD-2-Clause
-- Whoever has a key gets the message sealed, and nothing of it outside.
--% policy = ( { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local message = {to = "<alice@example.org>",
    fields = fields{{"Content-Transfer-Encoding", " 7bit"},
	{"Content-Language", " en"}}}
local result = send_alone(message)

sealed_ok(result, "the body is replaced by ciphertext")
equal(result.rcpt[1], "continue", "the recipient is taken")
equal(values(result, "Subject")[1], " [...]", "the Subject says nothing")
equal(#values(result, "Content-Transfer-Encoding"), 0,
    "the original's Content-Transfer-Encoding is not outside")
equal(#values(result, "Content-Language"), 0,
    "nor any other of its Content fields")
equal(values(result, "From")[1], " Sender <sender@client.example>",
    "From stays")
equal(values(result, "MIME-Version")[1], " 1.0", "MIME-Version stays")
local mark = values(result, "Sealmilter-Sealed")[1]
ok(mark ~= nil and mark:find("^ form=openpgp; key=%x+; at=rest$"),
    "Sealmilter-Sealed tells form, key and place", mark)

-- A message can do without what it should have.
result = send_alone{to = "<alice@example.org>",
    fields = {{"From", " sender@client.example"}}, body = ""}
ok(is_sealed(result) and values(result, "MIME-Version")[1] == " 1.0",
    "a message without MIME fields and body gets the ones it needs")

result = send_alone{to = {"<alice@example.org>", "<bob@example.org>"}}
sealed_ok(result, "two recipients share one copy")
