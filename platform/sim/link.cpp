// SPDX-License-Identifier: Apache-2.0
#include "platform/sim/link.h"

namespace latchkey::sim {

Result<void> ScriptedLink::connect(const ports::LinkRequest& request) {
  if (state_ != State::kIdle) return fail(Status::kBusy);
  if (connect_status_ != Status::kOk) return fail(connect_status_);
  connects.push_back({std::string(request.host), request.port, std::string(request.client_id),
                      std::string(request.username), std::string(request.password), request.identity,
                      request.keep_alive_s, request.clean_session});
  state_ = State::kConnecting;
  return {};
}

Result<void> ScriptedLink::subscribe(std::string_view filter, int qos) {
  if (state_ != State::kConnected || disconnecting_) return fail(Status::kNotReady);
  subscribes.push_back({std::string(filter), qos});
  ++open_subscribes_;
  return {};
}

Result<void> ScriptedLink::publish(std::string_view topic, ByteView payload, int qos) {
  if (state_ != State::kConnected || disconnecting_) return fail(Status::kNotReady);
  publishes.push_back({std::string(topic), std::string(payload.text()), qos});
  if (qos > 0) ++open_publishes_;
  return {};
}

void ScriptedLink::disconnect() {
  ++disconnects;
  disconnecting_ = state_ != State::kIdle;
}

bool ScriptedLink::accept(bool session_present) {
  if (state_ != State::kConnecting) return false;
  state_ = State::kConnected;
  events_->on_connected(session_present);
  return true;
}

bool ScriptedLink::end(ports::LinkFailure why, int detail) {
  if (state_ == State::kIdle) return false;
  state_ = State::kIdle;
  disconnecting_ = false;
  open_subscribes_ = 0;
  open_publishes_ = 0;
  events_->on_ended(why, detail);
  return true;
}

bool ScriptedLink::refuse(int connack) {
  return state_ == State::kConnecting && end(ports::LinkFailure::kRefused, connack);
}

bool ScriptedLink::grant(bool granted) {
  if (open_subscribes_ == 0) return false;
  --open_subscribes_;
  events_->on_subscribed(granted);
  return true;
}

bool ScriptedLink::acknowledge() {
  if (open_publishes_ == 0) return false;
  --open_publishes_;
  events_->on_published();
  return true;
}

bool ScriptedLink::deliver(std::string_view topic, ByteView payload) {
  if (state_ != State::kConnected) return false;
  events_->on_message(topic, payload);
  return true;
}

bool ScriptedLink::deliver(std::string_view topic, std::string_view payload) {
  return deliver(topic, ByteView(payload));
}

bool ScriptedLink::finish_disconnect() { return disconnecting_ && end(ports::LinkFailure::kLost); }

}  // namespace latchkey::sim
