// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/place_in_tree.h"

#include <algorithm>
#include <cstdint>

namespace latchkey::hub::gate {
namespace {

constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kName = 10;  // letters of six bits; as many as the shortest filter has room for

// FNV-1a. Whoever looks for two clients with one name gets a list of two.
std::uint64_t hash(std::uint64_t value, std::string_view text) {
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

}  // namespace

void give_place(std::string_view client_id, MutableBytes filter) {
  const auto text = ByteView(filter).text();
  const auto slash = text.find('/');
  if (text.empty() || text.front() != '$' || slash == std::string_view::npos || text.size() - slash - 1 < kName) return;
  // The separator is in no client id that a device can have.
  std::uint64_t name = hash(hash(hash(0xcbf29ce484222325, client_id), "/"), text);
  name ^= name >> 32U;
  const auto place = filter.subview(slash + 1, filter.size() - slash - 1);
  std::fill_n(place.data(), place.size(), std::uint8_t{'_'});
  for (std::size_t i = 0; i < kName; ++i, name >>= 6U)
    place.data()[i] = static_cast<std::uint8_t>(kLetters[name & 63U]);
}

}  // namespace latchkey::hub::gate
