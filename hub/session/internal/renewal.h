// SPDX-License-Identifier: Apache-2.0
// Renewal: one operation of one device, and the table of them, one a device. What may become of a request or of an
// answer that lies ready is decided here, under one lock; nothing here blocks, signs or sends.
//
// A renewal runs from its claim until it is settled (its certificate is issued and the gates were asked) or dropped.
// Settled, it stays until its answer can be taken to have arrived, or until it expires.
//
// Threads: any, several at once.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "hub/session/internal/directory.h"
#include "hub/session/internal/renewal_body.h"
#include "hub/session/internal/renewal_fault.h"
#include "hub/session/ports.h"
#include "hub/throttle/pace.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::session {

// A request that was read and whose CSR was found good.
struct RenewalRequest {
  Speaker speaker;
  std::string request_id;
  RenewalBody body;
  CheckedCsrPtr csr;        // of the body
  std::string fingerprint;  // what makes two requests of one id the same: see fingerprint_of
};
// Of the CSR, and of the identity that asks: a device that was revoked in between needs another certificate.
std::string fingerprint_of(const std::string& csr, const std::optional<DeviceIdentifier>& shown);

struct Renewal {
  const std::string device_id;
  const std::string request_id;
  const std::string fingerprint;
  const std::optional<DeviceIdentifier> shown;  // whom the certificate is for
  const std::string correlation_id;
  const UnixMs expires = 0;

  // Guarded by the table's lock.
  bool running = true;
  bool given_up = false;
  bool enforced = false;
  registry::Sequence sequence = 0;
  std::string certificates;  // body of the 200; empty until issued
  wire::ConnectionId asked_on = 0;
  wire::ConnectionId published_on = 0;
  bool surely = false;  // it had subscribed, as far as we can know
};
using RenewalPtr = std::shared_ptr<Renewal>;

// Why a finished answer may reach a device now.
enum class Occasion {
  kOpened,      // a connection: reaches it only if its session was kept
  kSubscribed,  // to the answers
  kSpoke,       // by now it has subscribed, if it ever will
};

class RenewalTable {
 public:
  explicit RenewalTable(const Options& options)
      : options_(options), pace_({options.servers, options.throttle_retry_s, kLongestRetryS}) {}

  bool holds(const std::string& device_id) const;

  // What becomes of a request: a fault, or a renewal that is new or already known.
  struct Claim {
    std::optional<RenewalFault> fault;
    RenewalPtr renewal;
    bool fresh = false;
    bool running = false;
  };
  // `recalled`: the same request as it was answered before this process knew it; may be null.
  Claim claim(const RenewalRequest& asked, RenewalPtr recalled);

  // One was worked on for so long, whatever became of it.
  void worked(std::uint64_t took_us) { pace_.served(took_us); }
  // Its certificate is there.
  void issued(Renewal& renewal, registry::Sequence sequence, std::string certificates);
  // False once another request took its place.
  bool wanted(const Renewal& renewal) const;
  // It ended without a certificate.
  void drop(const RenewalPtr& renewal);

  struct Settled {
    bool first = false;  // it was running until now
    bool send = false;   // to `live`: the device is there, and is the one whom the certificate is for
  };
  // The gates were asked: `enforced` when they have what makes the certificate acceptable. `live`: where the device is.
  Settled settle(Renewal& renewal, bool enforced, const std::optional<Speaker>& live);
  // The renewal whose answer is to go to this connection now; null when there is none. Forgets one that has arrived: a
  // connection that lives on after the answer has it.
  RenewalPtr due(const Speaker& speaker, Occasion occasion);

 private:
  std::optional<RenewalFault> fault_in(const RenewalRequest& asked, const Renewal* held);

  static constexpr std::uint32_t kLongestRetryS = 600;
  const Options& options_;
  throttle::Pace pace_;
  mutable std::mutex mutex_;
  // Guarded by mutex_. By device id.
  std::unordered_map<std::string, RenewalPtr> renewals_;
  std::uint32_t running_ = 0;
};

}  // namespace latchkey::hub::session
