// SPDX-License-Identifier: Apache-2.0
// "Is a signed file valid?", row by row: the unit test asks judge(), the integration test asks OpenSSL's command line
// as well. Hours count from the beginning of the signing certificate's validity, which lasts 72 of them.
#pragma once

#include <optional>
#include <ostream>
#include <vector>

#include "tests/unit/hub/signing/world.h"

namespace latchkey::hub::signing::test {

using Hours = std::optional<double>;
inline constexpr double kSecond = 1.0 / 3600;

struct Row {
  const char* name;
  bool lifetime;    // the certificate has the usage for lifetime signing
  Hours stamped;    // T
  int accuracy_ms;  // of the timestamp
  Hours revoked;    // R
  double now;
  bool valid;
  Reason reason;
  Hours since;  // not valid since
  Hours until;  // valid until
};

inline void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

inline const std::vector<Row>& truth_table() {
  constexpr auto none = std::nullopt;
  static const std::vector<Row> rows = {
      // No timestamp, not revoked: while the certificate is valid.
      {"bare_before_it_begins", false, none, 0, none, -1, false, Reason::kOutsideValidity, none, none},
      {"bare_at_its_beginning", false, none, 0, none, 0, true, Reason::kGood, none, 72},
      {"bare_within", false, none, 0, none, 40, true, Reason::kGood, none, 72},
      {"bare_at_its_end", false, none, 0, none, 72, true, Reason::kGood, none, 72},
      {"bare_a_second_after_its_end", false, none, 0, none, 72 + kSecond, false, Reason::kOutsideValidity, 72, none},
      {"bare_a_year_later", false, none, 0, none, 8760, false, Reason::kOutsideValidity, 72, none},
      {"bare_lifetime_within", true, none, 0, none, 40, true, Reason::kGood, none, 72},
      {"bare_lifetime_after", true, none, 0, none, 73, false, Reason::kOutsideValidity, 72, none},
      // No timestamp, revoked: while it is valid, and before the date.
      {"bare_before_the_revocation_takes_effect", false, none, 0, 50, 40, true, Reason::kGood, none, 50},
      {"bare_a_second_before_the_revocation", false, none, 0, 50, 50 - kSecond, true, Reason::kGood, none, 50},
      {"bare_at_the_revocation", false, none, 0, 50, 50, false, Reason::kRevoked, 50, none},
      {"bare_after_the_revocation", false, none, 0, 50, 60, false, Reason::kRevoked, 50, none},
      {"bare_revoked_and_expired", false, none, 0, 50, 100, false, Reason::kRevoked, 50, none},
      {"bare_revoked_from_its_end_on", false, none, 0, 72, 72, false, Reason::kRevoked, 72, none},
      {"bare_revoked_before_it_begins_to_be_valid", false, none, 0, 50, -1, false, Reason::kOutsideValidity, none,
       none},
      {"bare_lifetime_revoked_later", true, none, 0, 50, 40, true, Reason::kGood, none, 50},
      {"bare_lifetime_revoked", true, none, 0, 50, 51, false, Reason::kRevoked, 50, none},
      // A timestamp, not revoked: for ever, if it lies within the certificate's validity.
      {"stamped_within", false, 30, 0, none, 40, true, Reason::kGood, none, none},
      {"stamped_within_a_year_later", false, 30, 0, none, 8760, true, Reason::kGood, none, none},
      {"stamped_at_the_beginning", false, 0, 0, none, 8760, true, Reason::kGood, none, none},
      {"stamped_a_second_before", false, -kSecond, 0, none, 40, false, Reason::kOutsideValidity, none, none},
      {"stamped_at_the_end", false, 72, 0, none, 8760, true, Reason::kGood, none, none},
      {"stamped_a_second_after", false, 72 + kSecond, 0, none, 8760, false, Reason::kOutsideValidity, none, none},
      // A timestamp, revoked: within, and before the date.
      {"stamped_before_the_revocation", false, 30, 0, 50, 8760, true, Reason::kGood, none, none},
      {"stamped_a_second_before_the_revocation", false, 50 - kSecond, 0, 50, 8760, true, Reason::kGood, none, none},
      {"stamped_at_the_revocation", false, 50, 0, 50, 8760, false, Reason::kRevoked, 50, none},
      {"stamped_after_the_revocation", false, 60, 0, 50, 60.5, false, Reason::kRevoked, 50, none},
      {"stamped_revoked_from_its_beginning_on", false, 0, 0, 0, 8760, false, Reason::kRevoked, 0, none},
      {"stamped_revoked_from_its_end_on", false, 71, 0, 72, 8760, true, Reason::kGood, none, none},
      {"stamped_at_the_end_revoked_from_there", false, 72, 0, 72, 8760, false, Reason::kRevoked, 72, none},
      {"stamped_outside_and_revoked", false, 73, 0, 50, 8760, false, Reason::kOutsideValidity, none, none},
      {"stamped_before_a_revocation_to_come", false, 30, 0, 50, 40, true, Reason::kGood, none, none},
      // The token's accuracy counts against the signer.
      {"accuracy_ends_before_the_revocation", false, 50 - 3 * kSecond, 2000, 50, 60, true, Reason::kGood, none, none},
      {"accuracy_reaches_the_revocation", false, 50 - 2 * kSecond, 2000, 50, 60, false, Reason::kRevoked, 50, none},
      // Lifetime signing: a timestamp does not prolong it.
      {"lifetime_stamped_within", true, 30, 0, none, 40, true, Reason::kGood, none, 72},
      {"lifetime_stamped_at_the_end", true, 30, 0, none, 72, true, Reason::kGood, none, 72},
      {"lifetime_stamped_after", true, 30, 0, none, 72 + kSecond, false, Reason::kLifetimeOver, 72, none},
      {"lifetime_stamped_outside", true, -1, 0, none, 40, false, Reason::kOutsideValidity, none, none},
      {"lifetime_stamped_before_the_revocation", true, 30, 0, 50, 60, true, Reason::kGood, none, 72},
      {"lifetime_stamped_before_the_revocation_after", true, 30, 0, 50, 73, false, Reason::kLifetimeOver, 72, none},
      {"lifetime_stamped_after_the_revocation", true, 55, 0, 50, 60, false, Reason::kRevoked, 50, none},
      {"lifetime_stamped_after_the_revocation_after", true, 55, 0, 50, 100, false, Reason::kRevoked, 50, none},
  };
  return rows;
}

inline UnixMs moment(double hours) {
  return kStart + static_cast<UnixMs>(hours * 3600 + (hours < 0 ? -0.5 : 0.5)) * 1000;
}
inline std::optional<UnixMs> moment(const Hours& hours) { return hours ? std::optional(moment(*hours)) : std::nullopt; }

// What a row describes, made.
struct Case {
  Certified leaf;
  Bytes signature;
  World::Entries entries;
};
inline Case make_case(World& world, const Row& row, ByteView file) {
  Case made;
  made.leaf = world.leaf(row.lifetime ? ProfileType::kPublicTrustTest : ProfileType::kPublicTrust);
  made.signature = world.sign(made.leaf, file);
  if (row.stamped) made.signature = world.stamp(made.signature, moment(*row.stamped), world.tsa, row.accuracy_ms);
  if (row.revoked) made.entries.leaves.push_back(revoked(made.leaf, moment(*row.revoked)));
  return made;
}

}  // namespace latchkey::hub::signing::test
