-- SPDX-License-Identifier: BSD-2-Clause
-- Whether there is a key cannot be told without the store: that is 451,
-- never "no key" and never clear.
--% policy = ( { name = "open"; to = [ "@open.example" ]; seal = [ "clear" ]; },
--%            { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

sealed_ok(send_alone{to = "<alice@example.org>"}, "while it is there, it seals")
untouched_ok(send_alone{to = "<nokey@example.org>"}, "and lets pass")

local session = open()
mail(session)
equal(rcpt(session, "<alice@example.org>"), "continue", "a message begins")

for _, rest in ipairs{"", "-wal", "-shm"} do
	os.remove(state .. "/store.db" .. rest)
end

deferred_ok(rcpt(session, "<nokey@example.org>"),
    "with the store gone, its next recipient is deferred")
header(session, fields())
body(session, secret .. "\r\n")
local answer, list = eom(session)
ok(answer == "accept" or answer:sub(1, 3) == "451",
    "the one before may be sealed or deferred", answer)
ok(answer ~= "accept" or list[1].command ~= "a", "but never passes clear")
close(session)

for _, to in ipairs{"<alice@example.org>", "<nokey@example.org>"} do
	deferred_ok(send_alone{to = to}.rcpt[1], to .. " is deferred at RCPT")
end
local result = send_alone{from = "<>", to = "<nokey@example.org>"}
deferred_ok(result.answer, "a bounce as well")
result = send_alone({from = "me@example.org", to = "nokey@example.org"},
    "127.0.0.1")
equal(result.rcpt[1], "continue", "local submission is not stopped at RCPT")
deferred_ok(result.answer, "but deferred at the end")
untouched_ok(send_alone{to = "<a@open.example>"},
    "who needs no key still gets mail")
ok(read_file(log):find("store", 1, true), "and the log says why")
