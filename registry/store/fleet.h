// SPDX-License-Identifier: Apache-2.0
// Questions about the whole fleet: what hangs below a CA, what ends when, and everything that a device's next
// certificate hangs on. Reads only.
//
// Questions about the order of ends go by certificates_by_end, an index of the issued certificates that has all that
// the filters need, so that rows are read for hits alone. Questions about every device go in the order of their uuids,
// which is that of the rows as they were made, and take the certificates from certificates_of_device, which has all
// that is asked of them: neighbours lie side by side, where the order of ends would be a jump for each. Certificates
// below a CA that is revoked or off the hubs stay in both until somebody asks: these queries leave them out by the
// hubs' own lists.
#pragma once

#include <functional>

#include "registry/store/sql.h"

namespace latchkey::registry::store {

// Certificates that were issued to a device for the identifier that it has, also expired ones.
struct HeldCertificate {
  Uuid ca;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  UnixMs issued_at = 0;
};
// A device and what provisioning would go by. Rows that are not there leave their members empty.
struct FleetDevice {
  Uuid uuid;
  std::string id;
  CredentialId credential_id;
  bool enabled = true;
  std::optional<Uuid> assigned_hub;
  UnixMs registered = 0;  // last
  struct Door {           // an enrollment
    bool enabled = true;
    std::string policy_name;
  };
  // The individual enrollment of its registration id, which speaks alone for it; else the group that it registered
  // through last.
  std::optional<Door> door;
  std::vector<HeldCertificate> held;
};
// Those of them that there are, by uuid. In runs of some hundred, so that the caller's list may be as long as the
// fleet.
Outcome<Nothing> each_device(Database& database, const std::vector<Uuid>& devices,
                             const std::function<void(const FleetDevice&)>& visit);
Outcome<std::optional<Uuid>> device_uuid(Database& database, const Uuid& ns, std::string_view id);

// Whether there is or was a policy of that name, which compares case-insensitively.
Outcome<bool> had_policy(Database& database, const Uuid& ns, std::string_view name);

// Devices that were issued a certificate by that CA which has not expired, once for each of them: to make them distinct
// here would read another index, of all certificates that there ever were.
Outcome<std::vector<Uuid>> holders_below(Database& database, const Uuid& ca, UnixMs now);

// The certificate that a device stands with: see operations/expiry.h.
struct StandingCertificate {
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  Uuid policy;
  Uuid namespace_uuid;
  bool enabled = true;  // the device
  std::optional<Uuid> assigned_hub;
};
// Of every device that has one which ends later than `after`; by the uuids of the devices.
Outcome<Nothing> each_standing(Database& database, UnixMs after,
                               const std::function<void(const StandingCertificate&)>& visit);

struct EndingCertificate : StandingCertificate {
  Bytes serial;
  std::string device;
};
// The end of one certificate, as a place in their order.
struct EndMark {
  UnixMs not_after = 0;
  Bytes serial;
};
struct EndsQuery {
  EndMark after;         // of the last one that is known; serial empty: everything that ends later
  UnixMs until = 0;      // ends then or before, ...
  UnixMs now = 0;        // ... or has, at this time,
  int percent_left = 0;  // no more than that of its lifetime left
};
// In the order of their ends, until `visit` answers false.
Outcome<Nothing> each_end(Database& database, const EndsQuery& query,
                          const std::function<bool(EndingCertificate)>& visit);

}  // namespace latchkey::registry::store
