// SPDX-License-Identifier: Apache-2.0
// What an act that takes access away would do, without doing it: who loses access now, who of them is connected, who
// could not come back by itself and why. Registry::forecast answers it.
//
// The act's own rule is run and taken back, so what it refuses and which CA certificates it takes off which hub are
// never a second opinion. Who has access is counted as gates decide: an enabled device with a certificate that carries
// its current identifier, has not expired and was issued by a CA that the hub trusts; or one that is connected.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::registry {

struct PlannedAct {
  enum class Kind : std::uint8_t {
    kRevokePolicy,
    kDeletePolicy,
    kDeleteCredential,
    kDeleteHubCertificate,
    kRevokeDevice,
    kDisableDevice,
    kDeleteDevice,
  };
  Kind kind = Kind::kRevokePolicy;
  std::string ns;        // all but hub certificates
  std::string name;      // of policy, device or hub certificate
  std::string hub = {};  // of the hub certificate
  bool disable = false;  // revoke a device, and disable it
  bool rotate = false;   // revoke a policy with a root of its own in the older flow (Registry::rotate_own_root)
};

// Who is there, as the hub process knows it. Called during forecast(), on its thread.
class Attendance {
 public:
  virtual ~Attendance() = default;
  // Ids of the devices that have a session at the hub of that name now; and whether one of them is there.
  virtual std::vector<std::string> connected(const std::string& hub) = 0;
  virtual bool connected(const std::string& hub, const std::string& device) = 0;
  // When a device was last heard at a hub of that namespace; nothing: not since the hub process started.
  virtual std::optional<UnixMs> last_seen(const std::string& ns, const std::string& device) = 0;
};

// Why a device does not get a certificate that the hub accepts by registering again. The first that applies counts.
enum class Obstacle : std::uint8_t {
  kNone,
  kDeviceDisabled,
  kEnrollmentGone,  // also: it was never provisioned
  kEnrollmentDisabled,
  kEnrollmentWithoutPolicy,
  kPolicyGone,
  kPolicyPending,   // its issuing CA waits for the certificate from the customer's CA
  kIssuerExpired,   // the policy's issuing CA
  kNoHub,           // none is linked to the namespace
  kIssuerNotOnHub,  // what the policy would issue is below a CA that the hub does not trust
  kNotSeen,         // nothing stands in its way, but nobody heard of it for longer than was asked
};
std::string_view to_string(Obstacle obstacle);  // "deviceDisabled"; kNone: ""
using Obstacles = std::map<Obstacle, std::uint64_t>;

enum class Fate : std::uint8_t {
  kLosesAccess,
  kHadNone,    // its certificates die as well, but it is disabled already
  kEndsLater,  // keeps access until its certificate ends, and can then not have another one by itself
};
std::string_view to_string(Fate fate);  // "losesAccess", "alreadyDisabled", "endsLater"

struct AffectedDevice {
  std::string id;
  Fate fate = Fate::kLosesAccess;
  Obstacle obstacle = Obstacle::kNone;
  std::vector<std::string> hubs;    // names of those where it loses access
  bool connected = false;           // at one of them
  std::optional<UnixMs> last_seen;  // session, registration or issuance, whichever was last
  UnixMs not_after = 0;             // of its certificate that ends last
};

struct ForecastOptions {
  UnixMs not_seen_ms = 0;  // silent for longer: does not come back by itself; 0: silence says nothing
  std::size_t limit = 50;  // devices on the page
  std::string after = {};  // AffectedDevice::id of the last one on the page before
};

struct Forecast {
  std::optional<Refusal> refusal;  // the act would be refused with this; nothing else is told then

  std::uint64_t losing = 0;     // devices that lose access to at least one hub
  std::uint64_t connected = 0;  // of them, with a session that is cut
  std::uint64_t disabled = 0;   // Fate::kHadNone
  std::uint64_t spared = 0;     // hold another certificate that stays good; a session under the lost one is cut
  struct AtHub {
    std::string name;
    std::uint64_t losing = 0;
    std::uint64_t connected = 0;
  };
  std::vector<AtHub> hubs;      // those that are linked, by name
  std::uint64_t returning = 0;  // of `losing` and `disabled`; the others are below
  Obstacles not_returning;

  std::uint64_t ending = 0;  // Fate::kEndsLater
  UnixMs first_end = 0;      // when the first of them loses access, and the last; 0: nobody
  UnixMs last_end = 0;
  Obstacles not_renewing;  // of `ending`

  std::vector<AffectedDevice> devices;  // by id
  std::string next;                     // give as `after` for the next page; empty at the end
};

}  // namespace latchkey::registry
