// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/https_listener.h"

#include <utility>

#include "hub/app/base/kept_address.h"

namespace latchkey::hub::app {

using registry::Outcome;

namespace {

constexpr const char* kAddressSetting = "https address";

}  // namespace

// Scripts name the address: it stays while it can.
Outcome<Address> HttpsListener::choose(registry::Registry& registry, Address wanted) {
  return KeptAddress(registry, kAddressSetting).choose(std::move(wanted));
}

Outcome<std::unique_ptr<HttpsListener>> HttpsListener::start(const Address& address,
                                                             const brokers::ServerCertificateFiles& certificate,
                                                             registry::Registry& registry, const ports::Clock& clock,
                                                             management::Server::Handle handle) {
  std::unique_ptr<HttpsListener> listener(new HttpsListener(registry, clock));
  management::TlsServerOptions options;
  options.host = address.host;
  options.port = address.port;
  options.files = {certificate.certificate.string(), certificate.key.string()};
  const auto& authenticator = listener->authenticator_;
  LATCHKEY_TRY(server, management::Server::start_tls(options, std::move(handle),
                                                     [&authenticator](std::string_view field, const std::string& from) {
                                                       return authenticator.authenticate(field, from);
                                                     }));
  listener->server_ = std::move(server);
  LATCHKEY_TRY_VOID(KeptAddress(registry, kAddressSetting).keep(address));
  return listener;
}

}  // namespace latchkey::hub::app
