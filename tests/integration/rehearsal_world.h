// SPDX-License-Identifier: Apache-2.0
// What rehearsals are tried with: requests to a hub's own API and to management, by HTTP and with every field of the
// answer to be seen; and the verbs of `latchkey rehearsal`.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {

struct HttpAnswer {
  int status = 0;
  nlohmann::json body;  // null when it has none
  std::string retry_after;
  std::string location;   // Location
  std::string operation;  // Azure-AsyncOperation
};

// Over the socket of the data folder's owner.
HttpAnswer ask_owner_socket(const Hub& hub, const std::string& method, const std::string& target,
                            const std::string& body = "");
// Over the admin listener.
HttpAnswer ask_admin(const Hub& hub, const std::string& method, const std::string& target, const std::string& body,
                     const std::string& authorization);

// A document in a file of the test's own.
std::string document_file(const Hub& hub, const std::string& name, const nlohmann::json& document);
// Throws when it is refused.
void set_faults(Hub& hub, const std::vector<nlohmann::json>& rules);
void clear_faults(Hub& hub);
nlohmann::json fault(const nlohmann::json& match, const nlohmann::json& effect);

}  // namespace latchkey::tests
