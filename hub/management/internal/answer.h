// SPDX-License-Identifier: Apache-2.0
// What a handler answers: a Response, or a refusal with the member or resource that it is about.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "hub/management/request.h"
#include "registry/operations/registry.h"

namespace latchkey::hub::management {

struct Fault {
  registry::Refusal refusal;
  std::string target;               // member at fault, "properties.enabled"; may be empty
  std::uint32_t retry_after_s = 0;  // for a Retry-After field; 0: none

  Fault(registry::Refusal why) : refusal(std::move(why)) {}  // NOLINT: every refusal is a fault without a target
  Fault(registry::Reason reason, std::string detail, std::string about = {})
      : refusal{reason, std::move(detail)}, target(std::move(about)) {}
};

template <class T>
using Answer = Result<T, Fault>;

inline tl::unexpected<Fault> fault(registry::Reason reason, std::string detail, std::string target = {}) {
  return tl::unexpected<Fault>(Fault(reason, std::move(detail), std::move(target)));
}

Response answer(int status, const nlohmann::json& body);
inline Response no_content() { return {204, {}}; }
// {"error":{"code","message","target"?,"exitStatus"}}
Response error_answer(const Fault& fault);
// What was done all the same: a Warning field (RFC 7234 section 5.5, code 299), which whoever does not know it passes
// over. `text`: printable ASCII without quotes and backslashes.
void warn(Response& response, const std::string& text);
// The same for what HTTP itself refuses, before there is a Reason: 404, 405, 413, 431.
Response http_error(int status, const std::string& code, const std::string& message);

}  // namespace latchkey::hub::management
