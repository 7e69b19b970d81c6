// SPDX-License-Identifier: Apache-2.0
// Folders whose mode matters. Statuses as in file.h.
#pragma once

#include <filesystem>

#include "platform/files/descriptor.h"
#include "platform/files/file.h"

namespace latchkey::files {

// Makes the folder (and its parents, as the umask has it) if needed and gives it that mode and owner.
Result<void> make_folder(const std::filesystem::path& path, mode_t mode, uid_t owner = kOurselves);

// Makes the folder with 0700 when it is not there; its parent has to be. kRefused when it is there and others may enter
// or it is not a folder of ours.
Result<void> make_secret_folder(const std::filesystem::path& path);

// To be handed to the functions ..._at(). An empty path is the working folder.
Result<Descriptor> open_folder(const std::filesystem::path& path);
// Names made, changed and removed in it stay so after a crash.
Result<void> sync_folder(int folder);

// What a system call's errno means to callers of this room.
Status status_of(int error);

}  // namespace latchkey::files
