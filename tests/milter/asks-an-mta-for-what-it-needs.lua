-- SPDX-License-Identifier: BSD-2-Clause
-- What the filter negotiates is what it uses; an MTA that cannot do it is
-- turned away and not served badly.
--% policy = ( { name = "all"; seal = [ "openpgp" ]; } );
--! keys alice
dofile(here .. "/milter.lua")

local session = open()
for _, name in ipairs{"SMFIF_ADDHDRS", "SMFIF_CHGHDRS", "SMFIF_CHGBODY",
    "SMFIF_QUARANTINE"} do
	ok(mt.test_action(session.conn, _G[name]), name .. " is asked for")
end
for _, name in ipairs{"SMFIF_ADDRCPT", "SMFIF_DELRCPT", "SMFIF_CHGFROM"} do
	ok(not mt.test_action(session.conn, _G[name]), name .. " is not")
end
for _, name in ipairs{"SMFIP_HDR_LEADSPC", "SMFIP_NR_HDR", "SMFIP_NR_BODY",
    "SMFIP_NR_MAIL", "SMFIP_NR_EOH"} do
	ok(mt.test_option(session.conn, _G[name]), name .. " is asked for")
end
for _, name in ipairs{"SMFIP_NORCPT", "SMFIP_NOHDRS", "SMFIP_NOBODY",
    "SMFIP_NOEOH", "SMFIP_NOMAIL", "SMFIP_NOCONNECT"} do
	ok(not mt.test_option(session.conn, _G[name]), name .. " is not")
end
close(session)

-- miltertest takes the steps before the actions, whatever its manual says.
local function turned_away(steps, actions, name)
	local size = #read_file(log)
	local poor = mt.connect(direct)
	mt.negotiate(poor, nil, steps, actions)
	mt.disconnect(poor, false)
	wait_for(function()
		return read_file(log):find("turned away", size, true)
	end, "a line in the log")
	ok(true, name .. " is turned away, and the log says so")
end

turned_away(nil, SMFIF_ADDHDRS | SMFIF_CHGHDRS,
    "an MTA that cannot replace a body")
turned_away(nil, SMFIF_ADDHDRS | SMFIF_CHGBODY | SMFIF_QUARANTINE,
    "one that cannot change fields")
turned_away(SMFIP_NR_HDR, nil, "one that eats blanks in fields")
sealed_ok(send_alone{to = "<alice@example.org>"}, "others are served")
