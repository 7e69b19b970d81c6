// SPDX-License-Identifier: Apache-2.0
// How the brokers of each endpoint are set up: where they serve, under which certificate, from which files, and what to
// do when their address is taken. Threads: any.
#pragma once

#include <optional>
#include <vector>

#include "hub/app/base/data_folder.h"
#include "hub/app/endpoints/front.h"
#include "hub/app/endpoints/gate.h"
#include "hub/app/process/up_options.h"
#include "hub/brokers/server_certificate.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::app {

class GatePlan {
 public:
  // Makes the server certificate, for all that `options` name. `authority`: the CA that nodes have in common, or
  // nullptr. All three outlive this object. The refusals of ensure_server_certificate().
  static registry::Outcome<GatePlan> make(const UpOptions& options, const DataFolder& folder,
                                          const brokers::ServerAuthority* authority);

  // Of both endpoints, and of what else the process serves over TLS.
  const brokers::ServerCertificateFiles& server() const { return server_; }

  Gate::Options dps() const;
  // One for each broker of that hub, which is at `address`. A hub that an operator created gets a server certificate of
  // its own, with the refusals of ensure_server_certificate().
  registry::Outcome<std::vector<Gate::Options>> hub(const registry::Hub& hub, const Address& address,
                                                    registry::Registry& registry) const;
  // What stands before that hub's brokers; nothing: each is met at its own address.
  std::optional<Front::Options> front(const registry::Hub& hub, const Address& address) const;

 private:
  GatePlan(const UpOptions& options, const DataFolder& folder, const brokers::ServerAuthority* authority)
      : options_(options), folder_(folder), authority_(authority) {}
  registry::Outcome<brokers::ServerCertificateFiles> certificate(brokers::ServerNames names,
                                                                 const std::string& stem) const;
  Gate::Options gate(brokers::Endpoint endpoint, const Address& address) const;
  std::vector<Gate::Options> of_first_hub(const Gate::Options& gate) const;

  const UpOptions& options_;
  const DataFolder& folder_;
  const brokers::ServerAuthority* authority_;
  brokers::ServerCertificateFiles server_;
};

}  // namespace latchkey::hub::app
