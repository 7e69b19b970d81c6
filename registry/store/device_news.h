// SPDX-License-Identifier: Apache-2.0
// Rows of what a device is to hear at whichever node it is connected: a log that every node of a registry reads on from
// where it was. Written in the transaction of what it tells of, so in the order of the commits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

struct DeviceNews {
  std::uint64_t number = 0;
  std::string namespace_name;
  Uuid device;
  std::string device_id;
  std::uint64_t desired_version = 0;  // 0: messages wait for it
  std::string patch;                  // what it is told of that version
};

// The newest that are kept. Whoever is further behind has missed some: the first number that it reads does not follow.
inline constexpr std::uint64_t kKeptNews = 4096;

// The number is its own to give: the highest. Nothing is written where no node has ever joined.
Outcome<Nothing> tell_nodes(Database& database, const DeviceNews& news);
// In their order.
Outcome<std::vector<DeviceNews>> news_after(Database& database, std::uint64_t number, std::size_t limit);
// 0: there never was any.
Outcome<std::uint64_t> newest_news(Database& database);

}  // namespace latchkey::registry::store
