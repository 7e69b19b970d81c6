// SPDX-License-Identifier: Apache-2.0
// A small hub and its DPS endpoint, for lives in simulated time: it keeps a ledger of what it issued and is strict
// about it. A device has one current credential id; a certificate of another one is refused, as is one out of its time
// by the hub's own clock. Answers can be bent: how a service misbehaves is data (Manners). Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "platform/ports/mqtt_link.h"
#include "platform/sim/clock.h"
#include "tests/unit/agent/core/test_hub.h"

namespace latchkey::sweep {

inline constexpr const char* kDevice = "dev-1";
inline constexpr const char* kDpsHost = "dps.example";
inline constexpr const char* kHubHost = "hub.example";
inline constexpr UnixMs kBackdatedMs = 300'000;

struct Answer {
  int status;
  std::string body;
  int retry_after_s = -1;      // in the topic, DPS only
  std::uint64_t delay_ms = 0;  // by the monotonic clock
  unsigned times = 1;          // delivered so often; 0: never
  bool announced = true;       // a 202 comes first: of renewals that end with 200
};

// What became of an attempt at a session.
struct Verdict {
  bool accepted = true;
  ports::LinkFailure why = ports::LinkFailure::kRefused;
  int detail = 5;
};

class SimHub {
 public:
  // Which credential ids count after a certificate was issued.
  enum class Ids : std::uint8_t {
    kUntilRevoked,  // as in our registry: the id stays, so do older certificates
    kNewestOnly,    // stricter than any: whatever was issued before is refused
  };

  explicit SimHub(const sim::SimClock& clock, Ids ids = Ids::kUntilRevoked) : clock_(clock), ids_(ids) {}

  // Bent answers; empty functions: the service behaves.
  struct Manners {
    std::function<Answer(SimHub&, const std::string& csr)> registration;
    std::function<Answer(SimHub&, const std::string& csr)> renewal;
    std::function<Verdict(bool to_dps)> admission;  // before the credential is looked at
  };
  Manners manners;

  // The operator.
  void revoke() { current_id_ = ++last_id_; }
  void set_enabled(bool enabled) { enabled_ = enabled; }
  // Whatever was wrong with the service is over.
  void behave() {
    manners = {};
    enabled_ = true;
  }
  // The next certificate will be refused when it is shown.
  void spoil_next() { spoil_next_ = true; }

  // A session at DPS: the token has to be good for longer than now.
  Verdict admit_to_dps(const std::string& token);
  // A session at the hub. `record`: the slot whose credential is shown, as it lies in storage.
  Verdict admit_to_hub(const std::optional<std::string>& record) const;
  // Whether that record's credential would be let in now.
  bool accepts(const std::string& record) const;

  // Answers to what a device publishes.
  Answer register_device(const std::string& csr);
  Answer renew(const std::string& request_id, const std::string& csr);
  // The certificate chain for that CSR: recorded, valid by the hub's clock.
  std::vector<std::string> issue(const std::string& csr, test::LeafOptions options = {});

  // How far the hub's clock is ahead of the device's.
  void set_ahead_ms(std::int64_t ms) { ahead_ms_ = ms; }
  UnixMs now() const { return clock_.now() + ahead_ms_; }
  std::uint64_t lifetime_ms = 7'200'000;
  unsigned issued() const { return issued_; }
  // Of the tokens that were taken, the most that was left of one's life.
  UnixMs longest_token_ms() const { return longest_token_ms_; }

 private:
  struct Entry {
    std::uint32_t id;
    bool spoilt;
    UnixMs not_before;
    UnixMs not_after;
  };

  const sim::SimClock& clock_;
  const Ids ids_;
  std::map<std::string, Entry> ledger_;                   // by serial
  std::map<std::string, std::vector<std::string>> done_;  // renewals by request id
  std::uint32_t current_id_ = 1;
  std::uint32_t last_id_ = 1;
  unsigned issued_ = 0;
  UnixMs longest_token_ms_ = 0;
  bool enabled_ = true;
  bool spoil_next_ = false;
  std::int64_t ahead_ms_ = 0;
};

}  // namespace latchkey::sweep
