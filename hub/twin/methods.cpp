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

Methods::Methods(registry::Registry& registry, Presence& presence, Outbox& outbox, Options options, OtherNodes* others)
    : registry_(registry), presence_(presence), outbox_(outbox), options_(std::move(options)), others_(others) {}

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

Outcome<MethodCall> Methods::read_call(std::string_view body, const Options& options) {
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
  MethodCall asked;
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

Outcome<std::string> Methods::carry_out(const std::string& device_id, const MethodCall& call) {
  if (others_ != nullptr && !presence_.live(device_id)) {
    return others_->invoke(options_.namespace_name, device_id, call);
  }
  const auto speaker = presence_.await_listener(device_id, call.connect, options_.grace);
  if (speaker) return ask_and_wait(*speaker, call);
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  }
  return refuse(Reason::kDeviceNotOnline,
                presence_.live(device_id)
                    ? "404103: device '" + device_id + "' is connected but has not subscribed to direct methods"
                    : "404103: timed out waiting for device '" + device_id + "' to connect");
}

std::string Methods::send(const MethodCall& call, Waiting waiting) {
  const auto connection = waiting.speaker.connection;
  std::unique_lock lock(mutex_);
  const std::string request_id = std::to_string(++last_request_);
  waiting_[request_id] = std::move(waiting);
  lock.unlock();
  std::array<std::uint8_t, 512> buffer{};
  const auto topic = agent::hub::write_method_topic(call.name, request_id, buffer);
  if (topic) {
    outbox_.deliver({connection, std::string(*topic), wire::Bytes(call.payload.begin(), call.payload.end()), 1});
  }
  // Else its end was told before anybody waited.
  if (!presence_.find(connection)) closed(connection);
  return request_id;
}

Outcome<std::string> Methods::ask_and_wait(const Speaker& speaker, const MethodCall& call) {
  const auto deadline = Clock::now() + call.response;
  const auto request_id = send(call, {speaker, deadline});
  std::unique_lock lock(mutex_);
  Waiting& waiting = waiting_[request_id];
  changed_.wait_until(lock, deadline, [&] { return waiting.status || waiting.gone || stopped_; });
  const Waiting ended = std::move(waiting);
  waiting_.erase(request_id);
  if (!ended.status && stopped_) return refuse(Reason::kShuttingDown, "the hub is shutting down");
  return end_of(ended);
}

Outcome<std::string> Methods::end_of(const Waiting& waiting) {
  if (waiting.status) return answer_text(*waiting.status, waiting.body);
  const auto& device_id = waiting.speaker.device_id;
  return refuse(Reason::kDeviceSilent,
                waiting.gone ? "504101: the connection of device '" + device_id + "' ended before it answered"
                             : "504101: timed out waiting for the response from device '" + device_id + "'");
}

Methods::Found Methods::find(const std::string& device_id) const {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return Found::kAbsent;
  }
  if (presence_.listener(device_id)) return Found::kListens;
  return presence_.live(device_id) ? Found::kDeaf : Found::kAbsent;
}

void Methods::ask(const std::string& device_id, const MethodCall& call, Done done) {
  const auto speaker = presence_.listener(device_id);
  Waiting waiting{speaker.value_or(Speaker{0, device_id, {}}), Clock::now() + call.response, std::move(done)};
  waiting.gone = !speaker;
  if (speaker) {
    (void)send(call, std::move(waiting));
  } else {
    tell({waiting});
  }
}

void Methods::tick() {
  std::unique_lock lock(mutex_);
  const auto over = take_over();
  lock.unlock();
  tell(over);
}

std::vector<Methods::Waiting> Methods::take_over() {
  std::vector<Waiting> over;
  const auto now = Clock::now();
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    Waiting& waiting = one->second;
    const bool ended = waiting.status || waiting.gone || stopped_ || waiting.deadline <= now;
    if (!waiting.done || !ended) {
      ++one;
      continue;
    }
    waiting.gone = waiting.gone || stopped_;
    over.push_back(std::move(waiting));
    one = waiting_.erase(one);
  }
  return over;
}

void Methods::tell(const std::vector<Waiting>& over) {
  for (const auto& one : over) one.done(end_of(one));
}

bool Methods::answer(const Speaker& speaker, std::string_view request_id, std::int32_t status, ByteView body) {
  std::unique_lock lock(mutex_);
  const auto found = waiting_.find(request_id);
  if (found == waiting_.end()) return false;
  Waiting& waiting = found->second;
  if (waiting.speaker.connection != speaker.connection || waiting.status) return false;
  waiting.status = status;
  // One byte beyond the limit says that it was too long.
  waiting.body = std::string(body.text().substr(0, kMaxMethodPayload + 1));
  changed_.notify_all();
  const auto over = take_over();
  lock.unlock();
  tell(over);
  return true;
}

void Methods::closed(wire::ConnectionId connection) {
  std::unique_lock lock(mutex_);
  for (auto& [id, waiting] : waiting_) {
    if (waiting.speaker.connection == connection) waiting.gone = true;
  }
  changed_.notify_all();
  const auto over = take_over();
  lock.unlock();
  tell(over);
}

void Methods::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
  const auto over = take_over();
  lock.unlock();
  tell(over);
  presence_.stop();
}

}  // namespace latchkey::hub::twin
