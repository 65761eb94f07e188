-- SPDX-License-Identifier: BSD-2-Clause
-- Rules and keys are found by one canonical form of the address.  (The
-- nearest peer let bob-PGP@ and "bob-pgp"@ through in clear.)
--% policy = ( { name = "must"; to = [ "alice@example.org", "Dora.X@example.org" ]; seal = [ "openpgp" ]; },
--%            { name = "all"; seal = [ "clear" ]; } );
--! keys alice quoted
dofile(here .. "/milter.lua")

for _, to in ipairs{"<alice@example.org>", "<ALICE@example.org>",
    "<Alice@EXAMPLE.ORG>", "<\"alice\"@example.org>",
    "<\"a\\lice\"@example.org>", "<@relay.example:alice@example.org>",
    "<dora.x@example.org>", "<\"Dora.X\"@example.org>",
    "<alice+x@example.org>", "<ALICE+x+y@example.org>", "<alice>",
    "<DORA.X@Example.Org>"} do
	sealed_ok(send_alone{to = to}, to .. " is sealed")
end
for _, to in ipairs{"alice@example.org", "\"ALICE\"@Example.org"} do
	sealed_ok(send_alone({from = "me@example.org", to = to}, "127.0.0.1"),
	    to .. " without brackets, too")
end
for _, to in ipairs{"<alice@example.org.evil.example>",
    "<malice@example.org>", "<alice@sub.example.org>", "<alic@example.org>",
    "<\"alice \"@example.org>", "<alic+e@example.org>",
    "<alice+x@sub.example.org>"} do
	untouched_ok(send_alone{to = to}, to .. " is somebody else")
end
-- What an MTA may deliver to somebody else than it says is refused.
for _, to in ipairs{"<alice%example.org@mx.example.net>",
    "<example.org!alice@mx.example.net>", "<alice%x@example.org>",
    "<alice@[127.0.0.1]>", "<alice@localhost>"} do
	reply_ok(send_alone{to = to}.rcpt[1], "550 5.7.1", nil,
	    to .. " is refused")
end
