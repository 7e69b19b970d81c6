// SPDX-License-Identifier: Apache-2.0
#include "hub/app/revocation_status.h"

#include <unistd.h>

#include <utility>

namespace latchkey::hub::app {

using registry::Outcome;

namespace {

constexpr const char* kAddressSetting = "status address";

}  // namespace

Outcome<std::unique_ptr<RevocationStatus>> RevocationStatus::open(registry::Registry& registry, ca::KeyProvider& keys,
                                                                  const DataFolder& folder,
                                                                  std::function<UnixMs()> clock) {
  std::unique_ptr<RevocationStatus> status(new RevocationStatus());
  ca::OcspCredentials::Options credentials;
  credentials.folder = folder.path() / "ocsp";
  LATCHKEY_TRY(opened, ca::OcspCredentials::open(keys, credentials));
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
  LATCHKEY_TRY(address, choose(std::move(wanted)));
  http::Handlers handlers;
  handlers.handle = [this](const http::Request& request) { return service_->handle(request); };
  LATCHKEY_TRY(server, http::Server::listen_tcp(address.host, address.port, {}, std::move(handlers)));
  server_ = std::move(server);
  LATCHKEY_TRY_VOID(registry_->set_setting(kAddressSetting, host_and_port(address)));
  return address;
}

Outcome<Address> RevocationStatus::choose(Address wanted) {
  LATCHKEY_TRY(setting, registry_->setting(kAddressSetting));
  const auto before = parse_address(setting.value_or(""));
  if (wanted.port != 0 || !before || before->host != wanted.host) return choose_port(std::move(wanted));
  if (is_free(*before)) return *before;
  (void)::dprintf(STDERR_FILENO,
                  "latchkey: %s is taken; certificates that name it for CRLs and OCSP lead nowhere now\n",
                  before->text().c_str());
  return choose_port(std::move(wanted));
}

Outcome<void> RevocationStatus::prepare_end(const registry::CaCertificate& ca) {
  return credentials_->make_last(ca, clock_());
}

void RevocationStatus::stop() {
  if (server_) server_->stop();
}

}  // namespace latchkey::hub::app
