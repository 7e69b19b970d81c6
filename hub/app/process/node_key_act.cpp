// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/node_key_act.h"

#include <nlohmann/json.hpp>

namespace latchkey::hub::app {

namespace {

constexpr const char* kPath = "/nodeKeys/rotate";

management::Response refused(const registry::Refusal& refusal) {
  const auto& faces = registry::faces(refusal.reason);
  const nlohmann::json body = {
      {"error", {{"code", faces.arm_code}, {"message", refusal.detail}, {"exitStatus", faces.exit_status}}}};
  return {faces.http_status, body.dump()};
}

}  // namespace

bool NodeKeyAct::serves(const management::Request& request) {
  return request.path == kPath && request.method == management::Method::kPost &&
         request.caller.kind == management::Caller::Kind::kOwner;
}

management::Response NodeKeyAct::handle(const management::Request& request) {
  const auto done = keys_.rotate();
  registry::Call call{request.caller.actor(), now_()};
  call.source = request.caller.source;
  const std::string result = done ? "ok" : std::string(registry::to_string(done.error().reason));
  const std::string detail =
      done ? std::to_string(done->anew) + " sealed anew under node key " + done->node_key : done.error().detail;
  const auto recorded = registry_.audit(call, "nodeKeys.rotate", "nodeKeys", result, detail);
  if (!done) return refused(done.error());
  if (!recorded) return refused(recorded.error());
  const nlohmann::json body = {
      {"nodeKey", done->node_key}, {"sealedAnew", done->anew}, {"sealedBefore", done->already}};
  return {200, body.dump()};
}

}  // namespace latchkey::hub::app
