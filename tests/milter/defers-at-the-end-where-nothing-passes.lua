-- SPDX-License-Identifier: BSD-2-Clause
-- Where nothing passes clear, the end of a header gets no answer: what could
-- not be told at RCPT, nor there, is told at the end.
--% limits = { sessions = 1; };
--% policy = ( { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local first, second = open(), open()
ok(mt.test_option(first.conn, SMFIP_NR_EOH),
    "no answer is promised for the end of a header")
mail(first)
equal(rcpt(first, "<alice@example.org>"), "continue", "there is one place")
mail(second, "local@client.example")
equal(rcpt(second, "alice@example.org"), "continue",
    "what does not come by SMTP is not refused at RCPT")
header(second, fields())
body(second, secret .. "\r\n")
reply_ok(eom(second), "451 4.3.2", nil,
    "but deferred at the end, and told that it was one too many")
header(first, fields())
body(first, secret .. "\r\n")
equal(eom(first), "accept", "the one under way does not notice")
mt.abort(first.conn)
mt.abort(second.conn)
sealed_ok(send(second, {from = "local@client.example",
    to = "alice@example.org"}), "the other is served when it comes again")
close(first)
close(second)
