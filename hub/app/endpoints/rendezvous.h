// SPDX-License-Identifier: Apache-2.0
// Rendezvous hashing (Thaler and Ravishankar 1998): every name weighs something for every key, and the heaviest takes
// it. One name more attracts its own share and disturbs no other. The same in every process and on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace latchkey::hub::app {

inline std::uint64_t rendezvous_weight(const std::string& name, const std::string& key) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name + '\n' + key) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  // It mixes its last characters badly, and those are what ids differ in: the finalizer of SplitMix64.
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

// The index of the name that takes the key; `names` is not empty.
inline std::size_t rendezvous(const std::vector<std::string>& names, const std::string& key) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < names.size(); ++i) {
    if (rendezvous_weight(names[i], key) > rendezvous_weight(names[best], key)) best = i;
  }
  return best;
}

}  // namespace latchkey::hub::app
