// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/pem.h"

#include <cstring>

namespace latchkey::crypto {
namespace {

constexpr std::size_t kLineBytes = 48;  // 64 characters of base64
constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";

// Appends to a buffer that is known to be large enough.
struct Writer {
  MutableBytes out;
  std::size_t size = 0;

  void add(std::string_view text) {
    std::memcpy(out.data() + size, text.data(), text.size());
    size += text.size();
  }
  void add_boundary(std::string_view start, std::string_view label) {
    add(start);
    add(label);
    add(kDashes);
    add("\n");
  }
};

struct Line {
  std::string_view text;  // without its end
  std::size_t next;       // where the following line starts
};

Line line_at(std::string_view text, std::size_t from) {
  const std::size_t end = text.find('\n', from);
  const std::size_t stop = end == std::string_view::npos ? text.size() : end;
  std::string_view line = text.substr(from, stop - from);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return {line, end == std::string_view::npos ? text.size() : end + 1};
}

bool is_boundary(std::string_view line, std::string_view start, std::string_view label) {
  return line.size() == start.size() + label.size() + kDashes.size() && line.substr(0, start.size()) == start &&
         line.substr(start.size(), label.size()) == label && line.substr(start.size() + label.size()) == kDashes;
}

// Base64 that arrives in lines of any length; decoded four characters at a time.
class QuadDecoder {
 public:
  explicit QuadDecoder(MutableBytes out) : out_(out) {}

  Result<void> add(std::string_view characters) {
    for (const char c : characters) {
      if (ended_) return fail(Status::kMalformed);  // something after the padding
      quad_[filled_++] = c;
      if (filled_ < sizeof quad_) continue;
      LATCHKEY_TRY(written, base64_decode({quad_, sizeof quad_}, out_.subview(size_, out_.size() - size_)));
      size_ += written;
      filled_ = 0;
      ended_ = c == '=';
    }
    return {};
  }
  Result<std::size_t> finish() const {
    if (filled_ != 0 || size_ == 0) return fail(Status::kMalformed);
    return size_;
  }

 private:
  MutableBytes out_;
  std::size_t size_ = 0;
  char quad_[4] = {};
  std::size_t filled_ = 0;
  bool ended_ = false;
};

}  // namespace

Result<std::size_t> pem_encode(std::string_view label, ByteView der, MutableBytes out) {
  if (out.size() < pem_size(label.size(), der.size())) return fail(Status::kTooLarge);
  Writer writer{out};
  writer.add_boundary(kBegin, label);
  for (std::size_t at = 0; at < der.size(); at += kLineBytes) {
    const MutableBytes rest = out.subview(writer.size, out.size() - writer.size);
    LATCHKEY_TRY(written, base64_encode(der.subview(at, kLineBytes), rest));
    writer.size += written;
    writer.add("\n");
  }
  writer.add_boundary(kEnd, label);
  return writer.size;
}

Result<PemBlock> pem_decode(std::string_view text, std::string_view label, MutableBytes out) {
  std::size_t at = 0;
  for (bool found = false; !found;) {
    if (at >= text.size()) return fail(Status::kNotFound);
    const Line line = line_at(text, at);
    found = is_boundary(line.text, kBegin, label);
    at = line.next;
  }
  QuadDecoder decoder(out);
  while (at < text.size()) {
    const Line line = line_at(text, at);
    at = line.next;
    if (is_boundary(line.text, kEnd, label)) {
      LATCHKEY_TRY(size, decoder.finish());
      return PemBlock{size, at};
    }
    LATCHKEY_TRY_VOID(decoder.add(line.text));
  }
  return fail(Status::kMalformed);
}

}  // namespace latchkey::crypto
