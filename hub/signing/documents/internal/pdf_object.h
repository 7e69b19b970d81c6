// SPDX-License-Identifier: Apache-2.0
// Objects of a PDF (ISO 32000-1 section 7.3) and their reader. Texts are views of what was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace latchkey::hub::signing::pdf {

struct Value {
  enum class Kind : std::uint8_t { kNull, kNumber, kName, kString, kArray, kDictionary, kReference, kWord };
  Kind kind = Kind::kNull;
  double number = 0;         // of a reference: the object's number
  std::string_view text;     // of a name without its slash; of a word, such as "obj" or "true"
  std::vector<Value> items;  // of a dictionary: names and values in turn

  bool is(Kind wanted) const { return kind == wanted; }
  bool is_name(std::string_view name) const { return kind == Kind::kName && text == name; }
  bool is_word(std::string_view word) const { return kind == Kind::kWord && text == word; }
  // The member of a dictionary; a null when there is none.
  const Value& operator[](std::string_view name) const;
};

// Reads one object after the other, each byte once.
class Lexer {
 public:
  // As many values as one document is allowed in all, and as deep as they may nest.
  static constexpr std::size_t kMostValues = 200'000;
  static constexpr int kDeepest = 32;

  // `values`: what is left of kMostValues, counted down; outlives this object.
  Lexer(std::string_view text, std::size_t& values, std::size_t at = 0) : text_(text), values_(values), at_(at) {}

  // The next object or word; nothing at the end, and when it is none (then failed()).
  std::optional<Value> next() { return next(kDeepest); }
  bool failed() const { return failed_; }
  std::size_t at() const { return at_; }
  void go_to(std::size_t at) { at_ = at; }

 private:
  std::optional<Value> next(int deep);
  std::optional<Value> list(Value::Kind kind, int deep);
  std::optional<Value> string();
  std::optional<Value> plain();
  std::optional<Value> fail();
  void skip_space();
  void fold_reference(std::vector<Value>& items);

  std::string_view text_;
  std::size_t& values_;
  std::size_t at_;
  bool failed_ = false;
};

}  // namespace latchkey::hub::signing::pdf
