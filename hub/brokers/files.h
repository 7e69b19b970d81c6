// SPDX-License-Identifier: Apache-2.0
// Files whose content or mode matters: written whole or not at all, with their final mode from the first byte on.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "platform/base/status.h"

namespace latchkey::hub::brokers {

// Replaces `path` by a file of that content and mode (temporary file, fsync, rename, fsync of the folder).
// `owner`: who owns it afterwards; -1 leaves the caller. kStorageFull or kStorageFailed; the old file then stays.
Result<void> write_file(const std::filesystem::path& path, std::string_view content, mode_t mode,
                        uid_t owner = uid_t(-1));

// The whole file. kNotFound, kStorageFailed.
Result<std::string> read_file(const std::filesystem::path& path);

// Makes the folder (and its parents) if needed and gives it that mode and owner.
Result<void> make_folder(const std::filesystem::path& path, mode_t mode, uid_t owner = uid_t(-1));

}  // namespace latchkey::hub::brokers
