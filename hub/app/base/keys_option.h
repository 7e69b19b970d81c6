// SPDX-License-Identifier: Apache-2.0
// Where private keys are to lie: what --keys says.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "registry/model/refusal.h"

namespace latchkey::hub::app {

struct KeysOption {
  enum class Kind : std::uint8_t { kFiles, kSealed, kPkcs11 };
  Kind kind = Kind::kFiles;
  std::vector<std::filesystem::path> node_keys;  // kSealed: the first seals, all unseal
  std::filesystem::path folder;                  // kSealed: sealed keys are files below it; empty: rows of the registry
  std::string token;                             // kPkcs11: the URI (RFC 7512)
};

// "files", "sealed:FILE", "sealed:NEW,OLD", "pkcs11:..."; `folder` may be empty. Opens nothing. kInvalidArgument.
registry::Outcome<KeysOption> parse_keys(const std::string& text, const std::string& folder);

}  // namespace latchkey::hub::app
