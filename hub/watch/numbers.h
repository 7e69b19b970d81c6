// SPDX-License-Identifier: Apache-2.0
// What a hub process can be asked at any moment and metrics are made of. No device ids: label values are names of
// endpoints, namespaces, policies and hubs, and words of closed lists, so the number of series stays small.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "registry/model/refusal.h"
#include "registry/operations/expiry.h"

namespace latchkey::hub::watch {

// One broker with its gate.
struct EndpointNumbers {
  std::string name;  // "dps", or the hub's
  bool ready = false;
  std::uint64_t sessions = 0;  // now
  std::uint64_t lag = 0;       // changes of the registry that its gate has not confirmed yet
  // Totals since the hub process or the broker started, by Reason; kNone: accepted.
  std::array<std::uint64_t, registry::kReasonLimit> decisions{};
  std::uint64_t dropped_decisions = 0;
  std::uint64_t messages = 0;
  std::uint64_t restarts = 0;
  std::uint64_t renewals = 0;  // certificates issued over live connections
};

struct AuthorityNumbers {
  std::string kind;  // "root", "issuing"
  std::string ns;
  std::string policy;  // of an issuing CA
  UnixMs not_after = 0;
};

// Registrations at the DPS endpoint (hub/provisioning/admission.h).
struct ProvisioningNumbers {
  std::uint64_t waiting = 0;  // now
  std::uint64_t running = 0;
  std::uint64_t admitted = 0;
  std::uint64_t turned_away = 0;
  double per_second = 0;     // that it could work on; 0: nothing was measured yet
  double retry_after_s = 0;  // that was told last, as far as it is not over
};

struct Numbers {
  std::string version;
  std::vector<EndpointNumbers> endpoints;
  std::optional<ProvisioningNumbers> provisioning = {};
  std::vector<registry::ExpiryGroup> expiry;
  std::vector<AuthorityNumbers> authorities;  // the current ones
};

class Source {
 public:
  virtual ~Source() = default;
  virtual Numbers numbers() = 0;  // from any thread
};

}  // namespace latchkey::hub::watch
