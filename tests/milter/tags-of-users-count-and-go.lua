-- SPDX-License-Identifier: BSD-2-Clause
-- An authenticated or local client can ask for protection with a tag, and
-- the tag is removed.
--% policy = (
--%   { name = "tagged"; subject = "[secure]"; seal = [ "openpgp" ]; },
--%   { name = "weaker"; subject = "[open]"; seal = [ "clear" ]; },
--%   { name = "marked"; header = [ "X-Confidential", "Sensitivity: private" ]; seal = [ "openpgp" ]; },
--%   { name = "must"; to = [ "bob@example.org" ]; seal = [ "openpgp" ]; },
--%   { name = "off"; to = [ "shown@example.org" ]; seal = [ "openpgp", "clear" ]; hide_subject = false; },
--%   { name = "all"; to = [ "@example.org" ]; seal = [ "clear" ]; } );
--! keys alice bob
dofile(here .. "/milter.lua")

local login = {["{auth_authen}"] = "user", ["{auth_type}"] = "PLAIN"}

local function tagged(to, subject, macros, client, more)
	local list = fields(more)
	list[5] = {"Subject", subject}
	return send_alone({to = to, macros = macros, fields = list}, client)
end

sealed_ok(tagged("<alice@example.org>", " [secure] x", login),
    "a tag of an authenticated client seals")
sealed_ok(tagged("<alice@example.org>", " [secure] x", nil, "127.0.0.1"),
    "so does a tag of a local client")
sealed_ok(tagged("<alice@example.org>", " [secure] x", nil, "::1"),
    "by IPv6 as well")
sealed_ok(tagged("<alice@example.org>", " Re: [SECURE] x", login),
    "anywhere in the Subject, and without regard to case")
sealed_ok(tagged("<alice@example.org>", " =?utf-8?Q?=5Bsecure=5D_x?=", login),
    "and also where the Subject is encoded")
untouched_ok(tagged("<alice@example.org>", " secure x", login),
    "a Subject without the tag passes")
local result = tagged("<nokey@example.org>", " [secure] x", login)
equal(result.rcpt[1], "continue",
    "whether there is a tag is not known at RCPT")
reply_ok(result.answer, "550 5.7.1", "<nokey@example.org>",
    "a tag for somebody without a key refuses at the end")

-- Shown Subjects lose the tag.
local session = open("127.0.0.1")
result = tagged("<bob@example.org>", " [open] x", login)
sealed_ok(result, "a tag cannot lower what a rule demands")

sealed_ok(tagged("<alice@example.org>", " x", login, nil,
    {{"X-Confidential", " 1"}}), "a header field is a tag, too")
sealed_ok(tagged("<alice@example.org>", " x", login, nil,
    {{"sensitivity", " Private"}}), "also by its value, whatever its case")
untouched_ok(tagged("<alice@example.org>", " x", login, nil,
    {{"Sensitivity", " none"}}), "and not by another value")
close(session)
