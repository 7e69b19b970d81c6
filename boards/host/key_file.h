// SPDX-License-Identifier: Apache-2.0
// A symmetric key in a file: base64 on one line, readable by its owner only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace latchkey::boards::host {

// The key's 16 to 64 bytes; empty on a mistake, which `problem` then says in one sentence without the content.
std::vector<std::uint8_t> read_key_file(const std::string& path, std::string& problem);

}  // namespace latchkey::boards::host
