-- SPDX-License-Identifier: BSD-2-Clause
-- An engine that does not work means 451, whatever it does instead.
--% openpgp_engine = "gnupg";
--% gpg = "@DIR@/gpg";
--% limits = { gpg_seconds = 3; };
--% policy = ( { name = "all"; seal = [ "openpgp", "clear" ]; } );
--! keys alice
--! gnupg alice bob
dofile(here .. "/milter.lua")

local good = read_file(dir .. "/gpg")

local function replace(text)
	write_file(dir .. "/gpg.new", text)
	os.execute("chmod 755 " .. dir .. "/gpg.new")
	os.rename(dir .. "/gpg.new", dir .. "/gpg")
end

-- What is right but for one thing: another text, or another's key.
local function encrypted(name, text, to)
	local path = dir .. "/" .. name
	write_file(path .. ".txt", text)
	assert(os.execute("gpg --homedir " .. dir .. "/gnupg --batch --quiet" ..
	    " --trust-model always -r " .. to .. " -o " .. path ..
	    " -e " .. path .. ".txt"))
	return "cat > /dev/null; cat " .. path
end

sealed_ok(send_alone{to = "<alice@example.org>"}, "a gpg that works seals")

for _, misdeed in ipairs{
    {"fails", "exit 2"},
    {"is killed", "kill -9 $$"},
    {"says nothing and succeeds", "cat > /dev/null; exit 0"},
    {"repeats what it hears", "exec cat"},
    {"hangs", "exec sleep 100"},
    {"writes something else for the right key",
	encrypted("other", "short", "alice@example.org")},
    {"writes for another's key",
	encrypted("bob", ("long enough "):rep(100), "bob@example.org")},
    {"writes armor of something else", "cat > /dev/null; echo" ..
	" '-----BEGIN PGP MESSAGE-----'; echo; echo aGVsbG8=;" ..
	" echo '-----END PGP MESSAGE-----'"}} do
	local name, text = misdeed[1], misdeed[2]
	replace("#!/bin/sh\n" .. text .. "\n")
	local result = send_alone{to = "<alice@example.org>"}
	equal(result.rcpt[1], "continue", "a gpg that " .. name ..
	    ": there is a key")
	deferred_ok(result.answer, "but the message is deferred")
	ok(not result.replaced and #result.changes == 0,
	    "and nothing was changed")
end

os.remove(dir .. "/gpg")
deferred_ok(send_alone{to = "<alice@example.org>"}.answer,
    "without any gpg it is deferred")
untouched_ok(send_alone{to = "<nokey@example.org>"},
    "who has no key does not need it")
replace(good)
sealed_ok(send_alone{to = "<alice@example.org>"},
    "and with a good one it is sealed again")
