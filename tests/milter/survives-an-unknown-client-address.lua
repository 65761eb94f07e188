-- SPDX-License-Identifier: BSD-2-Clause
-- A client that resets its connection is gone before the MTA knows its
-- address.  (The nearest peer dies of it.)
--% policy = (
--%   { name = "tagged"; subject = "[secure]"; seal = [ "openpgp" ]; },
--%   { name = "here"; client = [ "0.0.0.0/0", "::/0" ]; to = [ "@net.example" ]; seal = [ "clear" ]; },
--%   { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

for _ = 1, 50 do
	close(open("unspec"))
	close(open("unspec"), false)
end
sealed_ok(send_alone({to = "<alice@example.org>"}, "unspec"),
    "a message from nowhere is sealed")
reply_ok(send_alone({to = "<a@net.example>"}, "unspec").answer, "550 5.7.1",
    nil, "no network contains nowhere")
untouched_ok(send_alone({to = "<a@net.example>"}, "192.0.2.1"),
    "as it does an IPv4 client")
untouched_ok(send_alone({to = "<a@net.example>"}, "2001:db8::1"),
    "and an IPv6 client")

-- MAIL without any word about the client, which no MTA does.
local session = open(false)
local result = send(session, {to = "<alice@example.org>"})
sealed_ok(result, "a message without CONNECT is sealed")
close(session)

result = send_alone({to = "<alice@example.org>",
    fields = {{"Subject", " [secure] hello"}}}, "unspec")
sealed_ok(result, "and nowhere is not local: its tag is no tag")
