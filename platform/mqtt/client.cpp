// SPDX-License-Identifier: Apache-2.0
#include "platform/mqtt/client.h"

#include <algorithm>
#include <cstring>

namespace latchkey::mqtt {
namespace {

// First bytes of packets, MQTT 3.1.1 section 2.2.
constexpr std::uint8_t kConnect = 0x10;
constexpr std::uint8_t kConnack = 0x20;
constexpr std::uint8_t kPublish = 0x30;
constexpr std::uint8_t kPuback = 0x40;
constexpr std::uint8_t kSubscribe = 0x82;
constexpr std::uint8_t kSuback = 0x90;
constexpr std::uint8_t kPingreq = 0xC0;
constexpr std::uint8_t kPingresp = 0xD0;
constexpr std::uint8_t kDisconnect = 0xE0;

constexpr std::uint8_t kTypeMask = 0xF0;
constexpr std::uint8_t kContinues = 0x80;
constexpr std::uint8_t kSubscriptionFailed = 0x80;
constexpr std::size_t kLargestText = 0xFFFF;
constexpr std::size_t kLargestRemaining = 0x1FFFFF;  // what three bytes of length can say; we send far less

constexpr std::uint8_t kCleanSession = 0x02;
constexpr std::uint8_t kHasPassword = 0x40;
constexpr std::uint8_t kHasUsername = 0x80;

std::size_t text_size(std::string_view text) { return 2 + text.size(); }

std::uint16_t u16_at(ByteView bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

Result<void> Client::open(const ports::LinkRequest& request, ports::MonotonicMs now) {
  wipe(out_.subview(0, out_size_));
  out_size_ = 0;
  header_size_ = 0;
  header_whole_ = false;
  subscribe_id_ = 0;
  ping_sent_ = 0;
  refusal_ = 0;
  in_flight_.fill(0);
  phase_ = Phase::kClosed;

  constexpr std::string_view kProtocol = "MQTT";
  constexpr std::uint8_t kLevel = 4;
  for (const auto text : {request.client_id, request.username, request.password}) {
    if (text.size() > kLargestText) return fail(Status::kTooLarge);
  }
  std::size_t remaining = text_size(kProtocol) + 4 + text_size(request.client_id);
  std::uint8_t flags = request.clean_session ? kCleanSession : 0;
  if (!request.username.empty()) flags |= kHasUsername, remaining += text_size(request.username);
  if (!request.password.empty()) flags |= kHasPassword, remaining += text_size(request.password);
  if (!fits(remaining)) return fail(Status::kTooLarge);

  put_header(kConnect, remaining);
  put_text(kProtocol);
  put(kLevel);
  put(flags);
  put_u16(request.keep_alive_s);
  put_text(request.client_id);
  if (!request.username.empty()) put_text(request.username);
  if (!request.password.empty()) put_text(request.password);

  keep_alive_ms_ = request.keep_alive_s * 1000U;
  last_sent_ = now;
  phase_ = Phase::kConnecting;
  return {};
}

Result<void> Client::subscribe(std::string_view filter, int qos) {
  if (phase_ != Phase::kUp) return fail(Status::kNotReady);
  if (subscribe_id_ != 0) return fail(Status::kBusy);
  const std::size_t remaining = 2 + text_size(filter) + 1;
  if (filter.size() > kLargestText || !fits(remaining)) return fail(Status::kTooLarge);
  if (++last_id_ == 0) ++last_id_;
  subscribe_id_ = last_id_;
  put_header(kSubscribe, remaining);
  put_u16(subscribe_id_);
  put_text(filter);
  put(static_cast<std::uint8_t>(qos));
  return {};
}

Result<void> Client::publish(std::string_view topic, ByteView payload, int qos) {
  if (phase_ != Phase::kUp) return fail(Status::kNotReady);
  if (qos < 0 || qos > 1) return fail(Status::kUnsupported);
  const std::size_t remaining = text_size(topic) + (qos > 0 ? 2 : 0) + payload.size();
  if (topic.size() > kLargestText || !fits(remaining)) return fail(Status::kTooLarge);
  LATCHKEY_TRY(id, take_id(qos));
  put_header(static_cast<std::uint8_t>(kPublish | qos << 1), remaining);
  put_text(topic);
  if (qos > 0) put_u16(id);
  put_bytes(payload);
  return {};
}

void Client::disconnect() {
  if (phase_ == Phase::kUp && fits(0)) {
    put_header(kDisconnect, 0);
  } else {
    wipe(out_.subview(0, out_size_));  // nobody will send it, and it may hold a password
    out_size_ = 0;
  }
  phase_ = Phase::kClosed;
}

void Client::sent(std::size_t count, ports::MonotonicMs now) {
  count = std::min(count, out_size_);
  if (count == 0) return;
  std::memmove(out_.data(), out_.data() + count, out_size_ - count);
  // A password was in there.
  wipe(out_.subview(out_size_ - count, count));
  out_size_ -= count;
  last_sent_ = now;
}

void Client::on_time(ports::MonotonicMs now) {
  if (phase_ != Phase::kUp || keep_alive_ms_ == 0) return;
  if (ping_sent_ != 0) {
    if (now >= ping_sent_ + keep_alive_ms_) break_session();
    return;
  }
  if (now < last_sent_ + keep_alive_ms_ || !fits(0)) return;
  put_header(kPingreq, 0);
  ping_sent_ = now == 0 ? 1 : now;
}

ports::MonotonicMs Client::wake_at() const {
  if (phase_ != Phase::kUp || keep_alive_ms_ == 0) return 0;
  return (ping_sent_ != 0 ? ping_sent_ : last_sent_) + keep_alive_ms_;
}

Result<std::uint16_t> Client::take_id(int qos) {
  if (qos == 0) return std::uint16_t{0};
  const auto free = std::find(in_flight_.begin(), in_flight_.end(), 0);
  if (free == in_flight_.end()) return fail(Status::kBusy);
  // Oldest ids are 65,535 numbers away: none of the few in flight can be met again.
  if (++last_id_ == 0) ++last_id_;
  *free = last_id_;
  return last_id_;
}

bool Client::settle_id(std::uint16_t id) {
  const auto found = id == 0 ? in_flight_.end() : std::find(in_flight_.begin(), in_flight_.end(), id);
  if (found == in_flight_.end()) return false;
  *found = 0;
  return true;
}

bool Client::fits(std::size_t remaining) const {
  return remaining <= kLargestRemaining && out_size_ + kMaxHeader + remaining <= out_.size();
}

void Client::put_u16(std::size_t number) {
  put(static_cast<std::uint8_t>(number >> 8));
  put(static_cast<std::uint8_t>(number));
}

void Client::put_bytes(ByteView bytes) {
  if (!bytes.empty()) std::memcpy(out_.data() + out_size_, bytes.data(), bytes.size());
  out_size_ += bytes.size();
}

void Client::put_text(std::string_view text) {
  put_u16(text.size());
  put_bytes(text);
}

void Client::put_header(std::uint8_t first, std::size_t remaining) {
  put(first);
  do {
    const auto low = static_cast<std::uint8_t>(remaining & 0x7F);
    remaining >>= 7;
    put(remaining != 0 ? low | kContinues : low);
  } while (remaining != 0);
}

void Client::receive(ByteView bytes, ports::MonotonicMs now) {
  (void)now;
  std::size_t at = 0;
  while (at < bytes.size() && (phase_ == Phase::kConnecting || phase_ == Phase::kUp)) {
    if (!header_whole_) {
      take_header_byte(bytes[at++]);
    } else {
      const std::size_t here = std::min(remaining_ - seen_, bytes.size() - at);
      if (seen_ < in_.size()) {
        std::memcpy(in_.data() + seen_, bytes.data() + at, std::min(here, in_.size() - seen_));
      }
      seen_ += here;
      at += here;
    }
    if (!header_whole_ || seen_ < remaining_) continue;
    header_whole_ = false;
    header_size_ = 0;
    take_packet();
  }
}

void Client::take_header_byte(std::uint8_t byte) {
  header_[header_size_++] = byte;
  if (header_size_ == 1) {
    remaining_ = 0;
    seen_ = 0;
    return;
  }
  remaining_ |= static_cast<std::size_t>(byte & 0x7F) << (7 * (header_size_ - 2));
  if ((byte & kContinues) == 0) {
    header_whole_ = true;
  } else if (header_size_ == kMaxHeader) {
    break_session();
  }
}

void Client::take_packet() {
  const std::uint8_t first = header_[0];
  const ByteView body = ByteView(in_).subview(0, std::min(remaining_, in_.size()));
  if (phase_ == Phase::kConnecting) {
    first == kConnack ? take_connack(body) : break_session();
  } else if ((first & kTypeMask) == kPublish) {
    take_publish(body);
  } else if (first == kPuback && remaining_ == 2) {
    if (settle_id(u16_at(body, 0))) events_.on_published();
  } else if (first == kSuback && remaining_ == 3 && subscribe_id_ != 0 && u16_at(body, 0) == subscribe_id_) {
    subscribe_id_ = 0;
    events_.on_subscribed(body[2] != kSubscriptionFailed);
  } else if (first == kPingresp && remaining_ == 0) {
    ping_sent_ = 0;
  } else {
    break_session();
  }
}

void Client::take_connack(ByteView body) {
  if (remaining_ != 2 || body[0] > 1) return break_session();
  if (body[1] != 0) {
    refusal_ = body[1];
    phase_ = Phase::kRefused;
    return;
  }
  phase_ = Phase::kUp;
  events_.on_connected(body[0] == 1);
}

void Client::take_publish(ByteView body) {
  const unsigned qos = header_[0] >> 1 & 3;
  const bool whole = remaining_ <= in_.size();
  if (qos > 1 || body.size() < 2) return break_session();
  const std::size_t topic_size = u16_at(body, 0);
  const std::size_t head = 2 + topic_size + (qos > 0 ? 2 : 0);
  if (topic_size == 0 || head > remaining_) return break_session();
  if (head > body.size()) return break_session();  // a topic beyond our buffer: nobody we subscribed to sends that
  const std::uint16_t id = qos > 0 ? u16_at(body, 2 + topic_size) : 0;
  if (qos > 0 && id == 0) return break_session();

  if (whole) {
    events_.on_message(body.subview(2, topic_size).text(), body.subview(head, body.size()));
  } else {
    ++dropped_;
  }
  // Without room the acknowledgement is left out: the server sends the message again in a later session.
  if (qos == 0 || phase_ != Phase::kUp || !fits(2)) return;
  put_header(kPuback, 2);
  put_u16(id);
}

}  // namespace latchkey::mqtt
