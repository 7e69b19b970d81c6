// SPDX-License-Identifier: Apache-2.0
// Files that verbs leave behind for their owner alone: keys, exports.
#pragma once

#include <string>

#include "hub/cli/client.h"

namespace latchkey::hub::cli {

// A descriptor of a new file, 0600 from its first moment on; an old one is never written over.
Result<int, Failure> create_private_file(const std::string& file);
// All of it, and on disk.
bool write_all(int descriptor, const std::string& text);

}  // namespace latchkey::hub::cli
