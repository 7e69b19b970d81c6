// SPDX-License-Identifier: Apache-2.0
// What the topics of DPS and hub have in common. For the files of this folder.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

// Printable ASCII without the wildcards `+` and `#`.
bool safe_in_topic(std::string_view text);
// Not empty, at most `longest`, safe in a topic, and nothing that ends a query parameter or a topic level.
bool safe_in_query(std::string_view text, std::size_t longest);

// {prefix}{three-digit status}/?{query}. kNotFound: another prefix; kMalformed: the rest cannot be read.
struct ResponseParts {
  std::uint16_t status = 0;
  std::string_view query;
};
Result<ResponseParts> split_response(std::string_view topic, std::string_view prefix);

// YYYY-MM-DD or YYYY-MM-DD-preview.
bool well_formed_version(std::string_view api_version);

}  // namespace latchkey::agent
