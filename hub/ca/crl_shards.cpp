// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/crl_shards.h"

#include <algorithm>

namespace latchkey::hub::ca {

// Serials are random (Authority::new_serial), so their last octets spread evenly.
CrlShard shard_of(ByteView serial, unsigned count) {
  constexpr std::size_t kOctets = 4;
  std::uint32_t end = 0;
  for (auto i = serial.size() - std::min(serial.size(), kOctets); i < serial.size(); ++i) end = end << 8 | serial[i];
  return {count, count > 1 ? end % count : 0};
}

std::string list_path(const Uuid& ca, CrlShard shard) {
  const std::string name(view(to_text(ca)));
  if (shard.whole()) return name + ".crl";
  return name + "/" + std::to_string(shard.count) + "/" + std::to_string(shard.index) + ".crl";
}

std::string list_address(const std::string& folder, const Uuid& ca, CrlShard shard) {
  return folder + (folder.ends_with('/') ? "" : "/") + list_path(ca, shard);
}

}  // namespace latchkey::hub::ca
