-- SPDX-License-Identifier: BSD-2-Clause
-- Mail that is encrypted end to end is never encrypted again; what only says
-- so is.
--% policy = ( { name = "clear"; to = [ "@clear.example" ]; seal = [ "clear" ]; },
--%            { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local sealed = send_alone{to = "<alice@example.org>"}
sealed_ok(sealed, "to begin with, a message is sealed")
local kind = values(sealed, "Content-Type")[1]

local function again(to, kind_, text)
	return send_alone{to = to, body = text, fields = {
	    {"From", " sender@client.example"}, {"Subject", " [...]"},
	    {"MIME-Version", " 1.0"}, {"Content-Type", kind_}}}
end

untouched_ok(again("<alice@example.org>", kind, sealed.body),
    "sealed once, it passes to one who has a key")
untouched_ok(again({"<alice@example.org>", "<a@clear.example>"}, kind,
    sealed.body), "and to two of whom one gets everything clear")
untouched_ok(again("<a@clear.example>", kind, sealed.body), "and to that one")
local armor = sealed.body:match(
    "(%-%-%-%-%-BEGIN PGP MESSAGE.*END PGP MESSAGE%-%-%-%-%-\r\n)")
untouched_ok(again("<alice@example.org>", " text/plain", armor),
    "armor that is all of the body passes")

sealed_ok(again("<alice@example.org>", " text/plain",
    secret .. "\r\n" .. armor), "armor with text before it does not")
sealed_ok(again("<alice@example.org>", " text/plain",
    armor .. secret .. "\r\n"), "nor with text behind it")
sealed_ok(again("<alice@example.org>", kind, secret .. "\r\n"),
    "nor does text that is called multipart/encrypted")
sealed_ok(again("<alice@example.org>",
    " application/pkcs7-mime; smime-type=enveloped-data", secret .. "\r\n"),
    "nor text that is called enveloped-data")
sealed_ok(again("<alice@example.org>", kind,
    sealed.body:gsub("\r\n%-%-%-%-%-BEGIN", "\r\n" .. secret .. "%0")),
    "nor ciphertext with text in its part")
