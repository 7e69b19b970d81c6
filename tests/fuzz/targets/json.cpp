// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/json.h"

#include "agent/protocol/text.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using agent::JsonReader;
using agent::JsonString;
using Token = JsonReader::Token;

MutableBytes room_of(std::vector<std::uint8_t>& bytes) { return {bytes.data(), bytes.size()}; }

// Unescaped it is no longer than it was, equals itself, and survives being written and read again.
void check_string(JsonString read, ByteView input) {
  require_inside(read.raw, input);
  std::vector<std::uint8_t> plain_room(read.raw.size());
  const auto plain = read.unescape(room_of(plain_room));
  require(plain.has_value(), "a string that the reader gave unescapes in its own size");
  require(read.equals(*plain), "a string equals what it unescapes to");
  std::vector<std::uint8_t> written_room(plain->size() * 6 + 2);
  agent::TextWriter writer(room_of(written_room));
  const auto written = writer.put('"').put_json_escaped(*plain).put('"').finish();
  require(written.has_value(), "an escape takes six characters at most");
  JsonReader again(*written);
  const auto token = again.next();
  require(token && *token == Token::kString && again.string().equals(*plain), "what is written reads back the same");
}

Status read_all(ByteView input) {
  JsonReader reader(input.text());
  for (;;) {
    const auto token = reader.next();
    if (!token) {
      const auto again = reader.next();
      require(!again && again.error() == token.error(), "the first error stays");
      return token.error();
    }
    if (*token == Token::kEnd) return note_good(), Status::kOk;
    if (*token == Token::kKey || *token == Token::kString) check_string(reader.string(), input);
    if (*token == Token::kNumber) {
      require_inside(reader.number(), input);
      (void)reader.number_as_unsigned();
    }
  }
}

Status skip_all(ByteView input) {
  JsonReader reader(input.text());
  const auto begin = reader.next();
  if (!begin) return begin.error();
  const auto skipped = reader.skip(*begin);
  if (!skipped) return skipped.error();
  const auto end = reader.next();
  if (!end) return end.error();
  require(*end == Token::kEnd, "behind the value there is the end");
  return Status::kOk;
}

}  // namespace

LATCHKEY_FUZZ_TARGET(json) { require(read_all(input) == skip_all(input), "read or skipped, the verdict is one"); }

}  // namespace latchkey::fuzz
