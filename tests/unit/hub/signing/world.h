// SPDX-License-Identifier: Apache-2.0
// A signing service on paper: roots, issuing CAs, profiles' certificates, a timestamping authority with a clock that is
// set, and revocation lists. Everything that it makes is real.
#pragma once

#include <openssl/rsa.h>

#include <map>
#include <memory>
#include <string>

#include "hub/signing/certificates/revocation_list.h"
#include "hub/signing/signature/detached.h"
#include "hub/signing/timestamp/authority.h"
#include "hub/signing/timestamp/token.h"
#include "hub/signing/verification/verdict.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::signing::test {

inline constexpr UnixMs kHour = 3'600'000;
inline constexpr UnixMs kDay = 24 * kHour;
inline constexpr UnixMs kStart = 1'767'225'600'000;  // 2026-01-01T00:00:00Z, a Thursday

inline ByteView text(std::string_view words) { return ByteView(words); }

// RSA takes seconds to make: only where it is what the test is about.
inline openssl::PkeyPtr ec_key(const char* curve = "P-256") { return openssl::make_ec_key(curve); }
inline openssl::PkeyPtr rsa_key(unsigned bits = 3072) { return openssl::PkeyPtr(EVP_RSA_gen(bits)); }

struct Certified {
  openssl::X509Ptr certificate;
  openssl::PkeyPtr key;
  X509* x509() const { return certificate.get(); }
  Issuer issuer() const { return {certificate.get(), key.get()}; }
};

inline Subject contoso() {
  Subject subject;
  subject.common_name = "Contoso Inc";
  subject.organization = "Contoso Inc";
  subject.city = "New York";
  subject.state = "New York";
  subject.country = "US";
  return subject;
}

class World {
 public:
  explicit World(TrustKind kind = TrustKind::kPublic) {
    root = make_ca(kind, nullptr);
    issuing = make_ca(kind, &root);
    timestamp_root = make_ca(TrustKind::kTimestamp, nullptr);
    tsa = timestamper();
  }

  Bytes serial() { return {0x10, static_cast<std::uint8_t>(++serials_ >> 8), static_cast<std::uint8_t>(serials_)}; }

  Certified make_ca(TrustKind kind, const Certified* above) {
    Certified made;
    made.key = ec_key();
    const Window window{kStart - 365 * kDay, kStart + 3650 * kDay};
    auto certificate = above == nullptr ? make_root(kind, made.key.get(), serial(), window)
                                        : make_issuing(kind, above->issuer(), made.key.get(), serial(), window);
    made.certificate = std::move(*certificate);
    return made;
  }

  Certified timestamper(Window window = {kStart - 30 * kDay, kStart + 365 * kDay}) {
    Certified made;
    made.key = ec_key();
    made.certificate =
        std::move(*make_timestamper("Latchkey Test TSA", made.key.get(), serial(), window, timestamp_root.issuer()));
    return made;
  }

  // A profile's certificate, three days from `begin` on.
  Certified leaf(ProfileType type = ProfileType::kPublicTrust, UnixMs begin = kStart, openssl::PkeyPtr key = ec_key()) {
    LeafRequest request;
    request.type = type;
    request.subject = contoso();
    request.durable_eku = durable_eku(type, {990309390, 766961637, 194916062, 941502583});
    request.key = key.get();
    const Bytes number = serial();
    request.serial = number;
    request.window = {begin, begin + kLeafLifetimeMs};
    Certified made;
    made.certificate = std::move(*make_leaf(request, issuing.issuer()));
    made.key = std::move(key);
    return made;
  }

  TimestampAuthority authority(const Certified& who, int accuracy_ms = 0) {
    openssl::X509Ptr certificate(X509_dup(who.x509()));
    EVP_PKEY_up_ref(who.key.get());
    TimestampAuthority::Options options;
    options.accuracy_ms = accuracy_ms;
    return std::move(*TimestampAuthority::make(std::move(certificate), openssl::PkeyPtr(who.key.get()), nullptr,
                                               options, [this] { return clock; }));
  }

  // A token over `stamped`, made at `at`.
  Bytes token(ByteView stamped, UnixMs at, const Certified& who, int accuracy_ms = 0, Hash hash = Hash::kSha256) {
    clock = at;
    const auto request = make_timestamp_request(hash, stamped, text("nonce"));
    return std::move(*token_of_response(authority(who, accuracy_ms).answer(*request)));
  }
  Bytes token(ByteView stamped, UnixMs at) { return token(stamped, at, tsa); }

  // The .p7s of a file, without a timestamp.
  Bytes sign(const Certified& who, ByteView file, std::optional<Algorithm> algorithm = std::nullopt) {
    const Algorithm with = algorithm ? *algorithm : *algorithm_for(who.key.get(), Hash::kSha256);
    const Draft draft = draft_detached(with, digest_of(facts_of(with).hash, file));
    return std::move(*draft.finish(*sign_digest(who.key.get(), with, draft.digest()), {who.x509(), issuing.x509()}));
  }
  Bytes stamp(ByteView signature, UnixMs at, const Certified& who, int accuracy_ms = 0) {
    const auto read = read_signed_data(signature);
    return std::move(*stamp_detached(signature, token(read->evidence.stamped, at, who, accuracy_ms)));
  }
  Bytes stamp(ByteView signature, UnixMs at) { return stamp(signature, at, tsa); }

  // Lists of all three CAs that can revoke, in force for ten years; the entries go by issuer.
  struct Entries {
    std::vector<RevokedCertificate> leaves;
    std::vector<RevokedCertificate> issuing_cas;
    std::vector<RevokedCertificate> timestampers;
  };
  Bytes list_of(const Certified& issuer, const std::vector<RevokedCertificate>& entries, std::uint64_t number = 1) {
    return std::move(*make_revocation_list(issuer.issuer(), {number, kStart - kDay, kStart + 3650 * kDay}, entries));
  }
  RevocationLists lists(const Entries& entries = {}) {
    RevocationLists made;
    (void)made.add(list_of(issuing, entries.leaves));
    (void)made.add(list_of(root, entries.issuing_cas));
    (void)made.add(list_of(timestamp_root, entries.timestampers));
    return made;
  }

  Trust trust(const RevocationLists& given) const {
    Trust made;
    made.signing_roots = {root.x509()};
    made.timestamp_roots = {timestamp_root.x509()};
    made.lists = &given;
    return made;
  }

  Certified root;
  Certified issuing;
  Certified timestamp_root;
  Certified tsa;
  std::optional<UnixMs> clock = kStart;  // the authority's

 private:
  unsigned serials_ = 0;
};

inline RevokedCertificate revoked(const Certified& who, UnixMs effective_at,
                                  std::optional<RevocationReason> reason = RevocationReason::kKeyCompromise) {
  return {serial_of(who.x509()), {effective_at, reason}};
}

inline Verdict judge_detached(ByteView signature, ByteView file, const Trust& trust, UnixMs now) {
  const auto evidence = read_detached(signature, [&](Hash hash) { return digest_of(hash, file); });
  return evidence ? judge(*evidence, trust, now) : unreadable(evidence.error());
}

}  // namespace latchkey::hub::signing::test
