// SPDX-License-Identifier: Apache-2.0
// What the registry remembers. Plain values; the rules about them are in registry/operations.
//
// The hierarchy is the real service's: a namespace has at most one credential (root CA), a credential any number of
// policies (one current issuing CA each), a namespace any number of devices. A hub links to one namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/base/ids.h"

namespace latchkey::registry {

using Bytes = std::vector<std::uint8_t>;

enum class KeyProfile : std::uint8_t { kEcP256 = 1, kEcP384 = 2 };
std::string_view to_string(KeyProfile profile);  // "ec-p256", "ec-p384"
std::optional<KeyProfile> parse_key_profile(std::string_view text);

struct Namespace {
  Uuid uuid;
  std::string name;
  UnixMs created = 0;
};

// The namespace's root CA as a resource; its name is always "default".
struct Credential {
  Uuid uuid;
  Uuid namespace_uuid;
  Uuid ca;  // its CaCertificate
  KeyProfile key_profile = KeyProfile::kEcP256;
  UnixMs created = 0;
};

// Why a certificate was revoked, with the numbers of RFC 5280 section 5.3.1. Those that are missing there are never
// ours: nothing is put on hold, and there are no attribute certificates or delta lists.
enum class RevocationReason : std::uint8_t {
  kUnspecified = 0,
  kKeyCompromise = 1,
  kCaCompromise = 2,
  kAffiliationChanged = 3,
  kSuperseded = 4,
  kCessationOfOperation = 5,
  kPrivilegeWithdrawn = 9,
};
std::string_view to_string(RevocationReason reason);  // "keyCompromise", as the RFC spells them
std::optional<RevocationReason> parse_revocation_reason(std::string_view text);

enum class CaKind : std::uint8_t { kRoot = 1, kIssuing = 2 };
enum class CaStatus : std::uint8_t {
  kActive = 1,   // signs certificates and its CRL
  kRevoked = 2,  // on the root's CRL; signs only its own CRL
  kRetired = 3,  // its policy or credential was deleted: signs one last CRL, then its key is destroyed
  kPending = 4,  // a key and a CSR that wait for the customer's CA to sign: no certificate yet
};

// A CA certificate, current or past. `key_ref` names the private key at the key provider; empty once destroyed.
struct CaCertificate {
  Uuid id;
  CaKind kind = CaKind::kIssuing;
  CaStatus status = CaStatus::kActive;
  Uuid owner;           // credential (root) or policy (issuing)
  Uuid issuer;          // CaCertificate that signed it; itself for a root, zero when it was signed elsewhere
  std::string subject;  // "CN=..." as RFC 4514 prints it
  Bytes serial;         // big-endian, no leading zero octet
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  Bytes der;
  std::string key_ref;
  UnixMs revoked_at = 0;
  std::uint64_t crl_number = 0;  // of the last CRL that it published (RFC 5280 section 5.2.3)
  bool crl_due = false;          // its list changed since then
  Bytes csr;                     // PKCS#10 in DER; only of a CA that was signed elsewhere
  Bytes root;                    // DER of the root that signed it, if it was supplied; only of such a CA
};

struct Policy {
  Uuid uuid;
  Uuid namespace_uuid;
  std::string name;
  int validity_days = 30;  // of leaves issued from now on; 7 to 90 on the real service
  Uuid ca;                 // current issuing CA
  KeyProfile key_profile = KeyProfile::kEcP256;
  std::uint16_t number = 0;  // small stable number for the lookup table, never reused in a namespace
  UnixMs created = 0;
  bool own_root = false;  // "bring your own root": the customer's CA signs its issuing CA; never changes
};

struct Device {
  Uuid uuid;  // new when a device is re-created under the same id
  Uuid namespace_uuid;
  std::string id;  // case-sensitive; the first spelling that it used
  CredentialId credential_id;
  bool enabled = true;
  std::optional<Uuid> policy;   // set at issuance
  std::string registration_id;  // folded to lower case; empty when it was not provisioned
  std::uint64_t version = 1;    // +1 with each change
  UnixMs created = 0;
  UnixMs updated = 0;
  UnixMs last_revoked = 0;  // 0: never
};

enum class AttestationKind : std::uint8_t { kSymmetricKey = 1, kX509 = 2 };

// Which of several hubs a device is assigned to.
enum class AllocationPolicy : std::uint8_t {
  kHashed = 1,      // by hash of registration id and hub: another hub takes over its share and moves nobody else
  kGeoLatency = 2,  // the one with the smallest latency that was declared for it
  kStatic = 3,      // the one that the enrollment names
};
std::string_view to_string(AllocationPolicy policy);  // "hashed", "geoLatency", "static"
std::optional<AllocationPolicy> parse_allocation_policy(std::string_view text);

// What a device that registers again is in for.
struct ReprovisionPolicy {
  bool update_hub_assignment = true;  // false: it stays where it is
  bool migrate_device_data = true;    // false: its twin starts anew when it moves
};

// Individual enrollments speak for one registration id, groups for all devices that can prove membership.
// What the twin of a device has from its first assignment on: JSON objects, which the registry keeps as text and does
// not read. Both empty: nothing.
struct InitialTwin {
  std::string tags;
  std::string desired;
  bool empty() const { return tags.empty() && desired.empty(); }
};

struct Enrollment {
  Uuid uuid;
  bool group = false;
  std::string id;  // registration id or group id as written; compares case-insensitively
  Uuid namespace_uuid;
  AttestationKind attestation = AttestationKind::kSymmetricKey;
  Bytes primary;            // symmetric key, or certificate DER (individual: the leaf; group: a signing CA)
  Bytes secondary;          // may be empty
  std::string policy_name;  // empty: assigns without issuing
  bool enabled = true;
  std::string device_id;  // individual only; empty: the registration id
  UnixMs created = 0;
  UnixMs updated = 0;
  AllocationPolicy allocation = AllocationPolicy::kHashed;
  std::vector<std::string> hubs = {};  // names of those that it assigns; empty: all that are linked
  ReprovisionPolicy reprovision = {};
  InitialTwin initial_twin = {};
};

// What became of a registration, as DPS tells it.
enum class Substatus : std::uint8_t {
  kInitialAssignment = 1,
  kDeviceDataMigrated = 2,  // to another hub, with its data
  kDeviceDataReset = 3,     // to another hub, without
  kReprovisionedToInitialAssignment = 4,
};
std::string_view to_string(Substatus substatus);  // "initialAssignment"

struct Registration {
  std::string registration_id;  // as first written
  Uuid enrollment;
  Uuid namespace_uuid;
  std::string device_id;
  std::string hub;  // the host of the assigned hub, as it is now
  UnixMs created = 0;
  UnixMs updated = 0;
  std::string hub_name = {};
  Substatus substatus = Substatus::kInitialAssignment;  // of the last time
};

enum class CertificateStatus : std::uint8_t {
  kReserved = 1,  // serial stored, signature not known to exist
  kIssued = 2,
  kRevoked = 3,
};

struct IssuedCertificate {
  Bytes serial;
  Uuid device;
  std::string device_id;
  Uuid policy;
  Uuid ca;
  CredentialId credential_id;
  UnixMs not_before = 0;
  UnixMs not_after = 0;
  CertificateStatus status = CertificateStatus::kReserved;
  UnixMs issued_at = 0;
  UnixMs revoked_at = 0;
};

struct Hub {
  Uuid uuid;
  std::string name;
  Uuid namespace_uuid;
  std::string host;  // what DPS answers as assignedHub: name or name:port
  UnixMs created = 0;
  std::string listen = {};  // where its broker listens, "127.0.0.3:8883"; empty: whoever runs it knows
  std::optional<std::int64_t> latency_ms = {};  // declared, for AllocationPolicy::kGeoLatency
};

// A CA certificate that a hub trusts. The name is service-made and changes with each new issuing CA.
struct HubCertificate {
  Uuid hub;
  std::string name;
  Uuid ca;
  std::optional<Uuid> policy;  // of the policy that it was synced from; matched by uuid, never by name
  UnixMs created = 0;
};

// What Azure Resource Manager keeps beside a resource; the registry reads none of it. All empty: nobody said anything.
struct Labels {
  std::string location;    // as it was said when the resource was made
  std::string tags;        // a JSON object of strings
  std::string extra;       // a JSON object of properties that mean nothing here
  std::string created_by;  // Call::actor of whoever made it through the management API
  UnixMs created = 0;
  std::string modified_by;
  UnixMs modified = 0;
};

// What became of a long-running operation of the management API; what stands in it is management's.
struct ActRecord {
  std::string id;
  std::string body;
  UnixMs expires = 0;
};

}  // namespace latchkey::registry
