-- SPDX-License-Identifier: BSD-2-Clause
-- GnuPG finds keys by substring; we take those that name the exact address.
--% keys = { sources = [ "gnupg" ]; gnupg_home = "@DIR@/gnupg"; };
--% policy = ( { name = "must"; seal = [ "openpgp" ]; } );
--! gnupg alice mallory carol
dofile(here .. "/milter.lua")

local result = send_alone{to = "<alice@example.org>"}
sealed_ok(result, "alice gets her mail sealed")
equal(values(result, "Sealmilter-Sealed")[1],
    " form=openpgp; key=8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37; at=rest",
    "to her key and no other")
result = send_alone({from = "me@example.org", to = "alice@example.org"},
    "127.0.0.1")
equal(values(result, "Sealmilter-Sealed")[1],
    " form=openpgp; key=8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37; at=rest",
    "also without brackets")
for _, to in ipairs{"<lice@example.org>", "<alice@example>", "<malice>",
    "<Alice@example.or>", "<8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37@x>",
    "<8BEAB8277D9F525FD9A81DA2FA569D67E7AAFB37>"} do
	reply_ok(send_alone{to = to}.rcpt[1], "550 5.7.1", nil,
	    to .. " has no key")
end
sealed_ok(send_alone{to = "<alice>"},
    "who has no domain is of the first of ours")
sealed_ok(send_alone{to = "<carol@example.net>"},
    "a second user ID is as good as the first")
reply_ok(send_alone{to = "<carol@gone.example>"}.rcpt[1], "550 5.7.1", nil,
    "a revoked one is not")
