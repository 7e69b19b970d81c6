// SPDX-License-Identifier: Apache-2.0
// Many devices in few commits. A device is made by the rule that makes a single one, without a savepoint of its own:
// that rule refuses before it changes anything, and whatever fails later takes the whole part back.
#include <algorithm>
#include <chrono>

#include "registry/model/observer.h"
#include "registry/operations/internal/names.h"
#include "registry/operations/internal/rules.h"
#include "registry/store/devices.h"
#include "registry/store/namespaces.h"
#include "registry/store/portrait.h"

namespace latchkey::registry {
namespace {

constexpr std::string_view kAction = "device.create";

using Made = std::vector<Outcome<Device>>;

// The parts of a commit that all of its devices share.
struct Part {
  store::Transaction& transaction;
  const Call& call;
  const std::string& ns;
  const std::optional<Namespace>& parent;
  Faults* faults;
  const Limits& limits;
};

// Where there is room for the whole part nobody has to count for each of its devices.
Outcome<Limits> limits_for(store::Database& db, const std::optional<Namespace>& parent, const Limits& limits,
                           std::size_t size) {
  if (!parent || !limits.devices_a_namespace || *limits.devices_a_namespace < size) return limits;
  LATCHKEY_TRY(crowded, store::has_devices(db, parent->uuid, *limits.devices_a_namespace - size + 1));
  Limits left = limits;
  if (!crowded) left.devices_a_namespace.reset();
  return left;
}

Outcome<Device> make_in(const Part& part, Act& act, const NewDevice& device) {
  if (!part.parent) return refuse(Reason::kParentNotFound, "there is no namespace '" + part.ns + "'");
  return make_device(act, *part.parent, device.id, device.initial, part.limits);
}

bool ours(Reason reason) { return reason == Reason::kStorage || reason == Reason::kInternal; }

// What the store refuses after the device was made is an error of the part, not an outcome of this device.
Outcome<Nothing> make_one(const Part& part, const NewDevice& device, Made& made) {
  const Attempt attempt{kAction, device_path(part.ns, device.id)};
  if (part.faults != nullptr) {
    if (const auto fine = part.faults->before(attempt.action, attempt.resource); !fine) {
      part.transaction.condemn(fine.error());
      return Nothing{};  // nobody hears that: the commit fails
    }
  }
  Call call = part.call;
  if (device.labels) call.labels = device.labels;
  Act act{part.transaction, part.transaction.database(), call, {}};
  act.action = attempt.action;
  act.faults = part.faults;
  auto outcome = make_in(part, act, device);
  if (!outcome && ours(outcome.error().reason)) return fail(outcome.error());
  if (!outcome) {
    const Refusal& refusal = outcome.error();
    LATCHKEY_TRY_VOID(
        part.transaction.audit(record_of(call, attempt, std::string(to_string(refusal.reason)), refusal.detail, {})));
  } else {
    LATCHKEY_TRY_VOID(keep_labels(act, attempt));
    LATCHKEY_TRY(facts, store::portrait(act.db, attempt.resource));
    facts.insert(facts.end(), act.after.begin(), act.after.end());
    LATCHKEY_TRY_VOID(
        part.transaction.audit(record_of(call, attempt, "ok", std::move(act.note), differences(act.before, facts))));
  }
  made.push_back(std::move(outcome));
  return Nothing{};
}

}  // namespace

Outcome<Sequence> SqlRegistry::create_together(const Call& call, const std::string& ns,
                                               std::span<const NewDevice> devices, Made& made) {
  const std::size_t first = made.size();
  last_now_.store(call.now, std::memory_order_relaxed);
  return writer_->run(
      [&](store::Transaction& transaction) -> Outcome<Nothing> {
        LATCHKEY_TRY(parent, store::find_namespace(transaction.database(), ns));
        LATCHKEY_TRY(limits, limits_for(transaction.database(), parent, options_.limits, devices.size()));
        const Part part{transaction, call, ns, parent, options_.faults, limits};
        for (const NewDevice& device : devices) LATCHKEY_TRY_VOID(make_one(part, device, made));
        return Nothing{};
      },
      [&](store::Transaction& transaction, const Refusal& refusal) -> Outcome<Nothing> {
        made.resize(first);
        for (const NewDevice& device : devices) {
          LATCHKEY_TRY_VOID(transaction.audit(record_of(call, {kAction, device_path(ns, device.id)},
                                                        std::string(to_string(refusal.reason)), refusal.detail, {})));
        }
        return Nothing{};
      });
}

Outcome<Committed<std::vector<Outcome<Device>>>> SqlRegistry::create_devices(const Call& call, const std::string& ns,
                                                                             std::span<const NewDevice> devices) {
  Committed<Made> all;
  all.sequence = writer_->newest();
  all.value.reserve(devices.size());
  while (!devices.empty()) {
    const auto part = devices.first(std::min(devices.size(), kDevicesInOneCommit));
    const auto began = std::chrono::steady_clock::now();
    const std::size_t first = all.value.size();
    const auto sequence = create_together(call, ns, part, all.value);
    if (auto* observer = observer_.load(std::memory_order_acquire)) {
      const auto took = std::chrono::steady_clock::now() - began;
      for (std::size_t i = 0; i < part.size(); ++i) {
        const Reason why = !sequence              ? sequence.error().reason
                           : all.value[first + i] ? Reason::kNone
                                                  : all.value[first + i].error().reason;
        observer->operation(kAction, why, took);
      }
    }
    LATCHKEY_TRY(newest, sequence);
    all.sequence = newest;
    devices = devices.subspan(part.size());
  }
  return all;
}

}  // namespace latchkey::registry
