// SPDX-License-Identifier: Apache-2.0
// What happened and how things stand: decisions of the gates, status.
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

json decision_json(const SeenDecision& seen) {
  const auto& decision = seen.decision;
  json checks = json::array();  // in the order in which they were made; those never reached are left out
  std::string failed;
  for (int i = 0; i < wire::kCheckCount; ++i) {
    const auto outcome = decision.checks[static_cast<std::size_t>(i)];
    if (outcome == wire::CheckOutcome::kSkipped) continue;
    const std::string name(wire::to_string(static_cast<wire::Check>(i)));
    const bool passed = outcome == wire::CheckOutcome::kPassed;
    if (!passed && failed.empty()) failed = name;
    checks.push_back({{"check", name}, {"outcome", passed ? "passed" : "failed"}});
  }
  return {{"endpoint", seen.endpoint},
          {"number", decision.number},
          {"at", iso8601(decision.at)},
          {"accepted", decision.reason == Reason::kNone},
          {"reason", registry::to_string(decision.reason)},
          {"clientId", decision.client_id},
          {"peer", decision.peer},
          {"serialNumber", decision.serial.empty() ? json() : json(hex(decision.serial))},
          {"issuer", decision.issuer.is_zero() ? json() : json(uuid_text(decision.issuer))},
          {"failedCheck", failed.empty() ? json() : json(failed)},
          {"checks", std::move(checks)}};
}

// A name of the vocabulary, "accepted" included. faces() gives unknown numbers the face of an internal error, so a
// number whose face carries another number is not in the vocabulary.
std::optional<Reason> reason_named(const std::string& name) {
  for (int i = 0; i < registry::kReasonLimit; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (registry::faces(reason).reason == reason && registry::to_string(reason) == name) return reason;
  }
  return std::nullopt;
}

json gate_json(const GateState& gate, registry::Sequence newest) {
  return {{"endpoint", gate.endpoint},
          {"address", gate.address},
          {"brokerPid", gate.broker_pid},
          {"ready", gate.ready},
          {"applied", gate.applied},
          {"cut", gate.cut},
          {"behind", newest > gate.cut ? newest - gate.cut : 0},
          {"connections", gate.connections},
          {"messages", gate.messages},
          {"droppedDecisions", gate.dropped_decisions},
          {"restarts", gate.restarts}};
}

json front_json(const FrontState& front) {
  return {{"hub", front.hub},
          {"address", front.address},
          {"pid", front.pid},
          {"ready", front.ready},
          {"restarts", front.restarts}};
}

}  // namespace

Answer<Response> list_decisions(const Context& context) {
  DecisionFilter filter;
  LATCHKEY_TRY(top, context.top(kUsual, kMost));
  filter.limit = top;
  filter.device = context.query_value("device").value_or("");
  if (const auto name = context.query_value("reason")) {
    filter.reason = reason_named(*name);
    if (!filter.reason) {
      return fault(Reason::kInvalidArgument, "there is no reason '" + name->substr(0, 64) + "'", "reason");
    }
  }
  json value = json::array();
  for (const auto& seen : context.parts.insight.decisions(filter)) value.push_back(decision_json(seen));
  return answer(200, list_json(std::move(value)));
}

Answer<Response> count_decisions(const Context& context) {
  const auto counts = context.parts.insight.counts();
  json value = json::array();  // accepted first, then by the numbers of the vocabulary
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto reason = static_cast<Reason>(i);
    const bool shown = counts[i] > 0 || reason == Reason::kNone;
    if (shown) value.push_back({{"reason", registry::to_string(reason)}, {"count", counts[i]}});
  }
  return answer(200, list_json(std::move(value)));
}

Answer<Response> show_status(const Context& context) {
  const auto state = context.parts.insight.status();
  json gates = json::array();
  for (const auto& gate : state.gates) gates.push_back(gate_json(gate, state.newest));
  json body = {{"version", state.version},
               {"https", state.https.empty() ? json() : json(state.https)},
               {"dataFolder", state.data_folder},
               {"idScope", state.id_scope},
               {"keyProfile", registry::to_string(state.key_profile)},
               {"rehearsal", state.rehearsal},
               {"parity", state.parity},
               {"roles", registry::roles::to_string(context.parts.parity)},
               {"subscription", context.place.subscription},
               {"resourceGroup", context.place.group},
               {"startedAt", iso8601(state.started)},
               {"clock", iso8601(state.now)},
               {"newestSequence", state.newest},
               {"metrics", state.metrics.empty() ? json() : json(state.metrics)},
               {"signing", state.signing.empty() ? json() : json(state.signing)},
               {"signingOpen", state.signing_open.empty() ? json() : json(state.signing_open)},
               {"gates", std::move(gates)}};
  for (const auto& front : state.fronts) body["fronts"].push_back(front_json(front));
  return answer(200, std::move(body));
}

}  // namespace latchkey::hub::management
