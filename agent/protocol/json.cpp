// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/json.h"

#include "agent/protocol/text.h"

namespace latchkey::agent {
namespace {

struct CodePoint {
  char utf8[4];
  std::size_t size;
};

CodePoint encode_utf8(std::uint32_t code) {
  if (code < 0x80) return {{static_cast<char>(code)}, 1};
  if (code < 0x800) return {{static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))}, 2};
  if (code < 0x10000) {
    return {{static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
             static_cast<char>(0x80 | (code & 0x3F))},
            3};
  }
  return {{static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
           static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))},
          4};
}

// Four hex digits at `at`; 0x10000 or more when they are not.
std::uint32_t hex4(std::string_view text, std::size_t at) {
  std::uint8_t bytes[2];
  if (text.size() < at || text.size() - at < 4) return 0x10000;
  if (!hex_decode(text.substr(at, 4), MutableBytes(bytes, 2))) return 0x10000;
  return static_cast<std::uint32_t>(bytes[0]) << 8 | bytes[1];
}

bool high_surrogate(std::uint32_t code) { return code >= 0xD800 && code < 0xDC00; }
bool low_surrogate(std::uint32_t code) { return code >= 0xDC00 && code < 0xE000; }

// The code point of a \uXXXX (or a pair of them) whose `u` is at `at`; moves `at` behind it.
bool read_unicode_escape(std::string_view text, std::size_t& at, std::uint32_t& code) {
  code = hex4(text, at + 1);
  if (code >= 0x10000 || low_surrogate(code)) return false;
  at += 5;
  if (!high_surrogate(code)) return true;
  if (text.substr(at, 2) != "\\u") return false;
  const std::uint32_t low = hex4(text, at + 2);
  if (low >= 0x10000 || !low_surrogate(low)) return false;
  code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  at += 6;
  return true;
}

char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
  }
}

// One unescaped code point of a checked string; moves `at` behind it.
CodePoint next_code_point(std::string_view raw, std::size_t& at) {
  if (raw[at] != '\\') return {{raw[at++]}, 1};
  ++at;
  if (at < raw.size() && raw[at] == 'u') {
    std::uint32_t code = 0;
    if (!read_unicode_escape(raw, at, code)) return {{}, 0};
    return encode_utf8(code);
  }
  return {{at < raw.size() ? simple_escape(raw[at++]) : '\0'}, 1};
}

}  // namespace

Result<std::string_view> JsonString::unescape(MutableBytes out) const {
  TextWriter writer(out);
  for (std::size_t at = 0; at < raw.size();) {
    const CodePoint point = next_code_point(raw, at);
    if (point.size == 0) return fail(Status::kMalformed);
    writer.put({point.utf8, point.size});
  }
  return writer.finish();
}

bool JsonString::equals(std::string_view text) const {
  for (std::size_t at = 0; at < raw.size();) {
    const CodePoint point = next_code_point(raw, at);
    if (point.size == 0 || text.substr(0, point.size) != std::string_view(point.utf8, point.size)) return false;
    text.remove_prefix(point.size);
  }
  return text.empty();
}

Result<std::uint64_t> JsonReader::number_as_unsigned() const { return parse_decimal(last_); }

Result<JsonReader::Token> JsonReader::fail_with(Status status) {
  error_ = status;
  return fail(status);
}

Result<JsonReader::Token> JsonReader::next() {
  if (error_ != Status::kOk) return fail(error_);
  return read();
}

Result<void> JsonReader::skip(Token token) {
  std::size_t open_levels = 0;
  for (;;) {
    if (token == Token::kObjectBegin || token == Token::kArrayBegin) ++open_levels;
    if (token == Token::kObjectEnd || token == Token::kArrayEnd) --open_levels;
    if (open_levels == 0) return {};
    LATCHKEY_TRY(following, next());
    token = following;
  }
}

Result<JsonReader::Token> JsonReader::read() {
  skip_space();
  if (at_ == text_.size())
    return expect_ == Expect::kNothing ? Result<Token>(Token::kEnd) : fail_with(Status::kMalformed);
  const char c = text_[at_];
  switch (expect_) {
    case Expect::kNothing: return fail_with(Status::kMalformed);
    case Expect::kValue: return read_value(c);
    case Expect::kValueOrEnd: return c == ']' ? close(c) : read_value(c);
    case Expect::kCommaOrEnd:
      if (c != ',') return close(c);
      ++at_;
      expect_ = in_object() ? Expect::kKey : Expect::kValue;
      return read();
    case Expect::kKeyOrEnd:
      if (c == '}') return close(c);
      [[fallthrough]];
    case Expect::kKey:
      if (!read_string()) return fail_with(Status::kMalformed);
      expect_ = Expect::kColon;
      return Token::kKey;
    case Expect::kColon:
      if (c != ':') return fail_with(Status::kMalformed);
      ++at_;
      expect_ = Expect::kValue;
      return read();
  }
  return fail_with(Status::kInternal);
}

Result<JsonReader::Token> JsonReader::read_value(char first) {
  switch (first) {
    case '{': return open(Token::kObjectBegin, true);
    case '[': return open(Token::kArrayBegin, false);
    case 't': return read_word("true", Token::kTrue);
    case 'f': return read_word("false", Token::kFalse);
    case 'n': return read_word("null", Token::kNull);
    default: break;
  }
  const bool is_string = first == '"';
  if (is_string ? !read_string() : !read_number()) return fail_with(Status::kMalformed);
  value_done();
  return is_string ? Token::kString : Token::kNumber;
}

Result<JsonReader::Token> JsonReader::read_word(std::string_view word, Token token) {
  if (text_.substr(at_, word.size()) != word) return fail_with(Status::kMalformed);
  at_ += word.size();
  value_done();
  return token;
}

Result<JsonReader::Token> JsonReader::open(Token token, bool object) {
  if (depth_ == kMaxDepth) return fail_with(Status::kTooLarge);
  const std::uint32_t bit = 1u << depth_;
  objects_ = object ? (objects_ | bit) : (objects_ & ~bit);
  ++depth_;
  ++at_;
  expect_ = object ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
  return token;
}

Result<JsonReader::Token> JsonReader::close(char bracket) {
  const bool object = in_object();
  if (depth_ == 0 || bracket != (object ? '}' : ']')) return fail_with(Status::kMalformed);
  --depth_;
  ++at_;
  value_done();
  return object ? Token::kObjectEnd : Token::kArrayEnd;
}

bool JsonReader::read_string() {
  if (text_[at_] != '"') return false;
  const std::size_t begin = ++at_;
  while (at_ < text_.size()) {
    const auto byte = static_cast<std::uint8_t>(text_[at_]);
    if (byte == '"') {
      last_ = text_.substr(begin, at_ - begin);
      ++at_;
      return true;
    }
    if (byte < 0x20) return false;
    if (byte == '\\' ? !read_escape() : !read_utf8()) return false;
  }
  return false;
}

bool JsonReader::read_escape() {
  ++at_;
  if (at_ == text_.size()) return false;
  if (text_[at_] == 'u') {
    std::uint32_t code = 0;
    return read_unicode_escape(text_, at_, code);
  }
  return simple_escape(text_[at_++]) != 0;
}

// Well-formed sequences only: no overlong forms, no surrogates, nothing above U+10FFFF (RFC 3629 section 4).
bool JsonReader::read_utf8() {
  const auto lead = static_cast<std::uint8_t>(text_[at_++]);
  if (lead < 0x80) return true;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  if (lead < 0xC2 || lead > 0xF4 || text_.size() - at_ < more) return false;
  std::uint32_t code = lead & (0x3Fu >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const auto byte = static_cast<std::uint8_t>(text_[at_++]);
    if ((byte & 0xC0) != 0x80) return false;
    code = code << 6 | (byte & 0x3Fu);
  }
  constexpr std::uint32_t kLowest[] = {0, 0x80, 0x800, 0x10000};
  return code >= kLowest[more] && code <= 0x10FFFF && !(code >= 0xD800 && code < 0xE000);
}

bool JsonReader::read_digits() {
  const std::size_t begin = at_;
  while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
  return at_ != begin;
}

bool JsonReader::read_number() {
  const std::size_t begin = at_;
  auto peek = [this] { return at_ < text_.size() ? text_[at_] : '\0'; };
  if (peek() == '-') ++at_;
  if (peek() == '0') {
    ++at_;
  } else if (!read_digits()) {
    return false;
  }
  if (peek() == '.') {
    ++at_;
    if (!read_digits()) return false;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    if (!read_digits()) return false;
  }
  last_ = text_.substr(begin, at_ - begin);
  return true;
}

void JsonReader::skip_space() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return;
    ++at_;
  }
}

}  // namespace latchkey::agent
