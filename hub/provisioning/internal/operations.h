// SPDX-License-Identifier: Apache-2.0
// Operations: what stands behind the operation ids that devices poll. An operation is in the registry before its id is
// told and keeps its result there, so that any node can answer a poll; that somebody works on it is known only to the
// process that does. One whose process died counts as failed after a while.
//
// Threads: any, several at once; all but poll() block on the registry only, poll() on the gates too. No lock is held
// meanwhile.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/provisioning/internal/answer.h"
#include "hub/provisioning/ports.h"
#include "hub/provisioning/provisioning.h"
#include "hub/throttle/throttle.h"

namespace latchkey::hub::provisioning {

// What 202 asks a device to wait.
inline std::uint32_t asked_wait_s(const Options& options) {
  const std::uint32_t running = options.running_wait_s ? options.running_wait_s() : 0;
  return running > options.retry_after_s ? running : options.retry_after_s;
}

// Whom an operation is for: a registration id, and the enrollment that it proved itself to.
struct Registrant {
  const std::string& registration_id;
  const registry::Enrollment& enrollment;
};

class Operations {
 public:
  // All outlive this object.
  Operations(registry::Registry& registry, Enforcement& enforcement, const Options& options);

  // The operation is worked on from now on; it is to be stored before its id is told. kThrottled: it does not exist.
  registry::Outcome<registry::Nothing> begin(const std::string& id, const std::string& registration_id);
  // What to store of one that is being worked on.
  registry::Operation begun(const std::string& id, const std::string& registration_id) const;
  // Stores a result unless it is `stored`; the operation is not worked on any more.
  void finish(const registry::Operation& result, bool stored);
  // The operation is not worked on any more, and was never told.
  void drop(const std::string& id);

  // Polls hear "assigning" for as long as `held` says so, whatever the result.
  void hold(const std::string& id, std::function<bool()> held);

  // Results.
  registry::Operation assigned(const std::string& id, const Registrant& who, const registry::RegistrationGrant& grant,
                               const std::vector<registry::Bytes>& chain, registry::Sequence sequence) const;
  // "disabled" for a disabled enrollment or device, else "failed".
  registry::Operation refused(const std::string& id, const Registrant& who, const registry::Refusal& refusal) const;

  // kThrottled; kOperationNotFound also for another device's operation: it is as unknown as one that never was.
  registry::Outcome<Answer> poll(std::string_view id, const Registrant& who);

 private:
  registry::Outcome<Answer> poll_assigned(const registry::Operation& operation, const StoredAnswer& stored);
  Answer assigning(std::string_view id) const { return {202, assigning_body(id), asked_wait_s(options_)}; }
  bool worked_on(const std::string& id, std::string_view registration_id) const;
  bool held(const std::string& id);

  registry::Registry& registry_;
  Enforcement& enforcement_;
  const Options& options_;
  throttle::Throttle registrations_;
  throttle::Throttle polls_;

  mutable std::mutex mutex_;
  // By this process, with whose it is; guarded by mutex_.
  std::unordered_map<std::string, std::string> running_;
  std::unordered_map<std::string, std::function<bool()>> holds_;  // guarded by mutex_
};

}  // namespace latchkey::hub::provisioning
