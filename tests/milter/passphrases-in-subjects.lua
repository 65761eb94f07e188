-- SPDX-License-Identifier: BSD-2-Clause
-- An authenticated sender sets a passphrase in the Subject: the message is an
-- envelope, by an edit too, and the words go; from others they mean nothing.
--% passphrase = { subject = true; };
--% policy = (
--%   { name = "shown"; to = [ "@shown.example" ]; seal = [ "passphrase" ]; hide_subject = false; },
--%   { name = "tagged"; subject = "[secure]"; seal = [ "passphrase" ]; },
--%   { name = "held"; to = [ "@held.example" ]; seal = [ "hold" ]; },
--%   { name = "keys"; to = [ "@example.org" ]; seal = [ "openpgp", "passphrase" ]; },
--%   { name = "all"; seal = [ "passphrase", "clear" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local login = {["{auth_authen}"] = "user", ["{auth_type}"] = "PLAIN"}
local words = "a wombat of " .. secret
local set = "[passphrase: " .. words .. "]"

local function given(to, subject, macros, client, more)
	local list = fields(more)
	list[5] = {"Subject", subject}
	return send_alone({to = to, macros = macros, fields = list}, client)
end

-- The words are in no value that it leaves, and in nothing that it sends.
local function envelope_ok(result, subject, name)
	local mark = result.fields and values(result, "Sealmilter-Sealed")
	local found = {}
	for _, field in ipairs(result.fields or {}) do
		if field[2]:lower():find("wombat", 1, true) then
			table.insert(found, field[1])
		end
	end
	return ok(result.answer == "accept" and result.replaced and
	    #mark == 1 and mark[1]:find("form=passphrase;", 1, true) and
	    result.body:find("message.html", 1, true) and
	    not result.body:find(secret, 1, true) and
	    #found == 0 and values(result, "Subject")[1] == subject, name,
	    result.answer, table.concat(found, ","),
	    result.fields and values(result, "Subject")[1])
end

envelope_ok(given("<new@far.example>", " Hello " .. set, login), " [...]",
    "a passphrase of an authenticated client makes an envelope")
envelope_ok(given("<new@shown.example>", " Hello " .. set .. " you", login),
    " Hello you", "a Subject that is shown is shown without it")
envelope_ok(given("<new@shown.example>", " Hello " .. set, login, nil,
    {{"Thread-Topic", " Hello " .. set}, {"X-Other", " " .. words}}),
    " Hello", "fields that repeat it are not there any more")
envelope_ok(given("<new@shown.example>",
    " =?utf-8?Q?Hello_=5BPASSPHRASE:_" .. words:gsub(" ", "_") .. "=5D?=",
    login), " Hello", "it is found where the Subject is encoded")
envelope_ok(given("<new@far.example>", " [secure] Hello " .. set, login),
    " [...]", "it goes together with a tag")
local result = given("<new@shown.example>", " [secure]" .. set .. "Hello",
    login)
envelope_ok(result, " [secure]Hello", "of which each goes where it counts")

result = given({"<a@far.example>", "<b@far.example>"}, " " .. set, login)
reply_ok(result.answer, "550 5.7.1", "(inject)",
    "several need copies, and are refused with what would help")
result = given("<alice@example.org>", " Hello " .. set, login)
sealed_ok(result, "who has a key gets it sealed to that")
ok(values(result, "Subject")[1] == " [...]" and result.replaced,
    "and no words")

for name, subject in pairs{
    ["that is too short"] = "[passphrase: wombat]",
    ["that is empty"] = "[passphrase:]",
    ["without an end"] = "[passphrase: a wombat of brass and glass",
    ["that is there twice"] = set .. set} do
	result = given("<new@far.example>", " " .. subject, login)
	reply_ok(result.answer, "550 5.7.1", nil,
	    "a passphrase " .. name .. " refuses the message")
	ok(not result.answer:find("wombat", 1, true), "and is not told")
end

result = given("<new@held.example>", " Hello " .. set, login)
reply_ok(result.answer, "550 5.7.1", "the Subject sets a passphrase",
    "what would be held is refused")
equal(result.rcpt[1], "continue", "at the end, when it is known")

untouched_ok(given("<new@far.example>", " Hello " .. set),
    "from a stranger it means nothing, and is left alone")
untouched_ok(given("<new@far.example>", " Hello " .. set, nil, "127.0.0.1"),
    "nor from who is only local")
untouched_ok(given("<new@far.example>", " Hello " .. set,
    {["{auth_authen}"] = ""}), "nor from who has an empty name")
untouched_ok(given("<new@far.example>", " Hello", login),
    "a Subject without one passes as the ladder says")
ok(not read_file(log):find("wombat", 1, true), "no word is in the log")
