// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/revocation_status.h"

#include <utility>

#include "hub/app/base/kept_address.h"

namespace latchkey::hub::app {

using registry::Outcome;

namespace {

constexpr const char* kAddressSetting = "status address";
constexpr const char* kLost = "is taken; certificates that name it for CRLs and OCSP lead nowhere now";

}  // namespace

Outcome<std::unique_ptr<RevocationStatus>> RevocationStatus::open(registry::Registry& registry, KeyProviders& keys,
                                                                  const DataFolder& folder,
                                                                  std::function<UnixMs()> clock) {
  std::unique_ptr<RevocationStatus> status(new RevocationStatus());
  ca::OcspCredentials::Options credentials;
  credentials.folder = folder.path() / "ocsp";
  if (!keys.in_files()) {
    LATCHKEY_TRY(shared, keys.shared());
    credentials.shared_keys = shared;
    credentials.registry = &registry;
  }
  LATCHKEY_TRY(opened, ca::OcspCredentials::open(keys.cas(), credentials));
  status->credentials_ = std::move(opened);
  status->registry_ = &registry;
  status->clock_ = clock;
  status->ocsp_ =
      std::make_unique<ca::OcspResponder>(registry, *status->credentials_, clock, ca::OcspResponder::Options{});
  status->responder_ = std::make_unique<OcspAnswers>(*status->ocsp_);
  status->lists_ = std::make_unique<revocation::ListFolder>(folder.crl());
  status->service_ = std::make_unique<revocation::Service>(registry, *status->lists_, *status->responder_,
                                                           std::move(clock), revocation::Service::Options{});
  return status;
}

RevocationStatus::~RevocationStatus() { stop(); }

Outcome<Address> RevocationStatus::listen(Address wanted) {
  const KeptAddress kept(*registry_, kAddressSetting);
  LATCHKEY_TRY(address, kept.choose(std::move(wanted), kLost));
  http::Handlers handlers;
  handlers.handle = [this](const http::Request& request) { return service_->handle(request); };
  LATCHKEY_TRY(server, http::Server::listen_tcp(address.host, address.port, {}, std::move(handlers)));
  server_ = std::move(server);
  LATCHKEY_TRY_VOID(kept.keep(address));
  return address;
}

Outcome<void> RevocationStatus::prepare_end(const registry::CaCertificate& ca) {
  return credentials_->make_last(ca, clock_());
}

void RevocationStatus::stop() {
  if (server_) server_->stop();
}

}  // namespace latchkey::hub::app
