// SPDX-License-Identifier: Apache-2.0
// What devices say about firmware: the body of a report, and the query of a request for a piece. Pure functions; what
// comes in is a stranger's.
#pragma once

#include <optional>
#include <string_view>

#include "platform/base/bytes.h"
#include "registry/firmware/model.h"

namespace latchkey::hub::firmware {

using registry::Bytes;

inline constexpr std::size_t kReportMax = 1024;
inline constexpr std::size_t kPieceMax = 4096;

struct SpokenReport {
  registry::firmware::Report report;  // without the time
  Bytes bundle;                       // that it is about; empty: none
};
// {"report","reason"?,"id"?,"version","board","pins","revocations","image"?}; members that nobody knows are passed
// over. Nothing: too long, no JSON object, a member missing, of another type or out of bounds.
std::optional<SpokenReport> read_report(ByteView body);

struct PieceRequest {
  Bytes bundle;
  std::uint64_t at = 0;
  std::size_t length = 0;  // 1 to kPieceMax
};
// Nothing when it cannot be read.
std::optional<PieceRequest> read_piece_request(std::string_view query);

}  // namespace latchkey::hub::firmware
