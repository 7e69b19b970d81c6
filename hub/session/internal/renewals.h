// SPDX-License-Identifier: Apache-2.0
// Certificate renewal over the live connection: one operation a device, remembered until it expires.
//
// An operation runs from its 202 until its certificate is issued and enforced. What it handed out is kept in the
// registry too, so that the same request gets the same answer from any node and after a restart; an operation that was
// running when the process died is simply begun again by the device's next request.
//
// Threads: any, several at once; request() blocks on the registry, on signing and on the gates.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/session/internal/directory.h"
#include "hub/session/internal/renewal.h"
#include "hub/session/internal/renewal_fault.h"
#include "hub/session/ports.h"

namespace latchkey::hub::session {

class Renewals {
 public:
  Renewals(registry::Registry& registry, CertificateIssuer& issuer, Enforcement& enforcement, Outbox& outbox,
           Directory& directory, const Options& options)
      : registry_(registry),
        issuer_(issuer),
        enforcement_(enforcement),
        outbox_(outbox),
        directory_(directory),
        options_(options),
        table_(options) {}

  // `request_id` is valid (agent::hub::valid_issue_request_id).
  void request(const Speaker& speaker, const std::string& request_id, ByteView payload);
  // A request whose `$rid` breaks the rules; no answer when it cannot even be repeated in a topic.
  void refuse_request_id(const Speaker& speaker, std::string_view request_id);
  // Sends an answer that may not have reached the device yet.
  void offer(const Speaker& speaker, Occasion occasion);

 private:
  Result<RenewalRequest, RenewalFault> read(const Speaker& speaker, const std::string& request_id,
                                            ByteView payload) const;
  Result<CheckedCsrPtr, RenewalFault> check_csr(const Speaker& speaker, const std::string& csr) const;
  RenewalPtr recall(const RenewalRequest& asked);
  void begin(const RenewalRequest& asked, const RenewalPtr& renewal);
  void carry_out(const RenewalRequest& asked, const RenewalPtr& renewal,
                 const registry::Committed<registry::IssuanceGrant>& grant);
  registry::Operation record_of(const Renewal& renewal, registry::Sequence sequence,
                                const std::string& certificates) const;
  void hand_out(const RenewalPtr& renewal);
  std::string key_of(const std::string& device_id) const;

  void answer(wire::ConnectionId connection, std::string_view request_id, int status, const std::string& body);
  void answer_fault(wire::ConnectionId connection, std::string_view request_id, const RenewalFault& fault);
  // What the session showed goes with it: one that was opened before a revocation must not renew.
  registry::Call call(const Speaker& speaker) const {
    registry::Call call{"agent:" + speaker.device_id, options_.now(), speaker.shown};
    call.source = speaker.peer;
    return call;
  }

  registry::Registry& registry_;
  CertificateIssuer& issuer_;
  Enforcement& enforcement_;
  Outbox& outbox_;
  Directory& directory_;
  const Options& options_;
  RenewalTable table_;
};

}  // namespace latchkey::hub::session
