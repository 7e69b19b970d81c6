// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/verification/verdict.h"

#include <algorithm>

namespace latchkey::hub::signing {
namespace {

// CI policies are signed without the usage for code (documented for that type of profile).
constexpr std::string_view kCiPolicyArc = "1.3.6.1.4.1.311.97.1.4.1.";

bool has(const std::vector<std::string>& usages, std::string_view usage) {
  return std::find(usages.begin(), usages.end(), usage) != usages.end();
}

bool signs_code(X509* certificate, const std::vector<std::string>& usages) {
  const bool may_sign = (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE) != 0;  // all bits when it says none
  const bool is_ca = X509_check_ca(certificate) == 1;
  const auto for_policies = [](const std::string& usage) { return usage.rfind(kCiPolicyArc, 0) == 0; };
  return may_sign && !is_ca && (has(usages, kCodeSigning) || std::any_of(usages.begin(), usages.end(), for_policies));
}

std::vector<X509*> views_of(const std::vector<openssl::X509Ptr>& certificates) {
  std::vector<X509*> views;
  for (const auto& certificate : certificates) views.push_back(certificate.get());
  return views;
}

Verdict refused(Verdict verdict, Reason reason, std::string detail = {}) {
  verdict.valid = false;
  verdict.reason = reason;
  verdict.detail = std::move(detail);
  return verdict;
}

// What the path's certificates, the leaf first and the root left out, are said to be. Of several revocations the
// earliest counts.
struct Standing {
  std::optional<Revocation> revocation;
  std::string unknown;  // why, when a list is missing and that matters
};

Standing ask_lists(STACK_OF(X509) * path, const Trust& trust, UnixMs now) {
  Standing standing;
  for (int i = 0; i + 1 < sk_X509_num(path); ++i) {
    RevocationLists::Answer answer{RevocationLists::Standing::kUnknown, {}, "there is no revocation list"};
    X509* certificate = sk_X509_value(path, i);
    if (trust.lists != nullptr) answer = trust.lists->ask(certificate, sk_X509_value(path, i + 1), now);
    if (answer.standing == RevocationLists::Standing::kUnknown && trust.unknown == UnknownRevocation::kRefuse) {
      standing.unknown = subject_of(certificate) + ": " + answer.why;
    }
    if (answer.standing != RevocationLists::Standing::kRevoked) continue;
    if (!standing.revocation || answer.revocation.effective_at < standing.revocation->effective_at) {
      standing.revocation = answer.revocation;
    }
  }
  return standing;
}

std::optional<UnixMs> earliest(std::optional<UnixMs> a, std::optional<UnixMs> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// The table, row by row. By now everything about keys and paths is right.
Verdict by_the_table(Verdict verdict, UnixMs now) {
  const auto [begin, end] = verdict.certificate_window;
  const bool stamped = verdict.timestamp.has_value();
  const std::optional<UnixMs> revoked =
      verdict.revocation ? std::optional(verdict.revocation->effective_at) : std::nullopt;
  const UnixMs proven = stamped ? verdict.timestamp->at : now;
  const UnixMs latest = stamped ? verdict.timestamp->latest() : now;
  // When it ends: by the certificate, without a timestamp or with lifetime signing; by the revocation, if that can
  // still reach it.
  const bool certificate_ends_it = !stamped || verdict.lifetime_signing;
  const std::optional<UnixMs> lapse = certificate_ends_it ? std::optional(end) : std::nullopt;

  if (proven < begin || (stamped && proven > end)) return refused(verdict, Reason::kOutsideValidity);
  if (revoked && latest >= *revoked) {
    verdict.invalid_since = earliest(revoked, lapse && now > *lapse ? lapse : std::nullopt);
    return refused(verdict, Reason::kRevoked);
  }
  if (lapse && now > *lapse) {
    verdict.invalid_since = lapse;
    return refused(verdict, stamped ? Reason::kLifetimeOver : Reason::kOutsideValidity);
  }
  verdict.valid = true;
  verdict.reason = Reason::kGood;
  verdict.valid_until = earliest(lapse, stamped ? std::nullopt : revoked);
  return verdict;
}

void read_certificate(const Evidence& evidence, Verdict& verdict) {
  verdict.signer = subject_of(evidence.signer.get());
  verdict.ekus = ekus_of(evidence.signer.get());
  verdict.certificate_window = window_of(evidence.signer.get());
  verdict.lifetime_signing = has(verdict.ekus, kLifetimeSigning);
}

void read_timestamp(const Evidence& evidence, const Trust& trust, UnixMs now, Verdict& verdict) {
  if (evidence.token.empty()) return;
  auto stamp =
      check_timestamp(evidence.token, evidence.stamped, {trust.timestamp_roots, trust.lists, trust.unknown}, now);
  if (stamp && stamp->at <= now) {
    verdict.timestamp = std::move(*stamp);
  } else {
    verdict.timestamp_problem = stamp ? "the timestamp lies in the future" : stamp.error().detail;
  }
}

}  // namespace

Verdict judge(const Evidence& evidence, const Trust& trust, UnixMs now) {
  Verdict verdict;
  read_certificate(evidence, verdict);
  if (!evidence.content_matches) return refused(verdict, Reason::kContentChanged);
  EVP_PKEY* key = X509_get0_pubkey(evidence.signer.get());
  if (!verify_digest(key, evidence.algorithm, evidence.digest, evidence.signature)) {
    return refused(verdict, Reason::kSignatureWrong);
  }
  if (!signs_code(evidence.signer.get(), verdict.ekus)) return refused(verdict, Reason::kWrongUsage);
  if (!trust.durable_eku.empty() && !has(verdict.ekus, trust.durable_eku)) {
    return refused(verdict, Reason::kWrongProfile);
  }
  read_timestamp(evidence, trust, now, verdict);
  // The path is looked at within the leaf's own window: whether that held is the table's to say. Its last second is
  // left out: OpenSSL counts notAfter itself as expired, RFC 5280 section 4.1.2.5 does not.
  const UnixMs proven = verdict.timestamp ? verdict.timestamp->at : now;
  const auto [begin, end] = verdict.certificate_window;
  const auto path = build_path(evidence.signer.get(), views_of(evidence.others), trust.signing_roots,
                               std::max(begin, std::min(proven, end - 1000)));
  if (!path) return refused(verdict, Reason::kUntrusted, path.error().detail);
  const Standing standing = ask_lists(path->get(), trust, now);
  verdict.revocation = standing.revocation;
  if (!standing.unknown.empty()) return refused(verdict, Reason::kRevocationUnknown, standing.unknown);
  return by_the_table(verdict, now);
}

Verdict unreadable(const Error& error) { return refused({}, Reason::kUnreadable, error.detail); }

}  // namespace latchkey::hub::signing
