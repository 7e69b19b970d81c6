// SPDX-License-Identifier: Apache-2.0
#include "hub/app/base/status_options.h"

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

Outcome<StatusOptions> parse_status(const std::string& listen, const std::string& url) {
  StatusOptions options;
  options.served = listen != "off";
  if (options.served) {
    LATCHKEY_TRY(address, parse_address(listen));
    options.address = address;
  }
  // What would end the address in a certificate's extension, or in whoever reads it there.
  const bool plain = url.find_first_of(", \t\r\n\"<>?#") == std::string::npos;
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  if (!url.empty() && (!plain || !http)) {
    return refuse(Reason::kInvalidArgument, "--status-url is http://HOST[:PORT][/PATH], not '" + url + "'");
  }
  options.url = url;
  while (options.url.ends_with('/')) options.url.pop_back();
  return options;
}

std::string host_and_port(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::string status_url(const StatusOptions& options) {
  if (!options.served) return {};
  return options.url.empty() ? "http://" + host_and_port(options.address) : options.url;
}

}  // namespace latchkey::hub::app
