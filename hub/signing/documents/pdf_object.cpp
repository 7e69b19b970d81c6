// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/internal/pdf_object.h"

#include <algorithm>
#include <charconv>

namespace latchkey::hub::signing::pdf {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSpace = "\0\t\n\f\r "sv;
constexpr std::string_view kEnds = "\0\t\n\f\r ()<>[]{}/%"sv;  // of a name, number or word

}  // namespace

const Value& Value::operator[](std::string_view name) const {
  static const Value kNothing;
  if (kind != Kind::kDictionary) return kNothing;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].is_name(name)) return items[i + 1];
  }
  return kNothing;
}

std::optional<Value> Lexer::fail() {
  failed_ = true;
  return std::nullopt;
}

void Lexer::skip_space() {
  while (at_ < text_.size()) {
    if (text_[at_] == '%') {
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
    } else if (kSpace.find(text_[at_]) != std::string_view::npos) {
      ++at_;
    } else {
      return;
    }
  }
}

std::optional<Value> Lexer::next(int deep) {
  skip_space();
  if (failed_ || at_ >= text_.size()) return std::nullopt;
  if (deep == 0 || values_ == 0) return fail();
  --values_;
  const auto rest = text_.substr(at_, 2);
  if (rest == "<<") return list(Value::Kind::kDictionary, deep);
  if (rest[0] == '[') return list(Value::Kind::kArray, deep);
  if (rest[0] == '(') return string();
  if (rest[0] == '<') {
    const auto end = text_.find('>', at_);
    if (end == std::string_view::npos) return fail();
    const Value value{Value::Kind::kString, 0, text_.substr(at_ + 1, end - at_ - 1), {}};
    at_ = end + 1;
    return value;
  }
  return plain();
}

// "12 0 R": the last three become one.
void Lexer::fold_reference(std::vector<Value>& items) {
  const auto size = items.size();
  if (size < 3 || !items[size - 1].is_word("R") || !items[size - 3].is(Value::Kind::kNumber)) return;
  items.resize(size - 2);
  items.back().kind = Value::Kind::kReference;
}

std::optional<Value> Lexer::list(Value::Kind kind, int deep) {
  const std::string_view end = kind == Value::Kind::kArray ? "]" : ">>";
  Value value{kind, 0, {}, {}};
  at_ += end.size();
  for (;;) {
    skip_space();
    if (text_.substr(at_, end.size()) == end) break;
    auto item = next(deep - 1);
    if (!item) return fail();
    value.items.push_back(std::move(*item));
    fold_reference(value.items);
  }
  at_ += end.size();
  return value;
}

std::optional<Value> Lexer::string() {
  const auto begin = ++at_;
  for (int open = 1; at_ < text_.size(); ++at_) {
    const char letter = text_[at_];
    if (letter == '\\') ++at_;
    if (letter == '(') ++open;
    if (letter == ')' && --open == 0) {
      const Value value{Value::Kind::kString, 0, text_.substr(begin, at_ - begin), {}};
      ++at_;
      return value;
    }
  }
  return fail();
}

std::optional<Value> Lexer::plain() {
  const bool name = text_[at_] == '/';
  const auto begin = at_ + (name ? 1 : 0);
  const auto end = std::min(text_.find_first_of(kEnds, begin), text_.size());
  const auto text = text_.substr(begin, end - begin);
  if (!name && text.empty()) return fail();  // a stray ')' or the like
  at_ = end;
  if (name) return Value{Value::Kind::kName, 0, text, {}};
  Value value{Value::Kind::kWord, 0, text, {}};
  const auto digits = text.substr(text[0] == '+' ? 1 : 0);
  const auto read =
      std::from_chars(digits.data(), digits.data() + digits.size(), value.number, std::chars_format::fixed);
  const bool finite = value.number > -1e12 && value.number < 1e12;
  if (read.ec == std::errc{} && read.ptr == digits.data() + digits.size() && finite) value.kind = Value::Kind::kNumber;
  return value;
}

}  // namespace latchkey::hub::signing::pdf
