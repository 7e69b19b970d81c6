// SPDX-License-Identifier: Apache-2.0
// hub/rehearsal's faults as each room asks for them: what a room is about to do becomes a Target, and the effect that
// strikes becomes what the room's port can say.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "hub/ca/crl_publisher.h"
#include "hub/management/management.h"
#include "hub/provisioning/ports.h"
#include "hub/rehearsal/faults.h"
#include "registry/operations/faults.h"

namespace latchkey::hub::app {

class DpsFaults final : public provisioning::Faults {
 public:
  explicit DpsFaults(rehearsal::Faults& faults) : faults_(faults) {}
  Fate registration(const std::string& registration_id, const registry::Enrollment& enrollment) override;
  std::optional<std::uint32_t> poll(const std::string& registration_id,
                                    const registry::Enrollment& enrollment) override;

 private:
  rehearsal::Faults& faults_;
};

// Policies whose revoke was left half done and that nobody was told of yet. Threads: any.
class HalfDone {
 public:
  void add(const std::string& policy_path);
  // True when the path ends in one of them, in whatever case; it is told then.
  bool take(std::string path);

 private:
  std::mutex mutex_;
  std::set<std::string> paths_;  // guarded by mutex_
};

class StoreFaults final : public registry::Faults {
 public:
  // `resync`: brings the hubs of that namespace up to date, as an operator would. Called on a thread of its own.
  using Resync = std::function<void(const Uuid& namespace_uuid)>;
  StoreFaults(rehearsal::Faults& faults, HalfDone& half_done) : faults_(faults), half_done_(half_done) {}
  ~StoreFaults() override { stop(); }

  registry::Outcome<registry::Nothing> before(std::string_view action, std::string_view resource) override;
  Sync sync(std::string_view action, const registry::Policy& policy, const registry::Hub& hub) override;

  void start(Resync resync);
  // The document has changed: what was late for as long as a rule stood may be due.
  void released();
  void stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Late {
    Time due;
    rehearsal::RuleId rule = 0;  // not 0: due once that rule stands no more
    Sync meanwhile = Sync::kNothing;
    bool called = false;  // the sync that makes it good is on its way
  };
  bool is_due(const Late& late) const {
    return late.rule != 0 ? !faults_.stands(late.rule) : std::chrono::steady_clock::now() >= late.due;
  }
  using Pair = std::pair<Uuid, Uuid>;  // policy, hub
  void run();

  rehearsal::Faults& faults_;
  HalfDone& half_done_;
  bool halving_ = false;  // the writer's thread alone

  std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  std::map<Pair, Late> late_;
  std::map<Pair, Uuid> namespaces_;  // of the late ones
  Resync resync_;
  bool stopping_ = false;
  std::thread thread_;
};

class OperationFaults final : public management::OperationPace {
 public:
  OperationFaults(rehearsal::Faults& faults, HalfDone& half_done) : faults_(faults), half_done_(half_done) {}
  Pace begin(std::string_view action, const std::string& resource) override;
  bool held(std::string_view action, const std::string& resource) override;

 private:
  rehearsal::Faults& faults_;
  HalfDone& half_done_;
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, rehearsal::RuleId> held_;  // guarded by mutex_
};

ca::Spoilt spoilt_list(rehearsal::Faults& faults, const registry::CaCertificate& ca);

// Requests to management, on every face.
class RequestFaults {
 public:
  using Next = std::function<management::Response(const management::Request&)>;
  RequestFaults(rehearsal::Faults& faults, HalfDone& half_done) : faults_(faults), half_done_(half_done) {}
  management::Response handle(const management::Request& request, const Next& next);

 private:
  rehearsal::Faults& faults_;
  HalfDone& half_done_;
};

}  // namespace latchkey::hub::app
