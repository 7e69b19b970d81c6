// SPDX-License-Identifier: Apache-2.0
// Verdicts as people and programs read them.
#include <nlohmann/json.hpp>

#include "hub/signing/verification/verdict.h"
#include "hub/text/time.h"

namespace latchkey::hub::signing {
namespace {

using Json = nlohmann::ordered_json;

std::string at(UnixMs time) { return text::iso8601(time); }

std::string because_revoked(const Verdict& verdict) {
  const Revocation& revocation = *verdict.revocation;
  std::string text = "the certificate is revoked from " + at(revocation.effective_at) + " on";
  if (revocation.reason) text += " (" + std::string(name_of(*revocation.reason)) + ")";
  if (verdict.timestamp) return text + ", and the signature was made at " + at(verdict.timestamp->at);
  return text + ", and nothing proves that the signature was made before";
}

std::string because_outside(const Verdict& verdict) {
  const auto [begin, end] = verdict.certificate_window;
  const std::string window = "the certificate was valid from " + at(begin) + " to " + at(end);
  if (verdict.timestamp) return window + ", and the signature was made at " + at(verdict.timestamp->at);
  return window + ", and nothing proves that the signature was made within";
}

std::string why(const Verdict& verdict) {
  switch (verdict.reason) {
    case Reason::kUnreadable: return verdict.detail;
    case Reason::kContentChanged: return "the content is not the one that was signed";
    case Reason::kSignatureWrong: return "the signature is wrong";
    case Reason::kWrongUsage: return "the certificate is not one for signing code";
    case Reason::kWrongProfile: return "another profile signed it than the one asked for";
    case Reason::kUntrusted: return "the certificate leads to no root that is trusted (" + verdict.detail + ")";
    case Reason::kRevocationUnknown:
      return "nobody can say whether the certificate is revoked (" + verdict.detail + ")";
    case Reason::kOutsideValidity: return because_outside(verdict);
    case Reason::kRevoked: return because_revoked(verdict);
    case Reason::kLifetimeOver:
      return "the certificate ended at " + at(verdict.certificate_window.not_after) +
             ", and with it, by its lifetime-signing usage, what it signed";
    case Reason::kGood: break;
  }
  std::string text = "signed by " + verdict.signer;
  if (verdict.timestamp) {
    text += " at " + at(verdict.timestamp->at) + ", as " + verdict.timestamp->authority + " attests";
  } else {
    text += ", with nothing to prove when";
  }
  if (verdict.revocation)
    text += ", before its certificate's revocation from " + at(verdict.revocation->effective_at) + " on";
  return text;
}

void add_timestamp(const Verdict& verdict, Json& json) {
  if (verdict.timestamp) {
    json["timestamp"] = {{"at", at(verdict.timestamp->at)},
                         {"accuracyMs", verdict.timestamp->accuracy_ms},
                         {"authority", verdict.timestamp->authority},
                         {"policy", verdict.timestamp->policy}};
  } else {
    json["timestamp"] = nullptr;
  }
  if (!verdict.timestamp_problem.empty()) json["timestampProblem"] = verdict.timestamp_problem;
}

void add_certificate(const Verdict& verdict, Json& json) {
  if (verdict.signer.empty()) return;
  json["signer"] = verdict.signer;
  json["enhancedKeyUsage"] = verdict.ekus;
  json["certificate"] = {{"notBefore", at(verdict.certificate_window.not_before)},
                         {"notAfter", at(verdict.certificate_window.not_after)},
                         {"lifetimeSigning", verdict.lifetime_signing}};
}

}  // namespace

std::string_view name_of(Reason reason) {
  switch (reason) {
    case Reason::kGood: return "good";
    case Reason::kUnreadable: return "unreadable";
    case Reason::kContentChanged: return "contentChanged";
    case Reason::kSignatureWrong: return "signatureWrong";
    case Reason::kWrongUsage: return "wrongUsage";
    case Reason::kWrongProfile: return "wrongProfile";
    case Reason::kUntrusted: return "untrusted";
    case Reason::kRevocationUnknown: return "revocationUnknown";
    case Reason::kOutsideValidity: return "outsideValidity";
    case Reason::kRevoked: return "revoked";
    default: return "lifetimeOver";
  }
}

std::string sentence(const Verdict& verdict) {
  std::string text = verdict.valid ? "Valid" : "Not valid";
  if (verdict.valid_until) text += " until " + at(*verdict.valid_until);
  if (verdict.invalid_since) text += " since " + at(*verdict.invalid_since);
  text += ": " + why(verdict);
  if (!verdict.timestamp_problem.empty()) text += " (its timestamp does not count: " + verdict.timestamp_problem + ")";
  return text + ".";
}

Json to_json(const Verdict& verdict) {
  Json json = {{"valid", verdict.valid}, {"reason", name_of(verdict.reason)}, {"sentence", sentence(verdict)}};
  if (verdict.invalid_since) json["invalidSince"] = at(*verdict.invalid_since);
  if (verdict.valid_until) json["validUntil"] = at(*verdict.valid_until);
  add_certificate(verdict, json);
  if (!verdict.signer.empty()) add_timestamp(verdict, json);
  if (verdict.revocation) {
    json["revocation"] = {{"effectiveAt", at(verdict.revocation->effective_at)}};
    if (verdict.revocation->reason) json["revocation"]["reason"] = name_of(*verdict.revocation->reason);
  }
  return json;
}

}  // namespace latchkey::hub::signing
