// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/sim_link.h"

#include <algorithm>

#include "agent/core/record.h"

namespace latchkey::sweep {
namespace {

std::string rid_of(const std::string& topic) {
  const std::size_t at = topic.find("$rid=") + 5;
  return topic.substr(at, topic.find('&', at) - at);
}

}  // namespace

void SimLink::after(std::uint64_t ms, std::function<void()> happen) {
  const ports::MonotonicMs at = clock_.monotonic() + ms;
  const auto place = std::upper_bound(happenings_.begin(), happenings_.end(), at,
                                      [](ports::MonotonicMs when, const Happening& other) { return when < other.at; });
  happenings_.insert(place, {at, std::move(happen)});
}

bool SimLink::turn() {
  if (happenings_.empty() || happenings_.front().at > clock_.monotonic()) return false;
  const auto happen = std::move(happenings_.front().happen);
  happenings_.pop_front();
  happen();
  return true;
}

ports::MonotonicMs SimLink::due() const { return happenings_.empty() ? UINT64_MAX : happenings_.front().at; }

Result<void> SimLink::connect(const ports::LinkRequest& request) {
  if (busy_) return fail(Status::kBusy);
  busy_ = true;
  to_dps_ = request.host == kDpsHost;
  ++traffic.connects;
  if (to_dps_) {
    ++traffic.dps_connects;
    token_ = request.password;
  } else {
    shown_ = request.identity;
  }
  after(0, [this] { decide(); });
  return {};
}

std::optional<std::string> SimLink::record(ports::LinkIdentity identity) {
  const auto item = identity == ports::LinkIdentity::kSlotA ? ports::Item::kSlotA : ports::Item::kSlotB;
  std::array<std::uint8_t, agent::kMaxRecord> bytes;
  const auto size = storage_.read(item, bytes);
  if (!size) return std::nullopt;
  return std::string(ByteView(bytes).subview(0, *size).text());
}

void SimLink::decide() {
  const Verdict verdict = to_dps_ ? hub_.admit_to_dps(token_) : hub_.admit_to_hub(record(*shown_));
  if (!verdict.accepted && verdict.why == ports::LinkFailure::kRefused) ++traffic.refusals;
  if (!verdict.accepted) return end(verdict.why, verdict.detail);
  up_ = true;
  if (!to_dps_) ++traffic.sessions;
  events_->on_connected(false);
}

void SimLink::end(ports::LinkFailure why, int detail) {
  happenings_.clear();
  busy_ = up_ = false;
  events_->on_ended(why, detail);
}

void SimLink::cut(ports::LinkFailure why) {
  if (busy_) end(why, 0);
}

void SimLink::disconnect() {
  if (busy_) after(0, [this] { end(ports::LinkFailure::kLost, 0); });
}

Result<void> SimLink::subscribe(std::string_view filter, int) {
  if (!up_) return fail(Status::kNotReady);
  traffic.bytes += filter.size();
  after(0, [this] { events_->on_subscribed(true); });
  return {};
}

Result<void> SimLink::publish(std::string_view topic, ByteView payload, int qos) {
  if (!up_) return fail(Status::kNotReady);
  traffic.bytes += topic.size() + payload.size();
  if (qos > 0) after(0, [this] { events_->on_published(); });
  take(std::string(topic), std::string(payload.text()));
  return {};
}

void SimLink::answer(const std::string& topic, const Answer& given) {
  std::string whole = topic;
  if (given.retry_after_s >= 0) whole += "&retry-after=" + std::to_string(given.retry_after_s);
  for (unsigned i = 0; i < given.times; ++i) {
    after(given.delay_ms, [this, whole, body = given.body] {
      traffic.bytes += whole.size() + body.size();
      events_->on_message(whole, ByteView(body));
    });
  }
}

void SimLink::take(const std::string& topic, const std::string& payload) {
  const auto response = [&](const char* service, const Answer& given) {
    answer(service + std::to_string(given.status) + "/?$rid=" + rid_of(topic), given);
  };
  if (topic.find("iotdps-register") != std::string::npos) {
    ++traffic.registers;
    csr_ = test::member(payload, "csr");
    response("$dps/registrations/res/", {202, R"({"operationId":"5.op","status":"assigning"})", 2});
  } else if (topic.find("iotdps-get-operationstatus") != std::string::npos) {
    ++traffic.polls;
    response("$dps/registrations/res/", hub_.register_device(csr_));
  } else if (topic.find("issueCertificate") != std::string::npos) {
    ++traffic.renewals;
    const Answer given = hub_.renew(rid_of(topic), test::member(payload, "csr"));
    if (given.status == 200 && given.announced) response("$iothub/credentials/res/", {202, R"({"correlationId":"c"})"});
    response("$iothub/credentials/res/", given);
  } else if (on_other) {
    on_other(topic, payload);
  }
}

}  // namespace latchkey::sweep
