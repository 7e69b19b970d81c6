// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/checks.h"

#include "agent/protocol/dps.h"
#include "agent/protocol/hub.h"
#include "agent/protocol/text.h"
#include "registry/table/verdict.h"

namespace latchkey::hub::gate {
namespace {

using registry::Reason;
using wire::Check;

constexpr int kMqtt311 = 4;

bool fresh(const TlsVerdict* verdict) { return verdict != nullptr && verdict->complete && !verdict->used; }

// The checks without which no other makes sense.
bool check_form(const ConnectRequest& request, bool ready, bool credential_shown, Checklist& list) {
  return list.note(Check::kReady, ready, Reason::kRegistryNotReady) &&
         list.note(Check::kProtocol, request.protocol_version == kMqtt311, Reason::kProtocolVersion) &&
         list.note(Check::kClientId, valid_registration_id(request.client_id), Reason::kMalformedClientId) &&
         list.note(Check::kCredential, credential_shown, Reason::kNoCredential) &&
         (request.leaf == nullptr || list.note(Check::kVerdict, fresh(request.leaf->verdict), Reason::kStaleVerdict));
}

void check_chain(const TlsVerdict& verdict, const TrustSet& trust, Checklist& list) {
  list.note(Check::kChain, !verdict.malformed, Reason::kCertificateMalformed);
  // Trust may have changed between the handshake and CONNECT.
  const bool trusted = !verdict.untrusted && !verdict.anchor.none() && trust.contains(verdict.anchor);
  // That there is no anchor is not known by anchors from before. Usually it was judged anew by those of now
  // (TlsHook::judge_anew); where that failed a device would take a refusal for its certificate's. Closed without an
  // answer it comes again.
  const bool judged = !verdict.untrusted || verdict.store == nullptr || trust.is_current(verdict.store);
  list.note(Check::kIssuer, trusted, judged ? Reason::kIssuerNotTrusted : Reason::kRegistryNotReady);
  list.note(Check::kValidity, !verdict.expired && !verdict.not_yet_valid,
            verdict.expired ? Reason::kExpired : Reason::kNotYetValid);
}

bool names_one_device(const ConnectRequest& request) {
  if (request.leaf->common_name != request.client_id) return false;
  const auto username = agent::hub::parse_username(request.username);
  return username && username->device_id == request.client_id && username->module_id.empty();
}

void check_device(const ConnectRequest& request, const registry::Table& table, Checklist& list) {
  const registry::Verdict verdict = registry::check(table, request.client_id, *request.leaf->identifier);
  if (!list.note(Check::kDevice, verdict.known(), Reason::kDeviceUnknown)) return;
  // The record shows both; the reason is the registry's, which puts an outdated identifier first.
  list.note(Check::kEnabled, verdict.enabled(), verdict.reason());
  list.note(Check::kCurrent, verdict.identifier_current(), verdict.reason());
}

}  // namespace

void check_hub_connect(const ConnectRequest& request, bool ready, const FeedState& feed, Checklist& list) {
  if (!check_form(request, ready, request.leaf != nullptr, list)) return;
  check_chain(*request.leaf->verdict, feed.trust(), list);
  const bool identified =
      list.note(Check::kIdentifier, request.leaf->identifier.has_value(), Reason::kMalformedIdentifier);
  const bool named = list.note(Check::kNames, names_one_device(request), Reason::kClientIdMismatch);
  if (identified && named) check_device(request, feed.table(), list);
}

void check_dps_connect(const ConnectRequest& request, bool ready, Checklist& list) {
  if (!check_form(request, ready, request.leaf != nullptr || !request.password.empty(), list)) return;
  const auto username = agent::dps::parse_username(request.username);
  const bool named = username && agent::equal_ignoring_case(username->registration_id, request.client_id);
  list.note(Check::kNames, named, Reason::kClientIdMismatch);
}

}  // namespace latchkey::hub::gate
