// SPDX-License-Identifier: Apache-2.0
// Where lists and OCSP are served, and what certificates say of that.
#pragma once

#include <string>

#include "hub/app/base/endpoints.h"

namespace latchkey::hub::app {

struct StatusOptions {
  bool served = true;
  Address address{"127.0.0.1", 0};  // port 0: the one that was used last, else any free one
  std::string url;                  // what certificates name; empty: the address
  unsigned crl_shards = 1;          // in how many lists new certificates of a CA are; 1: in its whole list alone
};

// `listen`: "off", or an address. `url`: http or https, or empty. kInvalidArgument.
registry::Outcome<StatusOptions> parse_status(const std::string& listen, const std::string& url);
// "127.0.0.1:8080", "[::1]:8080": as parse_address reads it.
std::string host_and_port(const Address& address);
// What addresses in certificates begin with; empty when nothing is served.
std::string status_url(const StatusOptions& options);

}  // namespace latchkey::hub::app
