// SPDX-License-Identifier: Apache-2.0
// The hub that a fleet is let loose on, as its data folder describes it (endpoints.json, written by `latchkey up`).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "platform/base/status.h"

namespace latchkey::boards::fleet::program {

struct Target {
  std::string data;  // the hub's data folder
  std::string dps;   // host:port
  std::string hub;
  std::string id_scope;
  std::string ca_file;
  std::string key_file;        // of the default enrollment group
  std::string clock_document;  // of a rehearsal; empty: none
};

// One sentence in `problem` when there is no hub, or when it does not answer on both addresses within three seconds.
Result<Target> find_target(const std::filesystem::path& data, std::string& problem);

// The group's key, 16 to 64 bytes; empty on a mistake, which `problem` then says without the content. Whoever calls
// wipes it.
std::vector<std::uint8_t> read_group_key(const std::string& file, std::string& problem);

}  // namespace latchkey::boards::fleet::program
