// SPDX-License-Identifier: Apache-2.0
// Access tokens of principals: "lk1_" and 32 random bytes in base64url (RFC 4648 section 5) without padding. Only a
// token's digest is kept; a digest without salt will do, as nobody guesses 256 random bits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "platform/ports/digest.h"

namespace latchkey::hub::management {

std::string new_token();
// SHA-256 of a token in that form; nothing of any other text, nor when the library cannot.
std::optional<ports::Sha256> token_digest(std::string_view token);

}  // namespace latchkey::hub::management
