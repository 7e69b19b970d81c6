// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_responder.h"

#include <algorithm>
#include <mutex>

#include "platform/openssl/certificate_builder.h"

namespace latchkey::hub::ca {
namespace {

using openssl::Asn1TimePtr;
using registry::Outcome;
using registry::Reason;
using registry::refuse;
using registry::SerialStanding;
using registry::Standing;
using BasicResponsePtr = openssl::Owner<OCSP_BASICRESP, OCSP_BASICRESP_free>;
using ResponsePtr = openssl::Owner<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using GeneralizedTimePtr = openssl::Owner<ASN1_GENERALIZEDTIME, ASN1_GENERALIZEDTIME_free>;

constexpr std::size_t kCachedQuestionsMax = 4;  // of one answer, so that the cache's memory has a bound
constexpr int kNoReason = -1;                   // the extension is left out, as RFC 5280 asks for "unspecified"

GeneralizedTimePtr make_time(UnixMs at) { return GeneralizedTimePtr(ASN1_GENERALIZEDTIME_set(nullptr, at / 1000)); }

OcspAnswer error_answer(int status) {
  const ResponsePtr response(OCSP_response_create(status, nullptr));
  OcspAnswer answer;
  if (response) answer.der = openssl::to_der(i2d_OCSP_RESPONSE, response.get());
  return answer;
}

int status_of(Reason reason) {
  switch (reason) {
    case Reason::kNotFound:
    case Reason::kPreconditionFailed: return OCSP_RESPONSE_STATUS_UNAUTHORIZED;
    case Reason::kStorage:
    case Reason::kShuttingDown: return OCSP_RESPONSE_STATUS_TRYLATER;
    default: return OCSP_RESPONSE_STATUS_INTERNALERROR;
  }
}

struct Period {
  UnixMs this_update;
  UnixMs next_update;
};

bool add_status(OCSP_BASICRESP* basic, OCSP_CERTID* id, const SerialStanding& standing, const Period& period) {
  const auto from = make_time(period.this_update);
  const auto until = make_time(period.next_update);
  if (!from || !until) return false;
  if (standing.standing != Standing::kRevoked) {
    const int status = standing.standing == Standing::kGood ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_UNKNOWN;
    return OCSP_basic_add1_status(basic, id, status, kNoReason, nullptr, from.get(), until.get()) != nullptr;
  }
  const auto revoked_at = make_time(standing.revoked_at);
  const int reason =
      standing.reason == registry::RevocationReason::kUnspecified ? kNoReason : static_cast<int>(standing.reason);
  return revoked_at && OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_REVOKED, reason, revoked_at.get(),
                                              from.get(), until.get()) != nullptr;
}

// OCSP_basic_sign would take real time, not the rehearsal's.
bool set_produced_at(OCSP_BASICRESP* basic, UnixMs at) {
  auto* produced = const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic));  // NOLINT: no other way
  return ASN1_GENERALIZEDTIME_set(produced, at / 1000) != nullptr;
}

registry::Bytes sign(const OcspRequest& request, const std::vector<SerialStanding>& standings, const Period& period,
                     const OcspCredential& signer) {
  const BasicResponsePtr basic(OCSP_BASICRESP_new());
  if (!basic) return {};
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (!add_status(basic.get(), request.questions[i].id, standings[i], period)) return {};
  }
  if (request.nonce && OCSP_copy_nonce(basic.get(), request.message.get()) != 1) return {};
  if (!set_produced_at(basic.get(), period.this_update) ||
      OCSP_basic_sign(basic.get(), signer.certificate.get(), signer.key.get(), openssl::digest_for(signer.key.get()),
                      nullptr, OCSP_RESPID_KEY | OCSP_NOTIME) != 1) {
    return {};
  }
  const ResponsePtr response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  return response ? openssl::to_der(i2d_OCSP_RESPONSE, response.get()) : registry::Bytes{};
}

// The questions alone: two requests that ask the same are one, whatever else they hold.
std::string cache_key(const OcspRequest& request) {
  if (request.nonce || request.questions.size() > kCachedQuestionsMax) return {};
  std::string key;
  for (const auto& question : request.questions) {
    const auto der = openssl::to_der(i2d_OCSP_CERTID, question.id);
    if (der.empty()) return {};
    key.append(der.begin(), der.end());
  }
  return key;
}

}  // namespace

OcspAnswer OcspResponder::answer(ByteView request) {
  const auto asked = read_ocsp_request(request);
  if (!asked) return error_answer(OCSP_RESPONSE_STATUS_MALFORMEDREQUEST);
  auto answered = signed_answer(*asked, clock_());
  return answered ? *std::move(answered) : error_answer(status_of(answered.error().reason));
}

Outcome<OcspAnswer> OcspResponder::signed_answer(const OcspRequest& request, UnixMs now) {
  const IssuerHash& issuer = request.questions.front().issuer;
  if (issuer.empty() || std::ranges::any_of(request.questions, [&](const auto& one) { return one.issuer != issuer; })) {
    return refuse(Reason::kNotFound, "the questions do not name one CA of ours");
  }
  LATCHKEY_TRY(ca, ca_of(issuer));
  std::vector<registry::Bytes> serials;
  for (const auto& question : request.questions) serials.push_back(question.serial);
  LATCHKEY_TRY(report, source_->standing(ca, serials));
  LATCHKEY_TRY(signer, credentials_.of(report.issuer, now));

  const std::string key = cache_key(request);
  if (!key.empty()) {
    if (auto found = cache_.find(key, report.serials, signer.get(), now)) return *std::move(found);
  }
  const Period period{now - now % 1000, std::min(now + options_.validity_ms, signer->not_after)};
  OcspAnswer answer{sign(request, report.serials, period, *signer), !request.nonce, period.this_update,
                    period.next_update};
  if (answer.der.empty()) return refuse(Reason::kInternal, "signing an OCSP answer: " + openssl::take_error());
  // `unknown` is not kept: there is no end of serials that somebody may ask for.
  const bool known =
      std::ranges::none_of(report.serials, [](const auto& one) { return one.standing == Standing::kUnknown; });
  if (!key.empty() && known) {
    const UnixMs renew_at = period.this_update + (period.next_update - period.this_update) / 2;
    cache_.put(key, report.serials, signer.get(), renew_at, answer);
  }
  return answer;
}

Outcome<Uuid> OcspResponder::ca_of(const IssuerHash& issuer) {
  for (const bool learned : {false, true}) {
    {
      const std::shared_lock lock(mutex_);
      if (const auto found = cas_.find(issuer); found != cas_.end()) return found->second;
    }
    if (!learned) LATCHKEY_TRY_VOID(learn_cas());
  }
  return refuse(Reason::kNotFound, "not a CA of ours");
}

Outcome<void> OcspResponder::learn_cas() {
  LATCHKEY_TRY(cas, source_->cas());
  const std::unique_lock lock(mutex_);
  for (const auto& ca : cas) {
    if (learned_.contains(ca.id)) continue;
    const std::uint8_t* end = ca.der.data();
    const openssl::X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<long>(ca.der.size())));
    for (const int algorithm : {NID_sha1, NID_sha256}) {
      const auto hash = certificate ? issuer_hash(certificate.get(), algorithm) : std::nullopt;
      if (hash) cas_[*hash] = ca.id;
    }
    if (certificate) learned_.insert(ca.id);
  }
  openssl::take_error();
  return {};
}

}  // namespace latchkey::hub::ca
