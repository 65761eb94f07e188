-- SPDX-License-Identifier: BSD-2-Clause
-- authenticated and tls are what the MTA says of the client, per message.
--% policy = (
--%   { name = "login"; to = [ "@login.example" ]; authenticated = true; seal = [ "clear" ]; },
--%   { name = "no login"; to = [ "@login.example" ]; authenticated = false; seal = [ "refuse" ]; },
--%   { name = "tls"; to = [ "@tls.example" ]; tls = true; seal = [ "clear" ]; },
--%   { name = "no tls"; to = [ "@tls.example" ]; tls = false; seal = [ "refuse" ]; },
--%   { name = "out"; from = [ "@example.org" ]; direction = [ "out" ]; seal = [ "clear" ]; },
--%   { name = "local"; direction = [ "local" ]; seal = [ "clear" ]; },
--%   { name = "in"; direction = [ "in" ]; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local login = {["{auth_authen}"] = "user"}
local tls = {["{tls_version}"] = "TLSv1.2"}

local function answer(to, macros, client, from)
	return send_alone({to = to, macros = macros, from = from},
	    client).answer
end

equal(answer("<a@login.example>", login), "accept", "authenticated = true")
reply_ok(answer("<a@login.example>"), "550", "no login",
    "authenticated = false")
reply_ok(answer("<a@login.example>", nil, "127.0.0.1"), "550", "no login",
    "a local client is not authenticated")
equal(answer("<a@tls.example>", tls), "accept", "tls = true")
reply_ok(answer("<a@tls.example>"), "550", "no tls", "tls = false")
reply_ok(answer("<a@login.example>", {["{auth_authen}"] = ""}), "550",
    "no login", "an empty name is no login")
reply_ok(answer("<a@tls.example>", {["{tls_version}"] = ""}), "550",
    "no tls", "and an empty version no TLS")
equal(answer("<a@example.net>", login, nil, "<user@example.org>"), "accept",
    "direction out, with a rule for the sender")
reply_ok(answer("<a@example.net>", login), "550", nil, "no rule, no mail")
equal(answer("<nokey@example.org>", login), "accept", "direction local")
equal(answer("<nokey@example.org>", nil, "127.0.0.1"), "accept",
    "direction local for a local client")
reply_ok(answer("<nokey@example.org>"), "550", "policy \"in\"",
    "direction in for a stranger")
reply_ok(send_alone{from = "s@client.example", to = "nokey@example.org"}
    .answer, "550", "policy \"in\"",
    "also for one who leaves out the brackets")
