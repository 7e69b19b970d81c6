// SPDX-License-Identifier: Apache-2.0
// The management API over HTTPS: for callers that are not the owner of the data folder, or not on its machine.
#pragma once

#include <memory>
#include <string>

#include "hub/cli/client.h"

namespace latchkey::hub::cli {

struct HttpsEndpoint {
  std::string url;         // "https://127.0.0.1:8443"
  std::string token_file;  // of a principal (`latchkey role token create`); white space around the token is left out
  std::string ca_file;     // PEM: what the server's certificate is verified by; empty: the system's
};

// Each exchange has its own connection, of which the server's certificate is verified, its name included. A target may
// be an absolute address, as links to next pages are; the token is shown to no other authority than the endpoint's.
// Refusals: exit status 2 for a URL or a file that cannot be used.
Result<std::unique_ptr<Api>, Failure> https_api(const HttpsEndpoint& endpoint);

}  // namespace latchkey::hub::cli
