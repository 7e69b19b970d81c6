// SPDX-License-Identifier: Apache-2.0
// Faults: what goes wrong in a rehearsal, when and how often, as one document says (docs/rehearsal.md,
// docs/schemas/faults.schema.json). Whoever can go wrong describes what it is about to do and asks strike(); what comes
// of the effect is its own affair. hub/app connects the two.
//
// Threads: any. Without rules strike() reads one atomic and returns.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/refusal.h"

namespace latchkey::hub::rehearsal {

enum class Operation : std::uint8_t {
  kDpsRegister,   // "dps.register": a device registers
  kDpsPoll,       // "dps.poll": it asks how far that is
  kManagement,    // "management.request": any request of an operator
  kArmOperation,  // "management.operation": a long-running operation of the ARM face, once its act is done
  kPolicyRevoke,  // "policy.revoke": the registry revokes a policy's issuing CA
  kHubSync,       // "hub.sync": a hub's CA certificates are brought up to date with one policy
  kCrlPublish,    // "crl.publish": a CA signs its list
  kStoreCommit,   // "store.commit": an act of the registry is about to become durable
};

enum class EffectKind : std::uint8_t {
  kThrottled,           // 429, with `seconds` as retry-after
  kFailed,              // a registration or operation ends as failed; a request: 500 GenericServerError, nothing done
  kWithoutCertificate,  // assigned, and no chain
  kStuck,               // the result is kept back: for `polls`, for `seconds`, or as long as the rule stands
  kResultFailed,        // 200 with {"result":"Failed"}, and nothing done
  kHalfDone,            // new CA made, old hub certificate gone, new one not there; 500 GenericServerError
  kSkipped,             // the sync of that hub does not happen
  kLate,                // it happens `seconds` later, or once the rule stands no more
  kStale,               // a list whose nextUpdate is over
  kWronglySigned,       // a list whose signature does not verify
  kSlow,                // takes `milliseconds` more
  kFull,                // the disk is full
};

// A rule by a number that is never given twice; 0: none.
using RuleId = std::uint64_t;

struct Effect {
  EffectKind kind = EffectKind::kFailed;
  RuleId rule = 0;
  std::int64_t seconds = 0;
  std::int64_t milliseconds = 0;
  std::int64_t polls = 0;
  bool until_released = false;  // kStuck with neither `seconds` nor `polls`, kLate without `seconds`
  bool keeps_old = false;       // kSkipped, kLate: the hub's old CA certificate stays meanwhile
  std::string code;             // of an error that is told; may be empty
  std::string message;
};

// What is about to happen. What an operation does not have is empty.
struct Target {
  Operation operation = Operation::kManagement;
  std::string_view resource = {};
  std::string_view action = {};  // as audit records name it; of management.operation, as roles do
  std::string_view method = {};  // management.request
  std::string_view device = {};
  std::string_view policy = {};
  std::string_view hub = {};
};

class Faults {
 public:
  Faults();
  ~Faults();

  // Replaces the document: counts begin anew, the random numbers at its seed. kMalformedRequest names the JSON pointer
  // at fault, and nothing has changed then.
  registry::Outcome<registry::Nothing> set(std::string_view document);
  void clear();
  // As it was set, with "struck" beside each rule: how often it has struck.
  nlohmann::json document() const;

  // The effect of the first rule that matches, has strikes left and whose probability says so.
  std::optional<Effect> strike(const Target& target);
  // Is that rule part of the document that holds now?
  bool stands(RuleId rule) const;
  bool any() const { return any_.load(std::memory_order_acquire); }

 private:
  struct Rule;
  double draw();

  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;  // guards the rest
  std::vector<Rule> rules_;
  std::string text_;  // the document
  std::mt19937_64 random_;
  RuleId last_rule_ = 0;
};

}  // namespace latchkey::hub::rehearsal
