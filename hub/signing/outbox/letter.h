// SPDX-License-Identifier: Apache-2.0
// An e-mail of the registry as a message (RFC 5322). Threads: any.
#pragma once

#include <string>

#include "registry/signing/model.h"

namespace latchkey::hub::signing {

inline constexpr const char* kUsualSender = "no-reply@latchkey.invalid";

// Lines end as files have it, with a subject in plain ASCII or as RFC 2047 has it, the body as it is.
std::string letter_file(const registry::signing::Mail& mail);
// As a server takes it: lines end in CR LF and have 76 characters at the most if they are not plain (RFC 2045 section
// 6.8), and no mail server between has to know of eight bits.
std::string letter_for_server(const registry::signing::Mail& mail, const std::string& from);

// Unique, and the same for the same e-mail: a file's name, and the left side of its Message-ID.
std::string name_of(const registry::signing::Mail& mail);

// Printable ASCII, one '@' with something on both sides, nothing that would end it on the wire, 254 characters at the
// most (RFC 5321 section 4.5.3.1).
bool is_plain_address(const std::string& address);

}  // namespace latchkey::hub::signing
