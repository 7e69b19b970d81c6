// SPDX-License-Identifier: Apache-2.0
#include "registry/model/audit.h"

#include <algorithm>
#include <charconv>

namespace latchkey::registry {
namespace {

// Says what is hashed, and in which form: another form would take another tag.
constexpr std::string_view kTag = "latchkey.audit.1";

class Encoder {
 public:
  void text(std::string_view text) {
    length(text.size());
    bytes_ += text;
  }
  void number(std::uint64_t value) {
    length(sizeof value);
    big_endian(value, 8);
  }
  std::string take() { return std::move(bytes_); }

 private:
  void length(std::size_t size) { big_endian(size, 4); }
  void big_endian(std::uint64_t value, int octets) {
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) bytes_ += static_cast<char>(value >> shift & 0xff);
  }
  std::string bytes_;
};

const AuditFact* named(const AuditFacts& facts, std::string_view name) {
  const auto found = std::find_if(facts.begin(), facts.end(), [name](const auto& fact) { return fact.name == name; });
  return found == facts.end() ? nullptr : &*found;
}

// A space would end the value and begin a fact that nobody told.
std::string one_word(std::string value) {
  std::replace(value.begin(), value.end(), ' ', '_');
  return value;
}

// The facts of `mine` that `others` does not have, or has otherwise.
std::string own_facts(const AuditFacts& mine, const AuditFacts& others) {
  std::string text;
  for (const AuditFact& fact : mine) {
    const AuditFact* other = named(others, fact.name);
    if (other != nullptr && other->value == fact.value) continue;
    text += (text.empty() ? "" : " ") + fact.name + "=" + one_word(fact.value);
  }
  return text;
}

}  // namespace

std::string audit_encoding(const AuditRecord& record) {
  Encoder encoder;
  encoder.text(kTag);
  encoder.text(ByteView(record.previous).text());
  encoder.number(record.number);
  encoder.number(static_cast<std::uint64_t>(record.at));
  for (const std::string* field : {&record.actor, &record.source, &record.action, &record.resource, &record.outcome,
                                   &record.detail, &record.before, &record.after}) {
    encoder.text(*field);
  }
  return encoder.take();
}

Outcome<AuditHash> audit_hash(const ports::Digest& digest, const AuditRecord& record) {
  AuditHash hash{};
  if (!digest.sha256(audit_encoding(record), hash)) {
    return refuse(Reason::kInternal, "the digest of an audit record could not be computed");
  }
  return hash;
}

std::string to_text(const AuditHead& head) {
  std::string hex(hex_size(head.hash.size()), '0');
  static_cast<void>(hex_encode(head.hash, MutableBytes(reinterpret_cast<std::uint8_t*>(hex.data()), hex.size())));
  return std::to_string(head.count) + ":" + hex;
}

std::optional<AuditHead> parse_audit_head(std::string_view text) {
  AuditHead head;
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, head.count);
  if (error != std::errc() || end != text.data() + colon) return std::nullopt;
  const auto hex = text.substr(colon + 1);
  if (hex.size() != hex_size(head.hash.size()) || !hex_decode(hex, head.hash)) return std::nullopt;
  return head;
}

std::pair<std::string, std::string> differences(const AuditFacts& before, const AuditFacts& after) {
  return {own_facts(before, after), own_facts(after, before)};
}

}  // namespace latchkey::registry
