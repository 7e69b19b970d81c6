// SPDX-License-Identifier: Apache-2.0
// The part of PKCS#11 URIs (RFC 7512) that names a token, where its module lies and where its PIN:
//
//   pkcs11:token=latchkey?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/etc/latchkey/pin
//
// Of the path: token, manufacturer, model, serial, slot-id. Of the query: module-path and pin-source, which have to be
// there. Everything else is refused, so that a misspelt name does not widen what is meant: object, id and type (the hub
// names its own keys), module-name (where it leads is p11-kit's affair), and pin-value above all: what stands on a
// command line is everybody's.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "registry/model/refusal.h"

namespace latchkey::hub::ca {

struct Pkcs11Uri {
  std::optional<std::string> token;  // its label
  std::optional<std::string> manufacturer;
  std::optional<std::string> model;
  std::optional<std::string> serial;
  std::optional<unsigned long> slot;
  std::filesystem::path module;
  std::filesystem::path pin;  // a file
};

// kInvalidArgument; says nothing of values, as one may be a PIN.
registry::Outcome<Pkcs11Uri> parse_pkcs11_uri(std::string_view uri);

}  // namespace latchkey::hub::ca
