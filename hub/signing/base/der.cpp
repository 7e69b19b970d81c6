// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/base/der.h"

#include <openssl/objects.h>

#include <algorithm>

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::signing::der {
namespace {

void append_length(Bytes& to, std::size_t length) {
  if (length < 0x80) {
    to.push_back(static_cast<std::uint8_t>(length));
    return;
  }
  Bytes octets;
  for (std::size_t rest = length; rest != 0; rest >>= 8) octets.push_back(static_cast<std::uint8_t>(rest));
  to.push_back(static_cast<std::uint8_t>(0x80 | octets.size()));
  to.insert(to.end(), octets.rbegin(), octets.rend());
}

struct Head {
  std::size_t size = 0;  // of tag and length
  std::size_t length = 0;
};

Result<Head> read_head(ByteView text) {
  constexpr std::uint8_t kLongTag = 0x1f;
  if (text.size() < 2 || (text[0] & kLongTag) == kLongTag) return fail(Status::kMalformed);
  if (text[1] < 0x80) return Head{2, text[1]};
  const std::size_t octets = text[1] & 0x7fU;
  if (octets == 0 || octets > 4 || text.size() < 2 + octets) return fail(Status::kMalformed);
  std::size_t length = 0;
  for (std::size_t i = 0; i < octets; ++i) length = length << 8 | text[2 + i];
  const bool shortest = text[2] != 0 && length >= 0x80;
  if (!shortest) return fail(Status::kMalformed);
  return Head{2 + octets, length};
}

}  // namespace

Bytes value(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  std::size_t length = 0;
  for (const ByteView part : parts) length += part.size();
  Bytes made;
  made.reserve(length + 6);
  made.push_back(tag);
  append_length(made, length);
  for (const ByteView part : parts) append(made, part);
  return made;
}

Bytes set_of(std::vector<Bytes> parts) {
  std::sort(parts.begin(), parts.end());
  Bytes content;
  for (const Bytes& part : parts) append(content, part);
  return value(kSet, {content});
}

Bytes integer(std::uint64_t number) {
  Bytes octets;
  for (; number != 0; number >>= 8) octets.push_back(static_cast<std::uint8_t>(number));
  if (octets.empty() || octets.back() >= 0x80) octets.push_back(0);
  std::reverse(octets.begin(), octets.end());
  return value(kInteger, {octets});
}

Bytes oid(std::string_view dotted) {
  const openssl::Asn1ObjectPtr object(OBJ_txt2obj(std::string(dotted).c_str(), 1));
  if (!object) {
    openssl::take_error();
    return {};
  }
  return openssl::to_der(i2d_ASN1_OBJECT, object.get());
}

Result<Value> Reader::next() {
  LATCHKEY_TRY(head, read_head(rest_));
  if (head.length > rest_.size() - head.size) return fail(Status::kMalformed);
  const Value read{rest_[0], rest_.subview(head.size, head.length), rest_.subview(0, head.size + head.length)};
  rest_ = rest_.subview(read.whole.size(), rest_.size());
  return read;
}

Result<Value> Reader::next(std::uint8_t tag) {
  if (!next_is(tag)) return fail(Status::kMalformed);
  return next();
}

Result<std::string> Reader::next_oid() {
  LATCHKEY_TRY(read, next(kOid));
  const std::uint8_t* end = read.whole.data();
  const openssl::Asn1ObjectPtr object(d2i_ASN1_OBJECT(nullptr, &end, static_cast<long>(read.whole.size())));
  char dotted[160];
  // What does not fit is cut off, and the size that it would have is returned.
  const int size = object ? OBJ_obj2txt(dotted, sizeof dotted, object.get(), 1) : 0;
  if (size <= 0 || size >= static_cast<int>(sizeof dotted)) {
    openssl::take_error();
    return fail(Status::kMalformed);
  }
  return std::string(dotted);
}

Result<std::uint64_t> Reader::next_integer() {
  LATCHKEY_TRY(read, next(kInteger));
  const ByteView octets = read.content;
  const bool padded = octets.size() > 1 && octets[0] == 0 && octets[1] < 0x80;
  if (octets.empty() || octets[0] >= 0x80 || octets.size() > 8 || padded) return fail(Status::kMalformed);
  std::uint64_t number = 0;
  for (const std::uint8_t octet : octets) number = number << 8 | octet;
  return number;
}

}  // namespace latchkey::hub::signing::der
