// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/pkcs11_uri.h"

#include <charconv>
#include <set>

#include "platform/base/bytes.h"

namespace latchkey::hub::ca {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr std::string_view kScheme = "pkcs11:";
constexpr std::string_view kFile = "file:";

tl::unexpected<registry::Refusal> bad(const std::string& what) {
  return refuse(Reason::kInvalidArgument, "--keys pkcs11: " + what);
}

std::optional<std::string> decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    std::uint8_t octet = 0;
    if (!hex_decode(text.substr(i + 1, 2), {&octet, 1}) || octet == 0 || i + 2 >= text.size()) return std::nullopt;
    result += static_cast<char>(octet);
    i += 2;
  }
  return result;
}

Outcome<void> take(Pkcs11Uri& uri, std::string_view name, std::string value, bool query) {
  if (!query && name == "token") {
    uri.token = std::move(value);
  } else if (!query && name == "manufacturer") {
    uri.manufacturer = std::move(value);
  } else if (!query && name == "model") {
    uri.model = std::move(value);
  } else if (!query && name == "serial") {
    uri.serial = std::move(value);
  } else if (!query && name == "slot-id") {
    unsigned long slot = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), slot);
    if (error != std::errc() || end != value.data() + value.size()) return bad("slot-id is a number");
    uri.slot = slot;
  } else if (query && name == "module-path") {
    uri.module = std::move(value);
  } else if (query && name == "pin-source") {
    uri.pin = value.starts_with(kFile) ? value.substr(kFile.size()) : std::move(value);
  } else if (name == "pin-value") {
    return bad(
        "a PIN on a command line is everybody's who lists processes: write it to a file of mode 0600 and name "
        "that by pin-source=file:/PATH; and change this one");
  } else {
    return bad(
        "the URI names a token by token, manufacturer, model, serial or slot-id, and then module-path and "
        "pin-source; there is an attribute that is none of these, or in the wrong place");
  }
  return {};
}

Outcome<void> take_all(Pkcs11Uri& uri, std::string_view text, char separator, bool query) {
  std::set<std::string_view> seen;
  while (!text.empty()) {
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) return bad("an attribute is NAME=VALUE");
    auto value = decoded(part.substr(equals + 1));
    if (!value || value->empty()) return bad("an attribute has no value, or a broken percent escape");
    if (!seen.insert(part.substr(0, equals)).second) return bad("an attribute is given twice");
    LATCHKEY_TRY_VOID(take(uri, part.substr(0, equals), std::move(*value), query));
  }
  return {};
}

}  // namespace

Outcome<Pkcs11Uri> parse_pkcs11_uri(std::string_view text) {
  if (!text.starts_with(kScheme)) return bad("a URI begins with pkcs11:");
  text.remove_prefix(kScheme.size());
  const auto question = text.find('?');
  Pkcs11Uri uri;
  LATCHKEY_TRY_VOID(take_all(uri, text.substr(0, question), ';', false));
  if (question != std::string_view::npos) LATCHKEY_TRY_VOID(take_all(uri, text.substr(question + 1), '&', true));
  if (!uri.token && !uri.serial && !uri.slot) return bad("the URI names no token (token=LABEL)");
  if (!uri.module.is_absolute()) return bad("the module's whole path is wanted (?module-path=/PATH)");
  if (!uri.pin.is_absolute()) return bad("the PIN's file is wanted (&pin-source=file:/PATH)");
  return uri;
}

}  // namespace latchkey::hub::ca
