// SPDX-License-Identifier: Apache-2.0
// The small texts: url-encoding, property bags, numbers, hex and base64.
#include "agent/protocol/text.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

void check_url(ByteView input) {
  std::vector<std::uint8_t> encoded_room(input.size() * 3);
  const auto encoded =
      agent::TextWriter({encoded_room.data(), encoded_room.size()}).put_url_encoded(input.text()).finish();
  require(encoded.has_value(), "a byte takes three characters at most");
  std::vector<std::uint8_t> room(input.size());
  const MutableBytes out(room.data(), room.size());
  const auto back = agent::url_decode(*encoded, out);
  const bool has_zero = input.text().find('\0') != std::string_view::npos;
  require(has_zero ? !back : back && *back == input.text(), "what is url-encoded decodes to itself");
  (void)agent::url_decode(input.text(), out);
}

void check_bag(ByteView input) {
  agent::ParameterReader reader(input.text());
  while (const auto parameter = reader.next()) {
    require_inside(parameter->key, input);
    require_inside(parameter->value, input);
    require(agent::find_parameter(input.text(), parameter->key).has_value(), "a parameter that is there is found");
  }
}

void check_bytes(ByteView input) {
  std::vector<std::uint8_t> room(input.size() + 3);
  const MutableBytes out(room.data(), room.size());
  std::vector<std::uint8_t> again(input.size());
  const MutableBytes text(again.data(), again.size());
  if (const auto size = base64_decode(input.text(), out)) {
    const auto written = base64_encode(ByteView(out).subview(0, *size), text);
    require(written && ByteView(again) == input, "base64 has one form");
    note_good();
  }
  if (const auto size = hex_decode(input.text(), out)) {
    require(hex_encode(ByteView(out).subview(0, *size), text).has_value(), "hex is as long as it was");
  }
}

}  // namespace

LATCHKEY_FUZZ_TARGET(text) {
  check_url(input);
  check_bag(input);
  check_bytes(input);
  (void)agent::parse_decimal(input.text());
}

}  // namespace latchkey::fuzz
