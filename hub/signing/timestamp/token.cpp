// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/timestamp/token.h"

#include <openssl/ts.h>

#include <algorithm>

#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

using Pkcs7Ptr = openssl::Owner<PKCS7, PKCS7_free>;
using TokenInfoPtr = openssl::Owner<TS_TST_INFO, TS_TST_INFO_free>;
using RequestPtr = openssl::Owner<TS_REQ, TS_REQ_free>;
using ResponsePtr = openssl::Owner<TS_RESP, TS_RESP_free>;
using ImprintPtr = openssl::Owner<TS_MSG_IMPRINT, TS_MSG_IMPRINT_free>;
using AlgorithmPtr = openssl::Owner<X509_ALGOR, X509_ALGOR_free>;
using SignersPtr = openssl::Owner<STACK_OF(X509), [](STACK_OF(X509) * stack) { sk_X509_free(stack); }>;

constexpr UnixMs kAccuracyMaxMs = 24LL * 60 * 60 * 1000;

std::string dotted(const ASN1_OBJECT* object) {
  char text[160];
  return object != nullptr && OBJ_obj2txt(text, sizeof text, object, 1) > 0 ? text : "";
}

// Seconds by OpenSSL, the fraction by hand: it passes it over.
std::optional<UnixMs> time_of(const ASN1_GENERALIZEDTIME* time) {
  if (time == nullptr || ASN1_GENERALIZEDTIME_check(time) != 1) return std::nullopt;
  const std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(time)),
                         static_cast<std::size_t>(ASN1_STRING_length(time)));
  if (text.size() < 15 || text.size() > 32 || text.back() != 'Z') return std::nullopt;
  UnixMs at = unix_ms(time);
  if (text[14] != '.') return text.size() == 15 && at > 0 ? std::optional(at) : std::nullopt;
  const std::string digits = text.substr(15, text.size() - 16);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  const UnixMs part = std::stoll((digits + "00").substr(0, 3));
  const bool more = digits.size() > 3 && digits.find_first_not_of('0', 3) != std::string::npos;
  return at > 0 ? std::optional(at + part + (more ? 1 : 0)) : std::nullopt;
}

// Nothing for what is no number from 0 to `max`.
std::optional<UnixMs> number_of(const ASN1_INTEGER* number, UnixMs max) {
  if (number == nullptr) return 0;
  std::int64_t value = 0;
  if (ASN1_INTEGER_get_int64(&value, number) != 1 || value < 0 || value > max) return std::nullopt;
  return value;
}

std::optional<UnixMs> accuracy_of(TS_TST_INFO* info) {
  TS_ACCURACY* accuracy = TS_TST_INFO_get_accuracy(info);
  if (accuracy == nullptr) return 0;
  const auto seconds = number_of(TS_ACCURACY_get_seconds(accuracy), kAccuracyMaxMs / 1000);
  const auto millis = number_of(TS_ACCURACY_get_millis(accuracy), 999);
  const auto micros = number_of(TS_ACCURACY_get_micros(accuracy), 999);
  if (!seconds || !millis || !micros) return std::nullopt;
  return *seconds * 1000 + *millis + (*micros > 0 ? 1 : 0);
}

Outcome<void> check_imprint(TS_TST_INFO* info, ByteView stamped) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  const ASN1_OBJECT* algorithm = nullptr;
  X509_ALGOR_get0(&algorithm, nullptr, nullptr, TS_MSG_IMPRINT_get_algo(imprint));
  const auto hash = hash_by_oid(dotted(algorithm));
  if (!hash) return refuse(Status::kUnsupported, "the timestamp's hash is not taken");
  const ASN1_OCTET_STRING* message = TS_MSG_IMPRINT_get_msg(imprint);
  const ByteView said(ASN1_STRING_get0_data(message), static_cast<std::size_t>(ASN1_STRING_length(message)));
  if (said != ByteView(digest_of(*hash, stamped))) {
    return refuse(Status::kMismatch, "the timestamp is over something else");
  }
  return {};
}

// TS_RESP_verify_token: signature, chain, purpose and signing certificate attribute, by the time of the token.
Outcome<void> check_signature(PKCS7* token, const std::vector<X509*>& roots, UnixMs at) {
  const openssl::Owner<TS_VERIFY_CTX, TS_VERIFY_CTX_free> context(TS_VERIFY_CTX_new());
  openssl::X509StorePtr store(X509_STORE_new());
  if (!context || !store) return refuse(Status::kInternal, openssl::take_error());
  for (X509* root : roots) X509_STORE_add_cert(store.get(), root);
  X509_VERIFY_PARAM* rules = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(rules, at / 1000);
  X509_VERIFY_PARAM_set_depth(rules, 4);
  TS_VERIFY_CTX_set_flags(context.get(), TS_VFY_SIGNATURE | TS_VFY_VERSION);
  TS_VERIFY_CTX_set_store(context.get(), store.release());
  if (TS_RESP_verify_token(context.get(), token) != 1) {
    return refuse(Status::kNotTrusted, "the timestamp's signature: " + openssl::take_error());
  }
  return {};
}

bool keeps_old_tokens(const std::optional<RevocationReason>& reason) {
  if (!reason) return false;
  return *reason == RevocationReason::kUnspecified || *reason == RevocationReason::kAffiliationChanged ||
         *reason == RevocationReason::kSuperseded || *reason == RevocationReason::kCessationOfOperation;
}

Outcome<void> check_standing(X509* certificate, X509* issuer, const Timestamp& stamp, const TimestampTrust& trust,
                             UnixMs now) {
  RevocationLists::Answer answer{RevocationLists::Standing::kUnknown, {}, "there is no revocation list"};
  if (trust.lists != nullptr) answer = trust.lists->ask(certificate, issuer, now);
  switch (answer.standing) {
    case RevocationLists::Standing::kGood: return {};
    case RevocationLists::Standing::kUnknown:
      if (trust.unknown == UnknownRevocation::kAccept) return {};
      return refuse(Status::kNotTrusted, "the timestamping authority: " + answer.why);
    case RevocationLists::Standing::kRevoked: break;
  }
  if (!keeps_old_tokens(answer.revocation.reason)) {
    return refuse(Status::kNotTrusted, "the timestamping authority is revoked, with all its tokens");
  }
  if (stamp.latest() >= answer.revocation.effective_at) {
    return refuse(Status::kNotTrusted, "the timestamping authority was revoked by then");
  }
  return {};
}

// The authority's certificate and all CAs above it but the root.
Outcome<void> check_path(PKCS7* token, Timestamp& stamp, const TimestampTrust& trust, UnixMs now) {
  const SignersPtr signers(PKCS7_get0_signers(token, nullptr, 0));
  if (!signers || sk_X509_num(signers.get()) != 1) return refuse(Status::kMalformed, "a token has one signer");
  X509* signer = sk_X509_value(signers.get(), 0);
  stamp.authority = subject_of(signer);
  std::vector<X509*> others;
  const STACK_OF(X509)* sent = token->d.sign->cert;
  for (int i = 0; i < sk_X509_num(sent); ++i) others.push_back(sk_X509_value(sent, i));
  LATCHKEY_TRY(path, build_path(signer, others, trust.roots, stamp.at));
  for (int i = 0; i + 1 < sk_X509_num(path.get()); ++i) {
    LATCHKEY_TRY_VOID(
        check_standing(sk_X509_value(path.get(), i), sk_X509_value(path.get(), i + 1), stamp, trust, now));
  }
  return {};
}

}  // namespace

Outcome<Timestamp> check_timestamp(ByteView token, ByteView stamped, const TimestampTrust& trust, UnixMs now) {
  if (token.size() > kTokenMax) return refuse(Status::kTooLarge, "a timestamp of over 32 KiB");
  const std::uint8_t* end = token.data();
  const Pkcs7Ptr read(d2i_PKCS7(nullptr, &end, static_cast<long>(token.size())));
  const TokenInfoPtr info(
      read && end == token.end() && PKCS7_type_is_signed(read.get()) ? PKCS7_to_TS_TST_INFO(read.get()) : nullptr);
  if (!info || read->d.sign->cert == nullptr) {
    openssl::take_error();
    return refuse(Status::kMalformed, "not a timestamp token with its certificate");
  }
  const auto at = time_of(TS_TST_INFO_get_time(info.get()));
  const auto accuracy = accuracy_of(info.get());
  if (!at || !accuracy) return refuse(Status::kMalformed, "the timestamp has no time, or an accuracy of over a day");
  Timestamp stamp;
  stamp.at = *at;
  stamp.accuracy_ms = *accuracy;
  stamp.policy = dotted(TS_TST_INFO_get_policy_id(info.get()));
  LATCHKEY_TRY_VOID(check_imprint(info.get(), stamped));
  LATCHKEY_TRY_VOID(check_signature(read.get(), trust.roots, stamp.at));
  LATCHKEY_TRY_VOID(check_path(read.get(), stamp, trust, now));
  return stamp;
}

Outcome<Bytes> make_timestamp_request(Hash hash, ByteView stamped, ByteView nonce) {
  const RequestPtr request(TS_REQ_new());
  const ImprintPtr imprint(TS_MSG_IMPRINT_new());
  const AlgorithmPtr algorithm(X509_ALGOR_new());
  Bytes digest = digest_of(hash, stamped);
  bool worked = request && imprint && algorithm && !digest.empty();
  if (worked) X509_ALGOR_set_md(algorithm.get(), message_digest(hash));
  worked = worked && TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1 &&
           TS_MSG_IMPRINT_set_msg(imprint.get(), digest.data(), static_cast<int>(digest.size())) == 1 &&
           TS_REQ_set_version(request.get(), 1) == 1 && TS_REQ_set_msg_imprint(request.get(), imprint.get()) == 1 &&
           TS_REQ_set_cert_req(request.get(), 1) == 1;
  if (worked && !nonce.empty()) {
    const openssl::BignumPtr number(BN_bin2bn(nonce.data(), static_cast<int>(nonce.size()), nullptr));
    const openssl::Asn1IntegerPtr value(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    worked = value && TS_REQ_set_nonce(request.get(), value.get()) == 1;
  }
  if (!worked) return refuse(Status::kInternal, "making a timestamp request: " + openssl::take_error());
  return openssl::to_der(i2d_TS_REQ, request.get());
}

Outcome<Bytes> token_of_response(ByteView response) {
  const std::uint8_t* end = response.data();
  const ResponsePtr read(d2i_TS_RESP(nullptr, &end, static_cast<long>(response.size())));
  if (!read || end != response.end()) {
    openssl::take_error();
    return refuse(Status::kMalformed, "not a timestamp response");
  }
  PKCS7* token = TS_RESP_get_token(read.get());
  const TS_STATUS_INFO* status = TS_RESP_get_status_info(read.get());
  const long code = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(status));
  if (token == nullptr || (code != TS_STATUS_GRANTED && code != TS_STATUS_GRANTED_WITH_MODS)) {
    std::string words = "the timestamping authority refused";
    const STACK_OF(ASN1_UTF8STRING)* text = TS_STATUS_INFO_get0_text(status);
    if (sk_ASN1_UTF8STRING_num(text) > 0) {
      const ASN1_UTF8STRING* first = sk_ASN1_UTF8STRING_value(text, 0);
      const auto size = static_cast<std::size_t>(std::min(ASN1_STRING_length(first), 200));
      words += ": " + std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(first)), size);
    }
    return refuse(Status::kRefused, words);
  }
  return openssl::to_der(i2d_PKCS7, token);
}

}  // namespace latchkey::hub::signing
