// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/faults.h"

#include <nlohmann/json.hpp>

#include "hub/rehearsal/internal/fault_rules.h"

namespace latchkey::hub::rehearsal {

struct Faults::Rule {
  FaultRule rule;
  std::int64_t struck = 0;

  bool spent() const { return rule.count && struck >= *rule.count; }
};

Faults::Faults() = default;
Faults::~Faults() = default;

registry::Outcome<registry::Nothing> Faults::set(std::string_view document) {
  LATCHKEY_TRY(plan, read_faults(document));
  const std::lock_guard lock(mutex_);
  rules_.clear();
  for (auto& rule : plan.rules) {
    rule.effect.rule = ++last_rule_;
    rules_.push_back({std::move(rule), 0});
  }
  text_ = document;
  random_.seed(plan.seed);
  any_.store(!rules_.empty(), std::memory_order_release);
  return registry::Nothing{};
}

void Faults::clear() {
  const std::lock_guard lock(mutex_);
  rules_.clear();
  text_.clear();
  any_.store(false, std::memory_order_release);
}

nlohmann::json Faults::document() const {
  const std::lock_guard lock(mutex_);
  auto document = nlohmann::json::parse(text_, nullptr, false);
  if (!document.is_object()) return {{"rules", nlohmann::json::array()}};
  for (std::size_t i = 0; i < rules_.size(); ++i) document["rules"][i]["struck"] = rules_[i].struck;
  return document;
}

// From 0 to 1, the same on every machine: a distribution of the standard library's need not be.
double Faults::draw() { return static_cast<double>(random_() >> 11) * 0x1.0p-53; }

std::optional<Effect> Faults::strike(const Target& target) {
  if (!any()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (auto& one : rules_) {
    if (one.spent() || !matches(one.rule, target)) continue;
    if (one.rule.probability < 1 && draw() >= one.rule.probability) continue;
    ++one.struck;
    return one.rule.effect;
  }
  return std::nullopt;
}

bool Faults::stands(RuleId rule) const {
  const std::lock_guard lock(mutex_);
  for (const auto& one : rules_) {
    if (one.rule.effect.rule == rule) return true;
  }
  return false;
}

}  // namespace latchkey::hub::rehearsal
