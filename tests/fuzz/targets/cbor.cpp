// SPDX-License-Identifier: Apache-2.0
// Reads whatever comes next, as what it says that it is.
#include "agent/update/cbor.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

// False when the reader refuses the next item.
bool read_item(agent::CborReader& reader, ByteView input) {
  const std::uint8_t major = input[reader.position()] >> 5;
  switch (major) {
    case 0: return reader.next_unsigned().has_value();
    case 1: return reader.next_integer().has_value();
    case 2: {
      const auto bytes = reader.next_bytes();
      if (bytes) require_inside(*bytes, input);
      return bytes.has_value();
    }
    case 3: {
      const auto text = reader.next_text();
      if (text) require_inside(*text, input);
      return text.has_value();
    }
    case 4: {
      const auto count = reader.next_array();
      require(!count || *count <= input.size(), "an array has an item a byte at most");
      return count.has_value();
    }
    case 5: {
      const auto pairs = reader.next_map();
      require(!pairs || *pairs <= input.size() / 2, "a map has a pair every two bytes at most");
      return pairs.has_value();
    }
    default: return reader.next_tag(18).has_value();
  }
}

}  // namespace

LATCHKEY_FUZZ_TARGET(cbor) {
  agent::CborReader reader(input);
  while (!reader.at_end()) {
    const std::size_t before = reader.position();
    if (!read_item(reader, input)) return;
    require(reader.position() > before && reader.position() <= input.size(),
            "an item moves on, and not beyond the end");
  }
  note_good();
}

}  // namespace latchkey::fuzz
