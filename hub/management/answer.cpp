// SPDX-License-Identifier: Apache-2.0
#include "hub/management/internal/answer.h"

#include <nlohmann/json.hpp>

#include "hub/text/json.h"

namespace latchkey::hub::management {

using nlohmann::json;

namespace {

constexpr int kExitBadInput = 2;
constexpr int kExitRefused = 4;

}  // namespace

Response answer(int status, const json& body) { return {status, text::dump(body)}; }

Response error_answer(const Fault& fault) {
  const auto& face = registry::faces(fault.refusal.reason);
  json error = {{"code", face.arm_code}, {"message", fault.refusal.detail}, {"exitStatus", face.exit_status}};
  if (fault.refusal.detail.empty()) error["message"] = face.name;
  if (!fault.target.empty()) error["target"] = fault.target;
  return answer(face.http_status, {{"error", std::move(error)}});
}

void warn(Response& response, const std::string& text) {
  response.fields.emplace_back("Warning", "299 latchkey \"" + text + "\"");
}

Response http_error(int status, const std::string& code, const std::string& message) {
  const int exit_status = status == 401 ? kExitRefused : kExitBadInput;
  return answer(status, {{"error", {{"code", code}, {"message", message}, {"exitStatus", exit_status}}}});
}

}  // namespace latchkey::hub::management
