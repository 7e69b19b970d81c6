// SPDX-License-Identifier: Apache-2.0
// Revoking certificates of a profile, one or several; and what a rehearsal does to that. The rules are those of
// hub/signing/service.
#include <memory>
#include <nlohmann/json.hpp>

#include "hub/management/internal/reader.h"
#include "hub/management/internal/signing_handlers.h"
#include "hub/management/internal/signing_shapes.h"
#include "platform/base/moment.h"

namespace latchkey::hub::management {

using nlohmann::json;
using registry::Nothing;
using registry::Reason;
using registry::signing::Accounts;

namespace {

using Order = SigningRevocations::Order;

constexpr std::size_t kFailureMax = 1024;

// One of a request; `before` stands before the names of its members in targets.
Answer<Order> read_order(Reader& reader, const std::string& before) {
  auto root = reader.root();
  const auto serial = root.text("serialNumber");
  const auto thumbprint = root.text("thumbprint");
  const auto effective_at = root.text("effectiveAt");
  const auto reason = root.text("reason");
  const auto remarks = root.text_or_null("remarks");
  if (auto read = reader.finish(); !read) {
    auto told = std::move(read.error());
    told.target.insert(0, before);
    return tl::unexpected<Fault>(std::move(told));
  }
  if (!serial) return missing_member(before + "serialNumber");
  if (!thumbprint) return missing_member(before + "thumbprint");
  if (!effective_at) return missing_member(before + "effectiveAt");
  if (!reason) return missing_member(before + "reason");
  const auto at = parse_rfc3339(*effective_at);
  if (!at) {
    return fault(Reason::kInvalidArgument, "'effectiveAt' is a time like 2026-01-31T12:00:00Z (RFC 3339)",
                 before + "effectiveAt");
  }
  return Order{*serial, *thumbprint, *at, *reason, remarks.value_or("")};
}

// The one below the path's own group and account; without the service nothing of it was ever signed, or the hub was
// started without it.
Answer<SigningRevocations*> revocations_at(const Context& context) {
  LATCHKEY_TRY_VOID(Accounts(rows_of(context)).find_profile(where_of(context), context.names[1], context.names[2]));
  if (context.parts.revocations == nullptr) {
    return fault(Reason::kNotSupported, "this hub runs without the signing service: start it with --signing-listen");
  }
  return context.parts.revocations;
}

Answer<Response> revoke(const Context& context, const std::vector<Order>& orders) {
  LATCHKEY_TRY(revocations, revocations_at(context));
  LATCHKEY_TRY_VOID(revocations->revoke(context.call, context.names[1], context.names[2], orders));
  return no_content();
}

}  // namespace

Answer<Response> revoke_certificate(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  LATCHKEY_TRY(order, read_order(*reader, ""));
  return revoke(context, {order});
}

Answer<Response> revoke_certificates(const Context& context) {
  const std::string member = "revokeCertificates";
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto* list = reader->root().any_array(member);
  LATCHKEY_TRY_VOID(reader->finish());
  if (list == nullptr) return missing_member(member);
  std::vector<Order> orders;
  for (const auto& item : *list) {
    const auto place = member + "[" + std::to_string(orders.size()) + "]";
    if (!item.is_object()) return fault(Reason::kMalformedRequest, "'" + place + "' must be an object", place);
    LATCHKEY_TRY(one, Reader::parse(item.dump()));
    LATCHKEY_TRY(order, read_order(*one, place + "."));
    orders.push_back(std::move(order));
  }
  return revoke(context, orders);
}

Answer<Response> hold_revocations(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  const auto held = reader->root().flag("held");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!held) return missing_member("held");
  if (context.parts.revocations == nullptr) {
    return fault(Reason::kNotSupported, "this hub runs without the signing service: start it with --signing-listen");
  }
  LATCHKEY_TRY_VOID(context.registry().audit(context.call, "signing.revocations.hold", "signingRevocations", "ok",
                                             *held ? "held" : "not held"));
  context.parts.revocations->hold(*held);
  return answer(200, {{"held", *held}});
}

Answer<Response> settle_revocation(const Context& context) {
  LATCHKEY_TRY(reader, Reader::parse(context.body));
  auto root = reader->root();
  const auto serial = root.text("serialNumber");
  const auto failure = root.text("failureReason").value_or("");
  LATCHKEY_TRY_VOID(reader->finish());
  if (!serial) return missing_member("serialNumber");
  if (failure.size() > kFailureMax) {
    return fault(Reason::kInvalidArgument, "'failureReason' has 1024 bytes at most", "failureReason");
  }
  LATCHKEY_TRY(revocations, revocations_at(context));
  LATCHKEY_TRY(settled, revocations->settle(context.call, context.names[1], context.names[2], *serial, failure));
  return answer(200, certificate_json(settled, context.call.now));
}

}  // namespace latchkey::hub::management
