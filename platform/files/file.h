// SPDX-License-Identifier: Apache-2.0
// Files that survive a crash: written whole under another name, synced, renamed, and the folder synced. A reader sees
// the old file or the new one, never half of either, and the file has its final mode and owner before it has its name.
//
// POSIX only. Any thread; callers see to it that one at a time writes a file. The other name is the file's with
// kUnfinished behind it: what a crash leaves there is overwritten by the next write.
//
// Statuses of all functions: kNotFound when the file, or the folder that it would lie in, is not there; kTooLarge;
// kStorageFull; kStorageFailed for everything else, be it that we may not or that the medium cannot.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "platform/base/bytes.h"

namespace latchkey::files {

inline constexpr mode_t kSecretFile = 0600;
inline constexpr mode_t kPublicFile = 0644;
inline constexpr uid_t kOurselves = static_cast<uid_t>(-1);
inline constexpr std::string_view kUnfinished = ".tmp";

// Replaces `path` by a file of that content, mode (whatever the umask) and owner. A link of that name is replaced, not
// followed. After a failure the old file is as it was.
Result<void> replace_file(const std::filesystem::path& path, ByteView content, mode_t mode = kSecretFile,
                          uid_t owner = kOurselves);
// The same for a folder that is open.
Result<void> replace_file_at(int folder, const std::string& name, ByteView content, mode_t mode = kSecretFile,
                             uid_t owner = kOurselves);

// The whole file, which may be a link to it; kTooLarge over `limit` bytes. No copy of the content is left behind in
// memory, so that secrets can be wiped by the caller.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit);
Result<std::string> read_text(const std::filesystem::path& path, std::size_t limit);
// Into `out`: how many bytes. kTooLarge when they do not fit, and then nothing is written. A link or anything else that
// is not a file is kStorageFailed.
Result<std::size_t> read_file_at(int folder, const std::string& name, MutableBytes out);

// Gone also after a crash. A file that is not there is success, one whose folder is not there is not.
Result<void> remove_file(const std::filesystem::path& path);
Result<void> remove_file_at(int folder, const std::string& name);

}  // namespace latchkey::files
