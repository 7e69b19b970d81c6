// SPDX-License-Identifier: Apache-2.0
// Certificate renewal over the live connection: one operation a device, remembered until it expires.
//
// An operation runs from its 202 until its certificate is issued and enforced. What it handed out is kept in the
// registry too, so that the same request gets the same answer from any node and after a restart; an operation that was
// running when the process died is simply begun again by the device's next request.
//
// Threads: any, several at once; request() blocks on the registry, on signing and on the gates.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "hub/session/internal/directory.h"
#include "hub/session/internal/renewal_body.h"
#include "hub/session/internal/renewal_text.h"
#include "hub/session/ports.h"

namespace latchkey::hub::session {

// Why a finished answer may reach a device now.
enum class Occasion {
  kOpened,      // a connection: reaches it only if its session was kept
  kSubscribed,  // to the answers
  kSpoke,       // by now it has subscribed, if it ever will
};

class Renewals {
 public:
  Renewals(registry::Registry& registry, CertificateIssuer& issuer, Enforcement& enforcement, Outbox& outbox,
           Directory& directory, const Options& options)
      : registry_(registry),
        issuer_(issuer),
        enforcement_(enforcement),
        outbox_(outbox),
        directory_(directory),
        options_(options) {}

  // `request_id` is valid (agent::hub::valid_issue_request_id).
  void request(const Speaker& speaker, const std::string& request_id, ByteView payload);
  // A request whose `$rid` breaks the rules; no answer when it cannot even be repeated in a topic.
  void refuse_request_id(const Speaker& speaker, std::string_view request_id);
  // Sends an answer that may not have reached the device yet.
  void offer(const Speaker& speaker, Occasion occasion);

 private:
  struct Renewal;
  using RenewalPtr = std::shared_ptr<Renewal>;
  struct Fault;
  struct Asked;
  struct Claim;

  std::optional<Fault> check(const Asked& asked) const;
  Claim claim(const Asked& asked);
  RenewalPtr recall(const Asked& asked);
  void begin(const Asked& asked, const RenewalPtr& renewal);
  void carry_out(const Asked& asked, const RenewalPtr& renewal, const registry::IssuanceGrant& grant);
  void hand_out(const RenewalPtr& renewal);
  void drop(const RenewalPtr& renewal);
  bool given_up(const RenewalPtr& renewal) const;
  std::string key_of(const std::string& device_id) const;

  Fault fault_of(const registry::Refusal& refusal) const;
  void answer(wire::ConnectionId connection, std::string_view request_id, int status, const std::string& body);
  void answer_fault(wire::ConnectionId connection, std::string_view request_id, const Fault& fault);
  // What the session showed goes with it: one that was opened before a revocation must not renew.
  registry::Call call(const Speaker& speaker) const {
    return {"agent:" + speaker.device_id, options_.now(), speaker.shown};
  }

  registry::Registry& registry_;
  CertificateIssuer& issuer_;
  Enforcement& enforcement_;
  Outbox& outbox_;
  Directory& directory_;
  const Options& options_;

  mutable std::mutex mutex_;
  // Guarded by mutex_, the Renewals' mutable members included. By device id.
  std::unordered_map<std::string, RenewalPtr> renewals_;
  std::uint32_t running_ = 0;
};

}  // namespace latchkey::hub::session
