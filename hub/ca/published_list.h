// SPDX-License-Identifier: Apache-2.0
// PublishedList: what a revocation list on disk says of itself, so that it is only signed anew when it has to be.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "hub/ca/crl_shards.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::ca {

// What stands on a list, in no order: the same for the same entries, and for practical purposes only for them. Adding
// up entries makes it cheap to tell which of many shards a revocation changed. Not proof against anybody who may choose
// serials, and nobody may.
struct ListContent {
  std::size_t entries = 0;
  std::uint64_t sum = 0;
  void add(const registry::RevokedSerial& entry);
  friend bool operator==(const ListContent&, const ListContent&) = default;
};

struct PublishedList {
  std::uint64_t number = 0;  // 0: there is no file
  UnixMs this_update = 0;
  UnixMs next_update = 0;
  ListContent content;
  // A list is renewed when half of its validity is over.
  bool fresh_at(UnixMs now) const { return number > 0 && this_update <= now && now < renew_at(); }
  UnixMs renew_at() const { return this_update + (next_update - this_update) / 2; }
};

// A file that is missing or damaged reads as none.
PublishedList read_published(const std::filesystem::path& file);

}  // namespace latchkey::hub::ca
