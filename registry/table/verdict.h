// SPDX-License-Identifier: Apache-2.0
// The identity check: is the certificate that carries this identifier the device's current one? The one place that can
// say so. Chain, time and issuer are the gate's to judge; it also needs `policy` to know which issuer to expect.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/ids.h"
#include "registry/model/refusal.h"
#include "registry/table/table.h"

namespace latchkey::registry {

// A verdict, and what each check saw, for the decision record. Only check() makes a good one.
class Verdict {
 public:
  // kNone when good, else kDeviceUnknown, kIdentifierMismatch or kDeviceDisabled, in this order: whoever shows an
  // outdated certificate does not learn whether the device is enabled.
  Reason reason() const { return reason_; }
  bool good() const { return reason_ == Reason::kNone; }

  bool known() const { return known_; }
  bool identifier_current() const { return identifier_current_; }  // false while unknown
  bool enabled() const { return enabled_; }                        // false while unknown
  // The policy's number in the device's record; 0: none, or unknown.
  std::uint16_t policy() const { return policy_; }

 private:
  friend Verdict check(const Table& table, std::string_view device_id, const DeviceIdentifier& identifier);

  Reason reason_ = Reason::kDeviceUnknown;
  bool known_ = false;
  bool identifier_current_ = false;
  bool enabled_ = false;
  std::uint16_t policy_ = 0;
};

// `identifier` is what the certificate carries, `device_id` what it names (and the MQTT client id says). The identifier
// is compared as a keyed digest of 96 bits, in constant time.
Verdict check(const Table& table, std::string_view device_id, const DeviceIdentifier& identifier);

}  // namespace latchkey::registry
