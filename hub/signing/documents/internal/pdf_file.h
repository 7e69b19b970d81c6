// SPDX-License-Identifier: Apache-2.0
// All objects of a PDF, found by reading the file from its beginning to its end: tables of places may lie, and are not
// needed. Of an object that is there twice the last one counts, as in a file that was added to.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "hub/signing/documents/internal/pdf_object.h"
#include "hub/signing/documents/picture.h"

namespace latchkey::hub::signing::pdf {

struct Object {
  Value value;
  std::string_view stream;  // as it is stored
};

class File {
 public:
  // `text` outlives this object. kMalformed, kUnsupported.
  static Outcome<File> read(std::string_view text);

  // What a reference stands for, over at most eight of them; anything else is itself.
  const Value& at(const Value& value) const;
  // The stream's object that is referred to; nullptr when there is none.
  const Object* object(const Value& reference) const;
  const Value& root() const { return at(root_); }

 private:
  explicit File(std::string_view text) : text_(text) {}
  Outcome<void> read_objects();
  Outcome<void> read_object(Lexer& lexer, std::uint32_t number);
  Outcome<void> read_packed(const Object& packed);
  Outcome<std::string_view> stream_of(Lexer& lexer, const Value& dictionary) const;
  void note_trailer(const Value& dictionary);

  std::string_view text_;
  std::size_t values_ = Lexer::kMostValues;
  std::size_t unpacked_ = 0;  // bytes
  std::map<std::uint32_t, Object> objects_;
  std::deque<std::string> unpacked_texts_;  // objects of packed streams are views of them
  Value root_;
  bool encrypted_ = false;
};

}  // namespace latchkey::hub::signing::pdf
