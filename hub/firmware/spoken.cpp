// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/spoken.h"

#include <limits>

namespace latchkey::hub::firmware {
namespace {

// What a row can hold.
constexpr auto kVersionMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

Bytes bytes_of(const std::optional<agent::firmware::BundleId>& id) {
  return id ? Bytes(id->begin(), id->end()) : Bytes();
}

}  // namespace

std::optional<SpokenReport> read_report(ByteView body) {
  const auto read = agent::firmware::parse_report(body.text());
  if (!read || read->pins > kVersionMost || read->revocations > kVersionMost) return std::nullopt;
  const auto event = registry::firmware::parse_event(read->report);
  if (!event) return std::nullopt;
  SpokenReport spoken;
  spoken.report.event = *event;
  spoken.report.reason = read->reason;
  spoken.report.version = read->version;
  spoken.report.board = read->board;
  spoken.report.image = bytes_of(read->image);
  spoken.report.pins = read->pins;
  spoken.report.revocations = read->revocations;
  spoken.bundle = bytes_of(read->id);
  return spoken;
}

}  // namespace latchkey::hub::firmware
