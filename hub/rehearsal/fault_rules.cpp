// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/internal/fault_rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <initializer_list>

#include "hub/rehearsal/internal/reader.h"

namespace latchkey::hub::rehearsal {
namespace {

constexpr std::size_t kRuleLimit = 256;
constexpr std::int64_t kMostSeconds = 86'400;
constexpr std::int64_t kMostMilliseconds = 60'000;
constexpr std::int64_t kMostCount = 1'000'000'000;
constexpr std::int64_t kUsualRetryAfterS = 10;

using PatternMember = std::string Patterns::*;
struct PatternName {
  std::string_view name;
  PatternMember member;
};
constexpr PatternName kPatterns[] = {{"resource", &Patterns::resource}, {"action", &Patterns::action},
                                     {"method", &Patterns::method},     {"device", &Patterns::device},
                                     {"policy", &Patterns::policy},     {"hub", &Patterns::hub}};

// What an operation tells of itself, and what can come over it.
struct OperationRow {
  Operation operation;
  std::string_view name;
  std::vector<std::string_view> tells;
  std::vector<EffectKind> effects;
};
const std::vector<OperationRow>& operations() {
  using enum EffectKind;
  static const std::vector<OperationRow> table = {
      {Operation::kDpsRegister,
       "dps.register",
       {"device", "policy"},
       {kThrottled, kFailed, kWithoutCertificate, kStuck}},
      {Operation::kDpsPoll, "dps.poll", {"device", "policy"}, {kThrottled}},
      {Operation::kManagement, "management.request", {"resource", "method"}, {kThrottled, kFailed, kResultFailed}},
      {Operation::kArmOperation, "management.operation", {"action", "resource"}, {kStuck, kFailed}},
      {Operation::kPolicyRevoke, "policy.revoke", {"resource"}, {kHalfDone}},
      {Operation::kHubSync, "hub.sync", {"hub", "policy", "action"}, {kSkipped, kLate}},
      {Operation::kCrlPublish, "crl.publish", {"resource"}, {kStale, kWronglySigned}},
      {Operation::kStoreCommit, "store.commit", {"action", "resource"}, {kSlow, kFull}},
  };
  return table;
}

struct EffectRow {
  EffectKind kind;
  std::string_view name;
};
constexpr EffectRow kEffects[] = {{EffectKind::kThrottled, "throttled"},
                                  {EffectKind::kFailed, "failed"},
                                  {EffectKind::kWithoutCertificate, "withoutCertificate"},
                                  {EffectKind::kStuck, "stuck"},
                                  {EffectKind::kResultFailed, "resultFailed"},
                                  {EffectKind::kHalfDone, "halfDone"},
                                  {EffectKind::kSkipped, "skipped"},
                                  {EffectKind::kLate, "late"},
                                  {EffectKind::kStale, "stale"},
                                  {EffectKind::kWronglySigned, "wronglySigned"},
                                  {EffectKind::kSlow, "slow"},
                                  {EffectKind::kFull, "full"}};

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

const OperationRow* read_match(Fields match, Patterns& patterns) {
  const auto name = match.required_text("operation");
  const auto& table = operations();
  const auto row = std::find_if(table.begin(), table.end(), [&](const OperationRow& one) { return one.name == name; });
  if (row == table.end()) {
    std::string known;
    for (const auto& one : table) known += (known.empty() ? "" : ", ") + std::string(one.name);
    match.refuse("operation", "is not an operation; there are " + known);
    return nullptr;
  }
  for (const auto& [pattern, member] : kPatterns) {
    const std::string key(pattern);
    if (!match.has(key)) continue;
    if (!contains(row->tells, pattern)) {
      match.refuse(key, std::string(row->name) + " has no " + key);
      continue;
    }
    patterns.*member = match.required_text(key);
  }
  return &*row;
}

void read_error(Fields& effect, Effect& result) {
  result.code = effect.text("code").value_or("");
  result.message = effect.text("message").value_or("");
}

void read_old(Fields& effect, Effect& result) {
  const auto old = effect.text("old");
  if (old && *old != "kept" && *old != "removed") effect.refuse("old", "is kept or removed");
  result.keeps_old = old == "kept";
}

// The members that belong to a kind; any other is left for the reader to refuse.
void read_parameters(Fields& effect, Effect& result) {
  switch (result.kind) {
    case EffectKind::kThrottled:
      result.seconds = effect.integer("retryAfterSeconds", 0, kMostSeconds).value_or(kUsualRetryAfterS);
      return;
    case EffectKind::kStuck: {
      const auto polls = effect.integer("polls", 1, kMostCount);
      const auto seconds = effect.integer("seconds", 1, kMostSeconds);
      if (polls && seconds) effect.refuse("is stuck for some polls or some seconds, not both");
      result.polls = polls.value_or(0);
      result.seconds = seconds.value_or(0);
      result.until_released = !polls && !seconds;
      return;
    }
    case EffectKind::kLate:
      result.seconds = effect.integer("seconds", 1, kMostSeconds).value_or(0);
      result.until_released = result.seconds == 0;
      return read_old(effect, result);
    case EffectKind::kSkipped: return read_old(effect, result);
    case EffectKind::kSlow:
      if (!effect.has("milliseconds")) effect.refuse("milliseconds", "is missing");
      result.milliseconds = effect.integer("milliseconds", 1, kMostMilliseconds).value_or(1);
      return;
    case EffectKind::kFailed:
    case EffectKind::kResultFailed: return read_error(effect, result);
    case EffectKind::kWithoutCertificate:
    case EffectKind::kHalfDone:
    case EffectKind::kStale:
    case EffectKind::kWronglySigned:
    case EffectKind::kFull: return;
  }
}

Effect read_effect(Fields effect, const OperationRow* row) {
  Effect result;
  const auto name = effect.required_text("kind");
  const auto* const found =
      std::find_if(std::begin(kEffects), std::end(kEffects), [&](const EffectRow& one) { return one.name == name; });
  if (found == std::end(kEffects)) {
    effect.refuse("kind", "is not an effect");
    return result;
  }
  result.kind = found->kind;
  if (row != nullptr && !contains(row->effects, found->kind)) {
    effect.refuse("kind", std::string(row->name) + " cannot be " + name);
  }
  read_parameters(effect, result);
  return result;
}

FaultRule read_rule(Fields& fields) {
  FaultRule rule;
  (void)fields.text("name");  // for people
  if (!fields.has("match")) fields.refuse("match", "is missing");
  if (!fields.has("effect")) fields.refuse("effect", "is missing");
  const auto* row = read_match(fields.object("match"), rule.patterns);
  if (row != nullptr) rule.operation = row->operation;
  rule.effect = read_effect(fields.object("effect"), row);
  rule.probability = fields.number("probability", 0, 1).value_or(1);
  rule.count = fields.integer("count", 1, kMostCount);
  return rule;
}

bool fits(const std::string& pattern, std::string_view text) {
  return pattern.empty() || ::fnmatch(pattern.c_str(), std::string(text).c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace

registry::Outcome<FaultPlan> read_faults(std::string_view document) {
  LATCHKEY_TRY(reader, Reader::parse(document));
  auto root = reader->root();
  FaultPlan plan;
  (void)root.text("$schema");
  plan.seed = static_cast<std::uint64_t>(root.integer("seed", 0, 1LL << 53).value_or(0));
  auto rules = root.objects("rules");
  if (!root.has("rules")) root.refuse("rules", "is missing");
  if (rules.size() > kRuleLimit) root.refuse("rules", "has more than " + std::to_string(kRuleLimit) + " rules");
  for (auto& rule : rules) plan.rules.push_back(read_rule(rule));
  LATCHKEY_TRY_VOID(reader->finish());
  return plan;
}

bool matches(const FaultRule& rule, const Target& target) {
  return rule.operation == target.operation && fits(rule.patterns.resource, target.resource) &&
         fits(rule.patterns.action, target.action) && fits(rule.patterns.method, target.method) &&
         fits(rule.patterns.device, target.device) && fits(rule.patterns.policy, target.policy) &&
         fits(rule.patterns.hub, target.hub);
}

}  // namespace latchkey::hub::rehearsal
