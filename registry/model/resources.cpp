// SPDX-License-Identifier: Apache-2.0
#include "registry/model/resources.h"

namespace latchkey::registry {

std::string_view to_string(KeyProfile profile) { return profile == KeyProfile::kEcP384 ? "ec-p384" : "ec-p256"; }

std::optional<KeyProfile> parse_key_profile(std::string_view text) {
  if (text == "ec-p256") return KeyProfile::kEcP256;
  if (text == "ec-p384") return KeyProfile::kEcP384;
  return std::nullopt;
}

}  // namespace latchkey::registry
