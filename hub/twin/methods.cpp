// SPDX-License-Identifier: Apache-2.0
#include "hub/twin/methods.h"

#include <array>
#include <nlohmann/json.hpp>

#include "agent/protocol/hub.h"
#include "hub/text/json.h"

namespace latchkey::hub::twin {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using std::chrono::milliseconds;
using Json = nlohmann::json;

// What an operator asks for.
struct Methods::Asked {
  std::string name;
  std::string payload;  // JSON text
  milliseconds connect{0};
  milliseconds response{0};
};

namespace {

Outcome<milliseconds> read_timeout(const Json& json, const char* name, milliseconds least, milliseconds usual,
                                   milliseconds most) {
  const auto found = json.find(name);
  if (found == json.end()) return usual;
  const std::int64_t seconds = found->is_number_integer() ? found->get<std::int64_t>() : -1;
  if (seconds < least.count() / 1000 || seconds > most.count() / 1000) {
    return refuse(Reason::kInvalidArgument, "'" + std::string(name) + "' must be a whole number from " +
                                                std::to_string(least.count() / 1000) + " to " +
                                                std::to_string(most.count() / 1000));
  }
  return milliseconds(seconds * 1000);
}

// {"status","payload"}; a device may answer without a body.
Outcome<std::string> answer_text(std::int32_t status, const std::string& body) {
  if (body.size() > kMaxMethodPayload) {
    return refuse(Reason::kDeviceAnswerUnreadable, "the device's answer is larger than 128 KB");
  }
  Json payload = body.empty() ? Json() : Json::parse(body, nullptr, false);
  if (payload.is_discarded()) return refuse(Reason::kDeviceAnswerUnreadable, "the device's answer is not JSON");
  return text::dump(Json{{"status", status}, {"payload", std::move(payload)}});
}

}  // namespace

Methods::Methods(registry::Registry& registry, Presence& presence, Outbox& outbox, Options options)
    : registry_(registry), presence_(presence), outbox_(outbox), options_(std::move(options)) {}

Outcome<std::string> Methods::invoke(const registry::Call& call, const std::string& device_id, std::string_view body) {
  std::string name;
  const auto tried = [&]() -> Outcome<std::string> {
    LATCHKEY_TRY(asked, read_call(body, options_));
    name = asked.name;
    LATCHKEY_TRY(device, registry_.find_device(options_.namespace_name, device_id));
    LATCHKEY_TRY_VOID(enter());
    auto answered = carry_out(device.id, asked);
    leave();
    return answered;
  }();
  if (!tried && tried.error().reason == Reason::kMalformedRequest) return tried;
  (void)registry_.audit(call, "device.invokeMethod", "namespaces/" + options_.namespace_name + "/devices/" + device_id,
                        tried ? "ok" : std::string(registry::to_string(tried.error().reason)),
                        tried ? "method '" + name + "'" : tried.error().detail);
  return tried;
}

Outcome<Methods::Asked> Methods::read_call(std::string_view body, const Options& options) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse(Reason::kMalformedRequest, "the body is not a JSON object");
  for (const auto& [name, value] : json.items()) {
    if (name != "methodName" && name != "payload" && name != "responseTimeoutInSeconds" &&
        name != "connectTimeoutInSeconds") {
      return refuse(Reason::kMalformedRequest, "unknown member '" + name.substr(0, 64) + "'");
    }
  }
  const auto method = json.find("methodName");
  if (method == json.end() || !method->is_string()) {
    return refuse(Reason::kMalformedRequest, "'methodName' must be a string");
  }
  Asked asked;
  asked.name = method->get<std::string>();
  if (!agent::hub::valid_method_name(asked.name)) {
    return refuse(Reason::kInvalidArgument,
                  "'methodName' must have 1 to 128 printable ASCII characters, none of them / ? & + # or a space");
  }
  LATCHKEY_TRY(response, read_timeout(json, "responseTimeoutInSeconds", options.least_response, options.usual_response,
                                      options.most));
  LATCHKEY_TRY(connect, read_timeout(json, "connectTimeoutInSeconds", milliseconds(0), milliseconds(0), options.most));
  asked.response = response;
  asked.connect = connect;
  asked.payload = text::dump(json.value("payload", Json()));
  if (asked.payload.size() > kMaxMethodPayload) {
    return refuse(Reason::kInvalidArgument, "'payload' is larger than 128 KB");
  }
  return asked;
}

Outcome<Nothing> Methods::enter() {
  const std::lock_guard lock(mutex_);
  if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  if (callers_ >= options_.max_waiting) {
    return refuse(Reason::kThrottled,
                  std::to_string(callers_) + " direct methods are waiting for their devices already; try again");
  }
  ++callers_;
  return Nothing{};
}

void Methods::leave() {
  const std::lock_guard lock(mutex_);
  --callers_;
}

Outcome<std::string> Methods::carry_out(const std::string& device_id, const Asked& asked) {
  const auto speaker = presence_.await_listener(device_id, asked.connect, options_.grace);
  if (speaker) return ask(*speaker, asked);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  }
  return refuse(Reason::kDeviceNotOnline,
                presence_.live(device_id)
                    ? "404103: device '" + device_id + "' is connected but has not subscribed to direct methods"
                    : "404103: timed out waiting for device '" + device_id + "' to connect");
}

Outcome<std::string> Methods::ask(const Speaker& speaker, const Asked& asked) {
  const auto deadline = std::chrono::steady_clock::now() + asked.response;
  std::unique_lock lock(mutex_);
  const std::string request_id = std::to_string(++last_request_);
  Waiting& waiting = waiting_[request_id];
  waiting.connection = speaker.connection;
  lock.unlock();
  std::array<std::uint8_t, 512> buffer{};
  const auto topic = agent::hub::write_method_topic(asked.name, request_id, buffer);
  if (topic) {
    outbox_.deliver(
        {speaker.connection, std::string(*topic), wire::Bytes(asked.payload.begin(), asked.payload.end()), 1});
  }
  const bool live = presence_.find(speaker.connection).has_value();  // else its end was told before anybody waited
  lock.lock();
  if (!live) waiting.gone = true;
  changed_.wait_until(lock, deadline, [&] { return waiting.status || waiting.gone || stopped_; });
  const Waiting ended = std::move(waiting);
  waiting_.erase(request_id);
  if (ended.status) return answer_text(*ended.status, ended.body);
  if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  return refuse(Reason::kDeviceSilent,
                ended.gone ? "504101: the connection of device '" + speaker.device_id + "' ended before it answered"
                           : "504101: timed out waiting for the response from device '" + speaker.device_id + "'");
}

bool Methods::answer(const Speaker& speaker, std::string_view request_id, std::int32_t status, ByteView body) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(request_id);
  if (found == waiting_.end()) return false;
  Waiting& waiting = found->second;
  if (waiting.connection != speaker.connection || waiting.status) return false;
  waiting.status = status;
  // One byte beyond the limit says that it was too long.
  waiting.body = std::string(body.text().substr(0, kMaxMethodPayload + 1));
  changed_.notify_all();
  return true;
}

void Methods::closed(wire::ConnectionId connection) {
  const std::lock_guard lock(mutex_);
  for (auto& [id, waiting] : waiting_) {
    if (waiting.connection == connection) waiting.gone = true;
  }
  changed_.notify_all();
}

void Methods::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  presence_.stop();
}

}  // namespace latchkey::hub::twin
