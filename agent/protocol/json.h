// SPDX-License-Identifier: Apache-2.0
// A pull reader for JSON (RFC 8259) that allocates nothing: for device code, and safe on hostile text.
//
// Every next() gives one token; strings and numbers are views into the text, strings still escaped. The reader checks
// the whole grammar as it goes: UTF-8, escapes, surrogate pairs, numbers, commas, depth (kMaxDepth), and that nothing
// follows the value. The first error stays: every later call returns it again.
// One thread; the text must outlive the reader and its views.
#pragma once

#include <cstdint>
#include <string_view>

#include "platform/base/bytes.h"

namespace latchkey::agent {

// The inside of a JSON string as it stands in the text; already checked by the reader.
struct JsonString {
  std::string_view raw;

  bool empty() const { return raw.empty(); }
  // Unescapes into `out` (never longer than `raw`). kTooLarge when it does not fit.
  Result<std::string_view> unescape(MutableBytes out) const;
  // Compares without a buffer: "a\u0062" equals "ab".
  bool equals(std::string_view text) const;
};

class JsonReader {
 public:
  static constexpr std::size_t kMaxDepth = 16;

  enum class Token : std::uint8_t {
    kObjectBegin,
    kObjectEnd,
    kArrayBegin,
    kArrayEnd,
    kKey,     // string() is the key
    kString,  // string() is the value
    kNumber,  // number() is its text
    kTrue,
    kFalse,
    kNull,
    kEnd,  // the value is complete and only white space followed
  };

  explicit JsonReader(std::string_view text) : text_(text) {}

  // kMalformed: not JSON; kTooLarge: nested deeper than kMaxDepth.
  Result<Token> next();
  // Passes over the value that `token` has begun (nothing to do for scalars).
  Result<void> skip(Token token);

  JsonString string() const { return {last_}; }
  std::string_view number() const { return last_; }
  // The last number as an unsigned integer; kMalformed for fractions, exponents, minus and overflow.
  Result<std::uint64_t> number_as_unsigned() const;

 private:
  enum class Expect : std::uint8_t { kValue, kValueOrEnd, kKeyOrEnd, kKey, kColon, kCommaOrEnd, kNothing };

  Result<Token> fail_with(Status status);
  Result<Token> read();
  Result<Token> read_value(char first);
  Result<Token> read_word(std::string_view word, Token token);
  Result<Token> open(Token token, bool object);
  Result<Token> close(char bracket);
  bool read_string();
  bool read_escape();
  bool read_utf8();
  bool read_number();
  bool read_digits();
  void skip_space();
  void value_done() { expect_ = depth_ == 0 ? Expect::kNothing : Expect::kCommaOrEnd; }
  bool in_object() const { return depth_ > 0 && (objects_ >> (depth_ - 1) & 1) != 0; }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string_view last_;
  std::uint32_t objects_ = 0;  // bit n: level n is an object
  std::size_t depth_ = 0;
  Expect expect_ = Expect::kValue;
  Status error_ = Status::kOk;
};

}  // namespace latchkey::agent
