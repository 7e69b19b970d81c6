// SPDX-License-Identifier: Apache-2.0
// What expires when, and which devices should have renewed and did not. Registry::expiry_report counts,
// Registry::expiring_devices names.
//
// A device stands with the certificate that ends last of those that carry its current identifier and were issued by a
// CA that some hub trusts: older ones that it has replaced concern nobody. Renewal is due at about 80 percent of the
// lifetime, agents choose a point between 70 and 85 percent (azure-iot documentation of certificate renewal; the
// agent's own rule).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/resources.h"

namespace latchkey::registry {

inline constexpr int kRenewalOpensPercent = 70;  // of the lifetime
inline constexpr int kRenewalOverduePercent = 85;
// A certificate that ends within so many days and not within fewer is counted at that place.
inline constexpr std::array<int, 6> kExpiryDays = {1, 3, 7, 14, 30, 90};

enum class RenewalState : std::uint8_t {
  kFresh,
  kDue,      // in the renewal window
  kOverdue,  // beyond it: should have renewed
  kExpired,  // unrenewed; has to go through provisioning
};
std::string_view to_string(RenewalState state);  // "fresh", "due", "overdue", "expired"
std::optional<RenewalState> parse_renewal_state(std::string_view text);
RenewalState renewal_state(UnixMs not_before, UnixMs not_after, UnixMs now);

// Names; empty: all. One that does not exist is refused with kNotFound.
struct ExpiryScope {
  std::string ns;
  std::string policy;
  std::string hub;  // devices that are assigned to it
};

struct ExpiryQuery {
  UnixMs now = 0;
  int within_days = 30;
  int expired_days = 30;  // how far back to look for those that expired unrenewed
  ExpiryScope scope = {};
};

// Devices of one policy that are assigned to one hub.
struct ExpiryGroup {
  std::string ns;
  std::string policy;
  bool policy_deleted = false;
  std::string hub;                                       // empty: it is gone
  std::array<std::uint64_t, kExpiryDays.size()> ends{};  // by kExpiryDays; only those within ExpiryQuery::within_days
  std::uint64_t expiring = 0;                            // sum of `ends`, and those beyond the last of kExpiryDays
  std::uint64_t due = 0;  // the states are of enabled devices, whenever their certificate ends
  std::uint64_t overdue = 0;
  std::uint64_t expired = 0;   // within ExpiryQuery::expired_days
  std::uint64_t disabled = 0;  // due, overdue or expired, but nobody expects them to renew
  UnixMs first_end = 0;        // the next to end; 0: none within
};

struct ExpiryReport {
  std::vector<ExpiryGroup> groups;  // by namespace, policy, hub
};

struct ExpiringDevice {
  std::string ns;
  std::string id;
  std::string policy;
  std::string hub;
  bool enabled = true;
  RenewalState state = RenewalState::kFresh;
  Bytes serial;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
};

struct ExpiringPageQuery {
  ExpiryQuery query;
  std::optional<RenewalState> state;  // of enabled devices; nothing: whatever ends within, in whatever state
  std::size_t limit = 100;
  std::string after = {};  // ExpiringPage::next of the page before; kInvalidArgument when it is no such thing
};

struct ExpiringPage {
  std::vector<ExpiringDevice> devices;  // by the end of their certificate
  std::string next;                     // empty at the end
};

}  // namespace latchkey::registry
