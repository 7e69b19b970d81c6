// SPDX-License-Identifier: Apache-2.0
// The audit: its records, newest first to look at and oldest first to take away, its head, and whether it is whole.
#include <charconv>
#include <nlohmann/json.hpp>

#include "hub/management/internal/handlers.h"
#include "hub/management/internal/shapes.h"
#include "hub/management/internal/text.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Reason;

namespace {

constexpr std::size_t kUsual = 50;
constexpr std::size_t kMost = 1000;

// All that is hashed, and both hashes: docs/audit.md says how they are made.
json audit_json(const registry::AuditRecord& record) {
  return {{"number", record.number},     {"at", iso8601(record.at)},  {"atMs", record.at},
          {"actor", record.actor},       {"source", record.source},   {"action", record.action},
          {"resource", record.resource}, {"outcome", record.outcome}, {"detail", record.detail},
          {"before", record.before},     {"after", record.after},     {"previousHash", hex(record.previous)},
          {"hash", hex(record.hash)}};
}

json head_json(const registry::AuditHead& head) {
  return {{"count", head.count}, {"hash", hex(head.hash)}, {"head", registry::to_text(head)}};
}

// The number of a record in a query parameter; nothing when it is not given.
Answer<std::optional<std::uint64_t>> number_of(const Context& context, const std::string& name) {
  const auto text = context.query_value(name);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size() || number == 0 || number > INT64_MAX) {
    return fault(Reason::kMalformedRequest, "'" + name + "' must be the number of a record", name);
  }
  return std::optional(number);
}

Response page(const std::vector<registry::AuditRecord>& records, const std::string& next) {
  json value = json::array();
  for (const auto& record : records) value.push_back(audit_json(record));
  return answer(200, list_json(std::move(value), next));
}

}  // namespace

Answer<Response> list_audit(const Context& context) {
  LATCHKEY_TRY(top, context.top(kUsual, kMost));
  LATCHKEY_TRY(before, number_of(context, "before"));
  LATCHKEY_TRY(from, number_of(context, "from"));
  if (before && from) return fault(Reason::kMalformedRequest, "'before' and 'from' go different ways", "from");
  const std::string again = "/audit?top=" + std::to_string(top);
  if (from) {  // oldest first; the newest page has no next one until there are more records
    LATCHKEY_TRY(records, context.registry().audit_from(*from, top));
    const bool more = records.size() == top;
    return page(records, more ? again + "&from=" + std::to_string(records.back().number + 1) : "");
  }
  LATCHKEY_TRY(records, context.registry().list_audit(before.value_or(0), top));
  const bool more = records.size() == top && records.back().number > 1;
  return page(records, more ? again + "&before=" + std::to_string(records.back().number) : "");
}

Answer<Response> show_audit_head(const Context& context) {
  LATCHKEY_TRY(head, context.registry().audit_head());
  return answer(200, head_json(head));
}

Answer<Response> verify_audit(const Context& context) {
  std::optional<registry::AuditHead> noted;
  if (const auto text = context.query_value("head")) {
    noted = registry::parse_audit_head(*text);
    if (!noted) {
      return fault(Reason::kMalformedRequest, "'head' must be COUNT:HASH, the hash in 64 hex digits", "head");
    }
  }
  LATCHKEY_TRY(report, context.registry().verify_audit(noted));
  json body = head_json(report.head);
  body["intact"] = !report.fault;
  if (report.fault) {
    body["fault"] = {{"number", report.fault->number},
                     {"message", "record " + std::to_string(report.fault->number) + " " + report.fault->what}};
  }
  return answer(200, body);
}

}  // namespace latchkey::hub::management
