// SPDX-License-Identifier: Apache-2.0
// Firmware over a device's own session with its hub: topics and bodies, for the device that speaks it and for the hub
// that answers (docs/firmware-update.md). The real service knows nothing of it and ends sessions on topics that it does
// not know: only a device that was given roots, pins and a statement key says a word of this.
//
// Everything returned as a view points into the argument or into `out`. Pure functions; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent::firmware {

inline constexpr std::string_view kFilter = "$iothub/latchkey/firmware/#";
inline constexpr std::string_view kReportTopic = "$iothub/latchkey/firmware/report";
inline constexpr std::string_view kOfferTopic = "$iothub/latchkey/firmware/offer";
inline constexpr std::string_view kWithdrawTopic = "$iothub/latchkey/firmware/withdraw";
inline constexpr std::string_view kStatementTopic = "$iothub/latchkey/firmware/statement";

inline constexpr std::size_t kPieceMax = 4096;   // bytes of a bundle in one answer
inline constexpr std::size_t kReportMax = 1024;  // bytes of a report's body
inline constexpr std::size_t kTopicMax = 256;    // enough for any topic that is written here

using BundleId = std::array<std::uint8_t, 32>;  // SHA-256 of the bundle

// What a topic is about. Of a topic with another beginning: kOther.
enum class TopicKind : std::uint8_t { kOther, kReport, kOffer, kWithdraw, kStatement, kFetch, kAnswer, kUnknown };
TopicKind kind_of(std::string_view topic);

// ---- Pieces of a bundle

struct Piece {
  BundleId id{};
  std::uint64_t at = 0;
  std::size_t length = 0;  // 1 to kPieceMax
};
// $iothub/latchkey/firmware/GET/?$rid=R&id=<64 hex>&at=N&length=M
// kInvalidArgument: a request id that would break the topic, or another length.
Result<std::string_view> write_fetch_topic(std::string_view request_id, const Piece& piece, MutableBytes out);

struct FetchTopic {
  std::string_view request_id;
  std::optional<Piece> piece;  // nothing: it cannot be read, which is answered 400
};
// kNotFound: another topic. kMalformed: no valid `$rid`, so there is nothing to answer to.
Result<FetchTopic> parse_fetch_topic(std::string_view topic);

struct AnswerTopic {
  std::uint16_t status = 0;
  std::string_view request_id;
  std::optional<std::uint32_t> retry_after_s;  // of 429
};
// $iothub/latchkey/firmware/res/{status}/?$rid=R[&retry-after=S]
Result<std::string_view> write_answer_topic(const AnswerTopic& topic, MutableBytes out);
// kNotFound: another topic. kMalformed: one that cannot be read.
Result<AnswerTopic> parse_answer_topic(std::string_view topic);

// ---- Offers

struct Offer {
  BundleId id{};
  std::uint64_t size = 0;  // of the bundle, in bytes; never 0
};
Result<std::string_view> write_offer(const Offer& offer, MutableBytes out);
Result<std::string_view> write_withdrawal(const BundleId& id, MutableBytes out);
// kMalformed: not that object. Unknown members are passed over, of a repeated one the last counts.
Result<Offer> parse_offer(std::string_view body);
Result<BundleId> parse_withdrawal(std::string_view body);

// ---- Reports

// Names are letters, a version is digits and dots, a board is printable ASCII without space, quotation mark and
// backslash: no string of a report needs an escape, and one that has an escape is none.
struct Report {
  std::string_view report;   // "hello", or what became of an update: "fetching"
  std::string_view reason;   // empty: there is none
  std::string_view version;  // of what runs: "1.2.0"
  std::string_view board;
  std::uint64_t pins = 0;         // version of the statement that is held; 0: none
  std::uint64_t revocations = 0;  // likewise
  std::optional<BundleId> id;     // of the bundle that the report is about
  std::optional<BundleId> image;  // SHA-256 of what runs, if it came in a bundle
};
// kInvalidArgument for texts of another form.
Result<std::string_view> write_report(const Report& report, MutableBytes out);
// kTooLarge over kReportMax; kMalformed: `report`, `version` or `board` is missing, or a member is of another form.
Result<Report> parse_report(std::string_view body);

}  // namespace latchkey::agent::firmware
