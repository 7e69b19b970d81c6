// SPDX-License-Identifier: Apache-2.0
// What documents prove, by what is said of them: which kinds count for whom, how old they may be, and that they name
// what the request names. Pure. What a picture has to be like is read from its bytes (hub/signing/documents).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "registry/model/refusal.h"
#include "registry/signing/model.h"

namespace latchkey::registry::signing {

// What a kind of document is taken as.
enum class Proves : std::uint8_t {
  kBusiness,   // names the organization and its address
  kDomain,     // names the organization (or its contact) and its domain
  kPerson,     // a government's; names the person
  kResidence,  // names the person and the address, with a date, on its first page
  kNothing,    // privately issued
};
struct DocumentKind {
  std::string_view name;  // "passport"
  Proves proves;
};
std::span<const DocumentKind> document_kinds();
const DocumentKind* document_kind(std::string_view name);

// As it is described by whoever hands it in.
struct Document {
  std::string kind;
  std::string issued_on;   // "2026-01-31"; may be empty
  std::string expires_on;  // may be empty
  std::string names;       // the organization or person named on it
  std::string address;     // "street, postal code city, ..." in any order
  std::string domain;
  bool edited = false;
  bool cropped = false;
  bool handwritten = false;
};

// kInvalidArgument, with the rule that is broken.
Outcome<Nothing> check_document(const Document& document, const Identity& identity, UnixMs now);

}  // namespace latchkey::registry::signing
