// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/documents/internal/pdf_file.h"

#include <boost/beast/zlib/inflate_stream.hpp>

#include "hub/signing/documents/internal/formats.h"

namespace latchkey::hub::signing::pdf {
namespace {

namespace zlib = boost::beast::zlib;
using Kind = Value::Kind;

constexpr std::size_t kUnpackedMax = std::size_t{8} * 1024 * 1024;  // of one document
constexpr std::size_t kEndWithin = 1024;                            // bytes, "%%EOF" stands there
constexpr double kMostNumber = 8'388'607;                           // of objects: ISO 32000-1, annex C

tl::unexpected<Error> broken() { return refuse(Status::kMalformed, "is a PDF whose objects cannot be read"); }

bool is_index(const Value& value) {
  return value.is(Kind::kNumber) && value.number >= 0 && value.number <= kMostNumber;
}

// RFC 1950, without a look at its check value. Nothing when it does not unpack to at most `most` bytes.
std::optional<std::string> inflated(std::string_view packed, std::size_t most) {
  constexpr std::size_t kHeader = 2;
  constexpr std::size_t kStep = std::size_t{64} * 1024;
  if (packed.size() < kHeader) return std::nullopt;
  zlib::inflate_stream stream;
  zlib::z_params state{};
  state.next_in = packed.data() + kHeader;
  state.avail_in = packed.size() - kHeader;
  std::string text;
  boost::system::error_code error;
  while (!error) {
    if (text.size() > most) return std::nullopt;
    const auto before = text.size();
    text.resize(before + kStep);
    state.next_out = text.data() + before;
    state.avail_out = kStep;
    stream.write(state, zlib::Flush::sync, error);
    text.resize(before + kStep - state.avail_out);
  }
  if (error != zlib::error::end_of_stream || text.size() > most) return std::nullopt;
  return text;
}

}  // namespace

Outcome<File> File::read(std::string_view text) {
  if (text.substr(text.size() - std::min(text.size(), kEndWithin)).find("%%EOF") == std::string_view::npos) {
    return cut_off();
  }
  File file(text);
  LATCHKEY_TRY_VOID(file.read_objects());
  if (file.encrypted_) return refuse(Status::kUnsupported, "is an encrypted PDF, which is not read");
  if (!file.root().is(Kind::kDictionary)) return cut_off();
  return file;
}

const Object* File::object(const Value& reference) const {
  if (!reference.is(Kind::kReference)) return nullptr;
  const auto found = is_index(Value{Kind::kNumber, reference.number, {}, {}})
                         ? objects_.find(static_cast<std::uint32_t>(reference.number))
                         : objects_.end();
  return found == objects_.end() ? nullptr : &found->second;
}

const Value& File::at(const Value& value) const {
  constexpr int kMostHops = 8;
  static const Value kNothing;
  const auto* now = &value;
  for (int i = 0; now->is(Kind::kReference); ++i) {
    const auto* next = i < kMostHops ? object(*now) : nullptr;
    if (next == nullptr) return kNothing;
    now = &next->value;
  }
  return *now;
}

void File::note_trailer(const Value& dictionary) {
  if (dictionary["Root"].is(Kind::kReference)) root_ = dictionary["Root"];
  encrypted_ = encrypted_ || !dictionary["Encrypt"].is(Kind::kNull);
}

// Between objects: "12 0 obj", "trailer", and whatever tables of places have, which is passed over.
Outcome<void> File::read_objects() {
  Lexer lexer(text_, values_);
  Value before[2];
  while (auto value = lexer.next()) {
    if (value->is_word("obj") && is_index(before[0]) && is_index(before[1])) {
      LATCHKEY_TRY_VOID(read_object(lexer, static_cast<std::uint32_t>(before[0].number)));
    } else if (value->is_word("trailer")) {
      const auto dictionary = lexer.next();
      if (!dictionary) return broken();
      note_trailer(*dictionary);
    }
    before[0] = std::move(before[1]);
    before[1] = std::move(*value);
  }
  if (lexer.failed()) return broken();
  return {};
}

Outcome<void> File::read_object(Lexer& lexer, std::uint32_t number) {
  auto value = lexer.next();
  if (!value) return broken();
  const auto first = lexer.at();
  Object object{std::move(*value), {}};
  const auto word = lexer.next();
  if (!word) return broken();
  if (word->is_word("stream")) {
    LATCHKEY_TRY(stream, stream_of(lexer, object.value));
    object.stream = stream;
    if (object.value["Type"].is_name("XRef")) note_trailer(object.value);
    if (object.value["Type"].is_name("ObjStm")) LATCHKEY_TRY_VOID(read_packed(object));
  } else if (is_index(object.value) && is_index(*word)) {  // "12 0 obj 13 0 R"
    lexer.go_to(first);
    (void)lexer.next();
    const auto reference = lexer.next();
    if (!reference || !reference->is_word("R")) return broken();
    object.value.kind = Kind::kReference;
  } else if (!word->is_word("endobj")) {
    return broken();
  }
  objects_[number] = std::move(object);
  return {};
}

// From the end of the word "stream" on; afterwards the lexer stands behind "endstream".
Outcome<std::string_view> File::stream_of(Lexer& lexer, const Value& dictionary) const {
  constexpr std::string_view kEnd = "endstream";
  auto begin = lexer.at();
  if (text_.substr(begin, 1) == "\r") ++begin;
  if (text_.substr(begin, 1) == "\n") ++begin;
  const auto& length = dictionary["Length"];
  // Where the length is elsewhere, or a lie, the word is looked for.
  if (length.is(Kind::kNumber) && length.number >= 0 && length.number <= static_cast<double>(text_.size() - begin)) {
    const auto end = begin + static_cast<std::size_t>(length.number);
    const auto word = text_.find_first_not_of("\r\n ", end);
    if (word != std::string_view::npos && text_.substr(word, kEnd.size()) == kEnd) {
      lexer.go_to(word + kEnd.size());
      return text_.substr(begin, end - begin);
    }
  }
  const auto end = text_.find(kEnd, begin);
  if (end == std::string_view::npos) return cut_off();
  lexer.go_to(end + kEnd.size());
  return text_.substr(begin, end - begin);
}

// Objects that are packed in a stream (ISO 32000-1 section 7.5.7): pairs of number and place, then the objects.
Outcome<void> File::read_packed(const Object& packed) {
  const auto& filter = packed.value["Filter"];
  const auto& count = packed.value["N"];
  const auto& first = packed.value["First"];
  if (!is_index(count) || !is_index(first) || !packed.value["DecodeParms"].is(Kind::kNull)) return broken();
  std::string text(packed.stream);
  const bool listed = filter.is(Kind::kArray) && filter.items.size() == 1 && filter.items[0].is_name("FlateDecode");
  if (filter.is_name("FlateDecode") || listed) {
    auto unpacked = inflated(packed.stream, kUnpackedMax - unpacked_);
    if (!unpacked) return broken();
    text = std::move(*unpacked);
  } else if (!filter.is(Kind::kNull)) {
    return encrypted_ ? Outcome<void>{} : broken();
  }
  unpacked_ = std::min(unpacked_ + text.size(), kUnpackedMax);
  unpacked_texts_.push_back(std::move(text));
  const std::string_view kept = unpacked_texts_.back();
  Lexer pairs(kept, values_);
  std::size_t end = 0;  // objects follow each other, so every byte is read once
  for (int i = 0; i < count.number; ++i) {
    const auto number = pairs.next();
    const auto place = pairs.next();
    if (!number || !place || !is_index(*number) || !is_index(*place)) return broken();
    const auto begin = static_cast<std::size_t>(first.number + place->number);
    if (begin < end) return broken();
    Lexer one(kept, values_, begin);
    auto value = one.next();
    if (!value) return broken();
    end = one.at();
    objects_[static_cast<std::uint32_t>(number->number)] = {std::move(*value), {}};
  }
  return {};
}

}  // namespace latchkey::hub::signing::pdf
