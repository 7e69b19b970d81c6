// SPDX-License-Identifier: Apache-2.0
#include "hub/app/https_listener.h"

#include <utility>

#include "hub/app/status_options.h"

namespace latchkey::hub::app {

using registry::Outcome;

namespace {

constexpr const char* kAddressSetting = "https address";

}  // namespace

// Scripts name the address: it stays while it can.
Outcome<Address> HttpsListener::choose(registry::Registry& registry, Address wanted) {
  LATCHKEY_TRY(setting, registry.setting(kAddressSetting));
  const auto before = parse_address(setting.value_or(""));
  if (wanted.port == 0 && before && before->host == wanted.host && is_free(*before)) return *before;
  return choose_port(std::move(wanted));
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
  LATCHKEY_TRY_VOID(registry.set_setting(kAddressSetting, host_and_port(address)));
  return listener;
}

}  // namespace latchkey::hub::app
