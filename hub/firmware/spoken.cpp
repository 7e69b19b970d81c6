// SPDX-License-Identifier: Apache-2.0
#include "hub/firmware/spoken.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "agent/protocol/text.h"
#include "hub/text/strict_json.h"

namespace latchkey::hub::firmware {
namespace {

using nlohmann::json;
using registry::firmware::Campaign;

constexpr std::size_t kWordMax = 64;

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kWordMax &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// 64 hexadecimal digits.
std::optional<Bytes> digest_in(std::string_view hex) {
  if (hex.size() != hex_size(Campaign::kIdSize)) return std::nullopt;
  Bytes bytes(Campaign::kIdSize);
  if (!hex_decode(hex, {bytes.data(), bytes.size()})) return std::nullopt;
  return bytes;
}

// A member that is there has to be good; one that may be missing leaves what it would go to.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  bool word(const char* name, std::string& to, bool required = true) {
    const auto found = object_.find(name);
    if (found == object_.end()) return !required;
    if (!found->is_string() || !is_word(found->get_ref<const std::string&>())) return false;
    to = found->get<std::string>();
    return true;
  }
  bool digest(const char* name, Bytes& to) {
    std::string text;
    if (!word(name, text, false)) return false;
    if (text.empty()) return true;
    auto bytes = digest_in(text);
    if (!bytes) return false;
    to = std::move(*bytes);
    return true;
  }
  bool number(const char* name, std::uint64_t& to) {
    const auto found = object_.find(name);
    if (found == object_.end() || !found->is_number_unsigned()) return false;
    to = found->get<std::uint64_t>();
    return to <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }

 private:
  const json& object_;
};

}  // namespace

std::optional<SpokenReport> read_report(ByteView body) {
  if (body.size() > kReportMax) return std::nullopt;
  const auto object = text::parse_strict(body.text());
  if (!object || !object->is_object()) return std::nullopt;
  Members members(*object);
  SpokenReport spoken;
  auto& report = spoken.report;
  std::string event;
  const bool read = members.word("report", event) && members.word("reason", report.reason, false) &&
                    members.word("version", report.version) && members.word("board", report.board) &&
                    members.number("pins", report.pins) && members.number("revocations", report.revocations) &&
                    members.digest("image", report.image) && members.digest("id", spoken.bundle);
  if (!read) return std::nullopt;
  const auto known = registry::firmware::parse_event(event);
  if (!known) return std::nullopt;
  report.event = *known;
  return spoken;
}

std::optional<PieceRequest> read_piece_request(std::string_view query) {
  const auto id = agent::find_parameter(query, "id");
  const auto at = agent::find_parameter(query, "at");
  const auto length = agent::find_parameter(query, "length");
  if (!id || !at || !length) return std::nullopt;
  auto bundle = digest_in(*id);
  const auto from = agent::parse_decimal(*at);
  const auto count = agent::parse_decimal(*length);
  if (!bundle || !from || !count || *count == 0 || *count > kPieceMax) return std::nullopt;
  return PieceRequest{std::move(*bundle), *from, static_cast<std::size_t>(*count)};
}

}  // namespace latchkey::hub::firmware
