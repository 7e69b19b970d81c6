// SPDX-License-Identifier: Apache-2.0
#include "tests/sweep/firmware_hub.h"

#include <algorithm>

#include "platform/crypto/digest.h"

namespace latchkey::sweep {

using agent::firmware::BundleId;

void FirmwareHub::publish(Bytes bundle, const BundleId& image, bool patient) {
  bundle_ = std::move(bundle);
  (void)crypto::sha256(bundle_, id_);
  image_ = image;
  patient_ = patient;
  given_up_ = false;
}

void FirmwareHub::state_revocations(Bytes statement, std::uint64_t version, SimLink* link) {
  revocations_ = std::move(statement);
  revocations_version_ = version;
  const std::string body(revocations_.begin(), revocations_.end());
  if (link != nullptr && link->at_hub()) link->send(std::string(agent::firmware::kStatementTopic), body);
}

unsigned FirmwareHub::heard(const std::string& report) const {
  return static_cast<unsigned>(std::count(reports_.begin(), reports_.end(), report));
}

void FirmwareHub::hear(SimLink& link, const std::string& topic, const std::string& payload) {
  switch (agent::firmware::kind_of(topic)) {
    case agent::firmware::TopicKind::kReport: return hear_report(link, payload);
    case agent::firmware::TopicKind::kFetch: return hear_request(link, topic);
    case agent::firmware::TopicKind::kOther: return;  // telemetry
    default: ++malformed_;
  }
}

void FirmwareHub::hear_report(SimLink& link, const std::string& payload) {
  const auto report = agent::firmware::parse_report(payload);
  if (!report) {
    ++malformed_;
    return;
  }
  const std::string name(report->report);
  const bool ours = !report->id || *report->id == id_;
  running_ = report->image;
  if (ours) reports_.push_back(name);
  if (report->revocations < revocations_version_) {
    link.send(std::string(agent::firmware::kStatementTopic), std::string(revocations_.begin(), revocations_.end()));
  }
  if (ours && name == "reverted") given_up_ = !patient_;
  if (bundle_.empty() || given_up_ || report->image == image_) return;
  if (name == "hello" || name == "reverted" || name == "refused") offer(link);
}

void FirmwareHub::offer(SimLink& link) {
  std::array<std::uint8_t, 256> room;
  const auto body = agent::firmware::write_offer({id_, bundle_.size()}, room);
  link.send(std::string(agent::firmware::kOfferTopic), std::string(*body));
}

void FirmwareHub::answer(SimLink& link, int status, const std::string& request_id, const std::string& body,
                         int retry_after_s) {
  std::array<std::uint8_t, 256> room;
  agent::firmware::AnswerTopic topic{static_cast<std::uint16_t>(status), request_id, std::nullopt};
  if (retry_after_s >= 0) topic.retry_after_s = static_cast<std::uint32_t>(retry_after_s);
  link.send(std::string(*agent::firmware::write_answer_topic(topic, room)), body);
}

void FirmwareHub::hear_request(SimLink& link, const std::string& topic) {
  const auto asked = agent::firmware::parse_fetch_topic(topic);
  if (!asked) {
    ++malformed_;
    return;
  }
  const std::string request_id(asked->request_id);
  if (!asked->piece) {
    ++malformed_;
    return answer(link, 400, request_id, "");
  }
  ++requests_;
  if (weather && requests_ % 5 == 0) return;  // lost
  if (weather && requests_ % 7 == 0) return answer(link, 429, request_id, "", 2);
  if (weather && requests_ % 11 == 0) cut_ = true;
  if (bundle_.empty() || asked->piece->id != id_) return answer(link, 404, request_id, "");
  if (asked->piece->at >= bundle_.size()) return answer(link, 416, request_id, "");
  const ByteView part = ByteView(bundle_).subview(asked->piece->at, asked->piece->length);
  answer(link, 200, request_id, std::string(part.text()));
}

}  // namespace latchkey::sweep
