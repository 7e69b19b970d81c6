// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/firmware.h"

#include "agent/protocol/json_members.h"
#include "agent/protocol/text.h"
#include "agent/protocol/topic_text.h"

namespace latchkey::agent::firmware {
namespace {

constexpr std::string_view kPrefix = "$iothub/latchkey/firmware/";
constexpr std::string_view kFetchPrefix = "$iothub/latchkey/firmware/GET/?";
constexpr std::string_view kAnswerPrefix = "$iothub/latchkey/firmware/res/";
constexpr std::string_view kRid = "$rid";
constexpr std::size_t kRequestIdMax = 36;
constexpr std::size_t kNameMax = 32;
constexpr std::size_t kVersionMax = 32;
constexpr std::size_t kBoardMax = 64;

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

bool valid_request_id(std::string_view id) { return safe_in_query(id, kRequestIdMax); }

template <class Allowed>
bool consists_of(std::string_view text, std::size_t longest, Allowed allowed) {
  if (text.empty() || text.size() > longest) return false;
  for (const char c : text) {
    if (!allowed(c)) return false;
  }
  return true;
}

bool valid_name(std::string_view text) {
  return consists_of(text, kNameMax, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}
bool valid_version(std::string_view text) {
  return consists_of(text, kVersionMax, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}
bool valid_board(std::string_view text) {
  return consists_of(text, kBoardMax, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

void put_id(TextWriter& out, const BundleId& id) {
  std::array<std::uint8_t, hex_size(sizeof(BundleId))> digits;
  (void)hex_encode(id, digits);  // it fits
  out.put(ByteView(digits).text());
}

Result<BundleId> read_id(std::string_view digits) {
  BundleId id;
  if (digits.size() != hex_size(id.size())) return fail(Status::kMalformed);
  LATCHKEY_TRY_VOID(hex_decode(digits, id));
  return id;
}

Result<void> read_unsigned(JsonReader& reader, std::uint64_t& out) {
  LATCHKEY_TRY(token, reader.next());
  if (token != JsonReader::Token::kNumber) return fail(Status::kMalformed);
  LATCHKEY_TRY(number, reader.number_as_unsigned());
  out = number;
  return {};
}

// A string without escapes.
Result<void> read_plain(JsonReader& reader, std::string_view& out) {
  JsonString text;
  LATCHKEY_TRY_VOID(read_string(reader, text));
  out = text.raw;
  return {};
}

Result<void> read_optional_id(JsonReader& reader, std::optional<BundleId>& out) {
  std::string_view digits;
  LATCHKEY_TRY_VOID(read_plain(reader, digits));
  out.reset();
  if (digits.data() == nullptr) return {};  // null
  LATCHKEY_TRY(id, read_id(digits));
  out = id;
  return {};
}

std::optional<Piece> read_piece(std::string_view query) {
  const auto id = find_parameter(query, "id");
  const auto at = find_parameter(query, "at");
  const auto length = find_parameter(query, "length");
  if (!id || !at || !length) return std::nullopt;
  const auto bundle = read_id(*id);
  const auto place = parse_decimal(*at);
  const auto size = parse_decimal(*length);
  if (!bundle || !place || !size || *size == 0 || *size > kPieceMax) return std::nullopt;
  return Piece{*bundle, *place, static_cast<std::size_t>(*size)};
}

Result<void> read_member(JsonReader& reader, JsonString key, Report& report) {
  if (key.equals("report")) return read_plain(reader, report.report);
  if (key.equals("reason")) return read_plain(reader, report.reason);
  if (key.equals("version")) return read_plain(reader, report.version);
  if (key.equals("board")) return read_plain(reader, report.board);
  if (key.equals("pins")) return read_unsigned(reader, report.pins);
  if (key.equals("revocations")) return read_unsigned(reader, report.revocations);
  if (key.equals("id")) return read_optional_id(reader, report.id);
  if (key.equals("image")) return read_optional_id(reader, report.image);
  return skip_value(reader);
}

bool well_formed(const Report& report) {
  return valid_name(report.report) && (report.reason.empty() || valid_name(report.reason)) &&
         valid_version(report.version) && valid_board(report.board);
}

}  // namespace

TopicKind kind_of(std::string_view topic) {
  if (!starts_with(topic, kPrefix)) return TopicKind::kOther;
  if (topic == kReportTopic) return TopicKind::kReport;
  if (topic == kOfferTopic) return TopicKind::kOffer;
  if (topic == kWithdrawTopic) return TopicKind::kWithdraw;
  if (topic == kStatementTopic) return TopicKind::kStatement;
  if (starts_with(topic, kFetchPrefix)) return TopicKind::kFetch;
  return starts_with(topic, kAnswerPrefix) ? TopicKind::kAnswer : TopicKind::kUnknown;
}

Result<std::string_view> write_fetch_topic(std::string_view request_id, const Piece& piece, MutableBytes out) {
  if (!valid_request_id(request_id) || piece.length == 0 || piece.length > kPieceMax) {
    return fail(Status::kInvalidArgument);
  }
  TextWriter writer(out);
  writer.put(kFetchPrefix).put(kRid).put('=').put(request_id).put("&id=");
  put_id(writer, piece.id);
  return writer.put("&at=").put_decimal(piece.at).put("&length=").put_decimal(piece.length).finish();
}

Result<FetchTopic> parse_fetch_topic(std::string_view topic) {
  if (!starts_with(topic, kFetchPrefix)) return fail(Status::kNotFound);
  const std::string_view query = topic.substr(kFetchPrefix.size());
  const auto rid = find_parameter(query, kRid);
  if (!rid || !valid_request_id(*rid)) return fail(Status::kMalformed);
  return FetchTopic{*rid, read_piece(query)};
}

Result<std::string_view> write_answer_topic(const AnswerTopic& topic, MutableBytes out) {
  const bool three_digits = topic.status >= 100 && topic.status <= 999;
  if (!valid_request_id(topic.request_id) || !three_digits) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(kAnswerPrefix).put_decimal(topic.status).put("/?").put(kRid).put('=').put(topic.request_id);
  if (topic.retry_after_s) writer.put("&retry-after=").put_decimal(*topic.retry_after_s);
  return writer.finish();
}

Result<AnswerTopic> parse_answer_topic(std::string_view topic) {
  LATCHKEY_TRY(parts, split_response(topic, kAnswerPrefix));
  const auto rid = find_parameter(parts.query, kRid);
  if (!rid || !valid_request_id(*rid)) return fail(Status::kMalformed);
  AnswerTopic answer{parts.status, *rid, std::nullopt};
  if (const auto wait = find_parameter(parts.query, "retry-after")) {
    LATCHKEY_TRY(seconds, parse_decimal(*wait));
    if (seconds > UINT32_MAX) return fail(Status::kMalformed);
    answer.retry_after_s = static_cast<std::uint32_t>(seconds);
  }
  return answer;
}

Result<std::string_view> write_offer(const Offer& offer, MutableBytes out) {
  if (offer.size == 0) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(R"({"id":")");
  put_id(writer, offer.id);
  return writer.put(R"(","size":)").put_decimal(offer.size).put('}').finish();
}

Result<std::string_view> write_withdrawal(const BundleId& id, MutableBytes out) {
  TextWriter writer(out);
  writer.put(R"({"id":")");
  put_id(writer, id);
  return writer.put(R"("})").finish();
}

Result<Offer> parse_offer(std::string_view body) {
  std::optional<BundleId> id;
  Offer offer;
  JsonReader reader(body);
  LATCHKEY_TRY_VOID(read_document(reader, [&](JsonString key) {
    if (key.equals("id")) return read_optional_id(reader, id);
    if (key.equals("size")) return read_unsigned(reader, offer.size);
    return skip_value(reader);
  }));
  if (!id || offer.size == 0) return fail(Status::kMalformed);
  offer.id = *id;
  return offer;
}

Result<BundleId> parse_withdrawal(std::string_view body) {
  std::optional<BundleId> id;
  JsonReader reader(body);
  LATCHKEY_TRY_VOID(read_document(
      reader, [&](JsonString key) { return key.equals("id") ? read_optional_id(reader, id) : skip_value(reader); }));
  if (!id) return fail(Status::kMalformed);
  return *id;
}

Result<std::string_view> write_report(const Report& report, MutableBytes out) {
  if (!well_formed(report)) return fail(Status::kInvalidArgument);
  TextWriter writer(out);
  writer.put(R"({"report":")").put(report.report).put('"');
  if (!report.reason.empty()) writer.put(R"(,"reason":")").put(report.reason).put('"');
  if (report.id) {
    writer.put(R"(,"id":")");
    put_id(writer, *report.id);
    writer.put('"');
  }
  writer.put(R"(,"version":")").put(report.version).put(R"(","board":")").put(report.board);
  writer.put(R"(","pins":)").put_decimal(report.pins).put(R"(,"revocations":)").put_decimal(report.revocations);
  if (report.image) {
    writer.put(R"(,"image":")");
    put_id(writer, *report.image);
    writer.put('"');
  }
  return writer.put('}').finish();
}

Result<Report> parse_report(std::string_view body) {
  if (body.size() > kReportMax) return fail(Status::kTooLarge);
  Report report;
  JsonReader reader(body);
  LATCHKEY_TRY_VOID(read_document(reader, [&](JsonString key) { return read_member(reader, key, report); }));
  if (!well_formed(report)) return fail(Status::kMalformed);
  return report;
}

}  // namespace latchkey::agent::firmware
