// SPDX-License-Identifier: Apache-2.0
// The fault document as it is read: rules with their patterns and effects.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/rehearsal/faults.h"

namespace latchkey::hub::rehearsal {

// Shell patterns: * any characters, ? any one. Empty: whatever is there.
struct Patterns {
  std::string resource;
  std::string action;
  std::string method;
  std::string device;
  std::string policy;
  std::string hub;
};

struct FaultRule {
  Operation operation = Operation::kManagement;
  Patterns patterns;
  double probability = 1;
  std::optional<std::int64_t> count;  // how often it strikes at the most
  Effect effect;
};

struct FaultPlan {
  std::uint64_t seed = 0;
  std::vector<FaultRule> rules;
};

// kMalformedRequest, with the JSON pointer at fault.
registry::Outcome<FaultPlan> read_faults(std::string_view document);

bool matches(const FaultRule& rule, const Target& target);

}  // namespace latchkey::hub::rehearsal
