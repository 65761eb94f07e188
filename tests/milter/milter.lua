-- SPDX-License-Identifier: BSD-2-Clause
--
-- milter.lua - what every script here needs: TAP, and a conversation.
--
-- In:    messages as tables.
-- Out:   what the filter answered, and the message as an MTA makes it of the
--        changes that the filter asked for.
-- Never: calls anything good; the scripts do that.

mt.set_timeout(60)

-- --- TAP (run.py counts)

function note(text)
	for line in tostring(text):gmatch("[^\n]+") do
		mt.echo("# " .. line)
	end
end

function ok(passed, name, ...)
	mt.echo((passed and "ok - " or "not ok - ") .. name)
	if not passed then
		for _, text in ipairs({...}) do
			note(text)
		end
	end
	return passed
end

function equal(got, want, name)
	return ok(got == want, name, "got  " .. tostring(got),
	    "want " .. tostring(want))
end

-- --- What the filter said, as run.py wrote it down

local connections = 0
local position = 0
local packets = {}

local function unescape(text)
	return (text:gsub("\\(%x%x)", function(hex)
		return string.char(tonumber(hex, 16))
	end))
end

local function read_wire()
	local file = assert(io.open(wire, "rb"))
	file:seek("set", position)
	for line in file:lines("L") do
		local number, command, data =
		    line:match("^(%d+) (.) (.*)\n$")
		if number == nil then
			break
		end
		position = position + #line
		number = tonumber(number)
		packets[number] = packets[number] or {}
		table.insert(packets[number],
		    {command = command, data = unescape(data)})
	end
	file:close()
end

-- The packets of a connection since the last call.
local function heard(session)
	read_wire()
	local all, new = packets[session.number] or {}, {}
	for i = session.seen + 1, #all do
		table.insert(new, all[i])
	end
	session.seen = #all
	return new
end

local answers = {a = "accept", c = "continue", t = "tempfail", r = "reject",
    d = "discard"}

-- "accept", or the reply's text.
local function answer_of(list)
	local last = list[#list]
	if last == nil then
		return "nothing"
	elseif last.command == "y" then
		return (last.data:gsub("%z$", ""))
	end
	return answers[last.command] or last.command
end

-- --- A conversation

-- A connection of the MTA.  client: an IP address, "unspec", or false for
-- none; through: another socket than the one that is written down.
function open(client, through)
	local session = {conn = mt.connect(through or socket), seen = 0}
	assert(session.conn, "cannot connect")
	if through == nil then
		connections = connections + 1
		session.number = connections
	end
	mt.negotiate(session.conn, nil, nil, nil)
	if client ~= false then
		mt.conninfo(session.conn, "client.example",
		    client or "192.0.2.7")
	end
	return session
end

function close(session, politely)
	mt.disconnect(session.conn, politely ~= false)
end

-- Each of these returns the filter's answer.
function mail(session, from, macros)
	local list = {"{mail_addr}", "sender"}
	for name, value in pairs(macros or {}) do
		table.insert(list, name)
		table.insert(list, value)
	end
	mt.macro(session.conn, SMFIC_MAIL, table.unpack(list))
	mt.mailfrom(session.conn, from or "<sender@client.example>")
	if mt.test_option(session.conn, SMFIP_NR_MAIL) then
		return "continue"	-- it was agreed that no answer comes
	end
	return session.number and answer_of(heard(session))
end

function rcpt(session, to)
	mt.macro(session.conn, SMFIC_RCPT, "i", "QUEUEID")
	mt.rcptto(session.conn, to)
	return session.number and answer_of(heard(session))
end

function header(session, fields)
	for _, field in ipairs(fields) do
		mt.header(session.conn, field[1], field[2])
	end
	mt.eoh(session.conn)
	if mt.test_option(session.conn, SMFIP_NR_EOH) then
		return "continue"	-- likewise
	end
	return session.number and answer_of(heard(session))
end

function body(session, text)
	-- In pieces, as an MTA sends it.
	for i = 1, #text, 65000 do
		mt.bodystring(session.conn, text:sub(i, i + 64999))
	end
end

function eom(session)
	mt.eom(session.conn)
	local list = heard(session)
	return answer_of(list), list
end

-- --- Messages

secret = "a word that nobody may read"

function fields(more)
	local list = {
	    {"Date", " Mon, 02 Mar 2026 10:00:00 +0100"},
	    {"From", " Sender <sender@client.example>"},
	    {"To", " somebody <somebody@example.org>"},
	    {"Message-ID", " <1@client.example>"},
	    {"Subject", " About " .. secret},
	    {"MIME-Version", " 1.0"},
	    {"Content-Type", " text/plain; charset=us-ascii"}}
	for _, field in ipairs(more or {}) do
		table.insert(list, field)
	end
	return list
end

-- Postfix and Sendmail: changes count from 1 over the fields of that name as
-- they are now; past the last one they add.
local function change(list, index, name, value)
	local seen = 0
	for i, field in ipairs(list) do
		if field[1]:lower() == name:lower() then
			seen = seen + 1
			if seen == index then
				if value == "" then
					table.remove(list, i)
				else
					field[2] = value
				end
				return
			end
		end
	end
	if value ~= "" then
		table.insert(list, {name, value})
	end
end

-- The message that an MTA makes of the filter's changes.
local function edited(message, list)
	local result = {fields = {}, body = message.body, changes = {}}
	local new
	for _, field in ipairs(message.fields) do
		table.insert(result.fields, {field[1], field[2]})
	end
	for _, packet in ipairs(list) do
		if packet.command == "m" then
			local index, name, value =
			    string.unpack(">I4zz", packet.data)
			table.insert(result.changes,
			    {index = index, name = name, value = value})
			change(result.fields, index, name, value)
		elseif packet.command == "h" then
			local name, value = string.unpack("zz", packet.data)
			table.insert(result.changes,
			    {name = name, value = value})
			table.insert(result.fields, {name, value})
		elseif packet.command == "b" then
			new = (new or "") .. packet.data
		elseif packet.command == "q" then
			result.quarantine = packet.data
		end
	end
	result.body = new or message.body
	result.replaced = new ~= nil
	return result
end

-- All values of a field in a result.
function values(result, name)
	local list = {}
	for _, field in ipairs(result.fields) do
		if field[1]:lower() == name:lower() then
			table.insert(list, field[2])
		end
	end
	return list
end

-- A whole message.  message: from, to (one or a list), macros, fields, body.
-- The result has the answers to MAIL (mail), to each RCPT (rcpt), to EOH
-- (eoh), and to the end (answer; also of what ended it before); and the
-- message as it then is.
function send(session, message)
	local to = type(message.to) == "table" and message.to or {message.to}
	local result = {rcpt = {}}
	local taken = 0
	message.fields = message.fields or fields()
	message.body = message.body or ("Hello,\r\n" .. secret .. "\r\n")
	result.mail = mail(session, message.from, message.macros)
	result.answer = result.mail
	if result.mail ~= "continue" then
		return result
	end
	for i, address in ipairs(to) do
		result.rcpt[i] = rcpt(session, address)
		result.answer = result.rcpt[i]
		taken = taken + (result.rcpt[i] == "continue" and 1 or 0)
	end
	if taken == 0 then
		mt.abort(session.conn)
		return result
	end
	result.eoh = header(session, message.fields)
	result.answer = result.eoh
	local list = {}
	if result.eoh == "continue" then
		body(session, message.body)
		result.answer, list = eom(session)
	end
	for name, value in pairs(edited(message, list)) do
		result[name] = value
	end
	-- Postfix does so after every message.
	mt.abort(session.conn)
	return result
end

-- One message in a connection of its own.
function send_alone(message, client)
	local session = open(client)
	local result = send(session, message)
	close(session)
	return result
end

local function show(result)
	local text = "answer: " .. tostring(result.answer)
	for _, field in ipairs(result.fields or {}) do
		text = text .. "\n" .. field[1] .. ":" .. field[2]
	end
	return text .. "\n\n" .. (result.body or "")
end

function is_sealed(result)
	local kind = values(result, "Content-Type")
	return result.answer == "accept" and #kind == 1 and
	    kind[1]:find("^ multipart/encrypted;") ~= nil and
	    result.body:find("\r\n-----BEGIN PGP MESSAGE-----\r\n", 1,
		true) ~= nil and
	    #values(result, "Sealmilter-Sealed") == 1 and
	    not show(result):find(secret, 1, true)
end

function sealed_ok(result, name)
	return ok(result.fields ~= nil and is_sealed(result), name,
	    show(result))
end

-- Nothing of it was touched.
function untouched_ok(result, name)
	return ok(result.answer == "accept" and not result.replaced and
	    #result.changes == 0 and result.quarantine == nil, name,
	    show(result))
end

-- The reply begins with a code and, if asked, contains some text.
function reply_ok(answer, code, text, name)
	return ok(answer:sub(1, #code) == code and
	    (text == nil or answer:find(text, 1, true) ~= nil), name,
	    "the answer was " .. answer)
end

local deferred = "451 4.3.0 "

function deferred_ok(answer, name)
	return reply_ok(answer, deferred, nil, name)
end

-- --- The world outside

function write_file(path, text)
	local file = assert(io.open(path, "wb"))
	file:write(text)
	file:close()
end

function read_file(path)
	local file = assert(io.open(path, "rb"))
	local text = file:read("a")
	file:close()
	return text
end

-- Polls, since nobody tells us.
function wait_for(condition, what)
	local deadline = os.time() + 60
	while not condition() do
		assert(os.time() <= deadline, "waited for " .. what)
		mt.sleep(0.01)
	end
end
