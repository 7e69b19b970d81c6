// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/envelope.h"

#include "hub/wire/codec.h"

namespace latchkey::hub::wire {
namespace {

using codec::Kind;
using codec::Reader;
using codec::Writer;

constexpr std::size_t kConnectionDigits = 16;

void put_texts(Writer& out, const std::vector<std::string>& texts) {
  out.u32(static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> take_texts(Reader& in) {
  const std::uint32_t count = in.count(2);
  std::vector<std::string> texts;
  texts.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) texts.push_back(in.text());
  return texts;
}

}  // namespace

std::string request_topic(ConnectionId connection, std::string_view device_topic) {
  std::uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(connection >> (56 - 8 * i));
  std::string topic;
  topic.reserve(kRequestPrefix.size() + kConnectionDigits + 1 + device_topic.size());
  topic.append(kRequestPrefix);
  topic.resize(kRequestPrefix.size() + kConnectionDigits);
  // Cannot fail: the buffer has exactly the size that hex needs.
  (void)hex_encode(
      ByteView(bytes, sizeof bytes),
      MutableBytes(reinterpret_cast<std::uint8_t*>(topic.data()) + kRequestPrefix.size(), kConnectionDigits));
  topic.push_back('/');
  topic.append(device_topic);
  return topic;
}

Result<RequestTopic> parse_request_topic(std::string_view topic) {
  if (topic.substr(0, kRequestPrefix.size()) != kRequestPrefix) return fail(Status::kMalformed);
  topic.remove_prefix(kRequestPrefix.size());
  if (topic.size() < kConnectionDigits + 2 || topic[kConnectionDigits] != '/') return fail(Status::kMalformed);
  RequestTopic request;
  for (const char c : topic.substr(0, kConnectionDigits)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return fail(Status::kMalformed);
    request.connection = request.connection << 4 | static_cast<unsigned>(digit ? c - '0' : c - 'a' + 10);
  }
  request.device_topic = topic.substr(kConnectionDigits + 1);
  return request;
}

Bytes encode(const Opened& opened) {
  Writer out(Kind::kOpened);
  out.u64(opened.connection);
  out.flag(opened.attempt);
  out.flag(opened.resent);
  out.flag(opened.verified);
  out.text(opened.client_id);
  out.text(opened.username);
  out.text(opened.password);
  out.u32(static_cast<std::uint32_t>(opened.chain.size()));
  for (const Bytes& certificate : opened.chain) out.bytes(certificate);
  out.text(opened.peer);
  out.flag(opened.identifier.has_value());
  if (opened.identifier) {
    out.id(opened.identifier->device);
    out.id(opened.identifier->credential);
  }
  put_texts(out, opened.filters);
  out.flag(opened.kept);
  out.flag(opened.resumes);
  out.u64(opened.since_ms);
  return out.take();
}

Result<Opened> decode_opened(ByteView bytes) {
  Reader in(bytes, Kind::kOpened);
  Opened opened;
  opened.connection = in.u64();
  opened.attempt = in.flag();
  opened.resent = in.flag();
  opened.verified = in.flag();
  opened.client_id = in.text();
  opened.username = in.text();
  opened.password = in.text();
  const std::uint32_t count = in.count(4);
  opened.chain.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) opened.chain.push_back(in.bytes());
  opened.peer = in.text();
  if (in.flag()) opened.identifier = DeviceIdentifier{in.id<Uuid>(), in.id<CredentialId>()};
  opened.filters = take_texts(in);
  opened.kept = in.flag();
  opened.resumes = in.flag();
  opened.since_ms = in.u64();
  if (!in.finished()) return fail(Status::kMalformed);
  return opened;
}

Bytes encode(const Closed& closed) {
  Writer out(Kind::kClosed);
  out.u32(static_cast<std::uint32_t>(closed.connections.size()));
  for (const ConnectionId connection : closed.connections) out.u64(connection);
  return out.take();
}

Result<Closed> decode_closed(ByteView bytes) {
  Reader in(bytes, Kind::kClosed);
  Closed closed;
  const std::uint32_t count = in.count(8);
  closed.connections.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) closed.connections.push_back(in.u64());
  if (!in.finished()) return fail(Status::kMalformed);
  return closed;
}

Bytes encode(const Subscribed& subscribed) {
  Writer out(Kind::kSubscribed);
  out.u64(subscribed.connection);
  out.text(subscribed.filter);
  out.flag(subscribed.ended);
  return out.take();
}

Result<Subscribed> decode_subscribed(ByteView bytes) {
  Reader in(bytes, Kind::kSubscribed);
  Subscribed subscribed;
  subscribed.connection = in.u64();
  subscribed.filter = in.text();
  subscribed.ended = in.flag();
  if (!in.finished()) return fail(Status::kMalformed);
  return subscribed;
}

Bytes encode(const Resumed& resumed) {
  Writer out(Kind::kResumed);
  out.u64(resumed.connection);
  put_texts(out, resumed.unacknowledged);
  return out.take();
}

Result<Resumed> decode_resumed(ByteView bytes) {
  Reader in(bytes, Kind::kResumed);
  Resumed resumed;
  resumed.connection = in.u64();
  resumed.unacknowledged = take_texts(in);
  if (!in.finished()) return fail(Status::kMalformed);
  return resumed;
}

Bytes encode(const Attest& attest) {
  Writer out(Kind::kAttest);
  out.u64(attest.connection);
  out.flag(attest.verified);
  return out.take();
}

Result<Attest> decode_attest(ByteView bytes) {
  Reader in(bytes, Kind::kAttest);
  Attest attest;
  attest.connection = in.u64();
  attest.verified = in.flag();
  if (!in.finished()) return fail(Status::kMalformed);
  return attest;
}

Bytes encode(const Deliver& deliver) {
  Writer out(Kind::kDeliver);
  out.u64(deliver.connection);
  out.text(deliver.topic);
  out.bytes(deliver.payload);
  out.u8(static_cast<std::uint8_t>(deliver.qos));
  out.u64(deliver.tag);
  return out.take();
}

Result<Deliver> decode_deliver(ByteView bytes) {
  Reader in(bytes, Kind::kDeliver);
  Deliver deliver;
  deliver.connection = in.u64();
  deliver.topic = in.text();
  deliver.payload = in.bytes();
  deliver.qos = in.u8();
  deliver.tag = in.u64();
  if (!in.finished() || deliver.qos > 1) return fail(Status::kMalformed);
  return deliver;
}

Bytes encode(const End& end) {
  Writer out(Kind::kEnd);
  out.u64(end.connection);
  return out.take();
}

Result<End> decode_end(ByteView bytes) {
  Reader in(bytes, Kind::kEnd);
  End end;
  end.connection = in.u64();
  if (!in.finished()) return fail(Status::kMalformed);
  return end;
}

Bytes encode(const Delivered& delivered) {
  Writer out(Kind::kDelivered);
  out.u64(delivered.connection);
  out.u32(static_cast<std::uint32_t>(delivered.tags.size()));
  for (const std::uint64_t tag : delivered.tags) out.u64(tag);
  return out.take();
}

Result<Delivered> decode_delivered(ByteView bytes) {
  Reader in(bytes, Kind::kDelivered);
  Delivered delivered;
  delivered.connection = in.u64();
  const std::uint32_t count = in.count(8);
  delivered.tags.reserve(count);
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) delivered.tags.push_back(in.u64());
  if (!in.finished()) return fail(Status::kMalformed);
  return delivered;
}

}  // namespace latchkey::hub::wire
