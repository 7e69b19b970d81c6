// SPDX-License-Identifier: Apache-2.0
// Is a signed file valid, since when not, and why: the table of docs/signing.md over what a signature shows
// (signature/evidence.h). Time is given, never asked for. Threads: any.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "hub/signing/signature/evidence.h"
#include "hub/signing/timestamp/token.h"

namespace latchkey::hub::signing {

// What is believed before a file is looked at. All of it outlives the call.
struct Trust {
  std::vector<X509*> signing_roots;
  std::vector<X509*> timestamp_roots;
  const RevocationLists* lists = nullptr;  // of the signing CAs and the timestamping ones
  UnknownRevocation unknown = UnknownRevocation::kRefuse;
  std::string durable_eku = {};  // the profile that must have signed; empty: any
};

enum class Reason {
  kGood,
  kUnreadable,      // damaged, or of a kind that is not taken
  kContentChanged,  // the signature is over another content
  kSignatureWrong,
  kWrongUsage,         // the certificate is not one for signing code
  kWrongProfile,       // another profile's than the one asked for
  kUntrusted,          // no path to a root
  kRevocationUnknown,  // no list in force speaks of it
  kOutsideValidity,    // when signed by the timestamp, or now without one
  kRevoked,
  kLifetimeOver,  // lifetime signing: a timestamp does not prolong it
};
std::string_view name_of(Reason reason);  // "contentChanged"

struct Verdict {
  bool valid = false;
  Reason reason = Reason::kUnreadable;
  // When not valid, and it ever was or could have been: the moment from which on it is not.
  std::optional<UnixMs> invalid_since;
  // When valid, and that ends by itself or by what is known of the future.
  std::optional<UnixMs> valid_until;
  std::string detail;  // why, where there is more to say: OpenSSL's words, the list that is missing

  std::string signer;             // subject; empty when it could not be read
  std::vector<std::string> ekus;  // dotted
  Window certificate_window;
  std::optional<Timestamp> timestamp;    // one that holds
  std::string timestamp_problem;         // there is one, and it does not count: why
  std::optional<Revocation> revocation;  // of the certificate, or of a CA above it
  bool lifetime_signing = false;
};

Verdict judge(const Evidence& evidence, const Trust& trust, UnixMs now);
// For a file that could not be read.
Verdict unreadable(const Error& error);

// One sentence, times in UTC.
std::string sentence(const Verdict& verdict);
nlohmann::ordered_json to_json(const Verdict& verdict);

}  // namespace latchkey::hub::signing
