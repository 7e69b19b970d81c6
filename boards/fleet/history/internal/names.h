// SPDX-License-Identifier: Apache-2.0
// The names of enumerations in files, by their order in record.h.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::history {

using Name = std::string_view;
template <class Enum>
struct Names;

template <>
struct Names<Service> {
  static constexpr std::array<Name, 2> kAll{"dps", "hub"};
};
template <>
struct Names<Cause> {
  static constexpr std::array<Name, 2> kAll{"arrival", "wake"};
};
template <>
struct Names<RefusedBy> {
  static constexpr std::array<Name, 4> kAll{"connack", "tls", "dps", "renewal"};
};
template <>
struct Names<Why> {
  static constexpr std::array<Name, 9> kAll{
      "own", "unreachable", "server-not-trusted", "tls-alert", "no-connack", "refused", "lost", "local", "cut"};
};
template <>
struct Names<ActKind> {
  static constexpr std::array<Name, 9> kAll{"revokeDevices", "revokePolicy",  "disableDevices",
                                            "enableDevices", "deleteDevices", "sync",
                                            "setFaults",     "clearFaults",   "advanceClock"};
};
template <>
struct Names<FaultKind> {
  static constexpr std::array<Name, 4> kAll{"network-cut", "crash", "credential-lost", "clock-skew"};
};
template <>
struct Names<Ending> {
  static constexpr std::array<Name, 4> kAll{"time-up", "all-back", "interrupted", "failed"};
};

template <class Enum>
std::string_view name_of(Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < Names<Enum>::kAll.size() ? Names<Enum>::kAll[index] : "?";
}

template <class Enum>
std::optional<Enum> named(std::string_view name) {
  for (std::size_t i = 0; i < Names<Enum>::kAll.size(); ++i) {
    if (Names<Enum>::kAll[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace latchkey::boards::fleet::history
