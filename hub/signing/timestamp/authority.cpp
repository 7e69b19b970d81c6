// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/timestamp/authority.h"

#include <openssl/rand.h>
#include <openssl/ts.h>

#include <array>

#include "hub/signing/base/algorithm.h"
#include "hub/signing/base/der.h"

namespace latchkey::hub::signing {
namespace {

using ResponderPtr = openssl::Owner<TS_RESP_CTX, TS_RESP_CTX_free>;
using ResponsePtr = openssl::Owner<TS_RESP, TS_RESP_free>;

constexpr int kAccuracyEndMs = 60'000;
constexpr unsigned kGenTimeDigits = 3;  // milliseconds

// What the callbacks of one request need.
struct Request {
  const TimestampAuthority::Clock& clock;
  Window window;
};

ASN1_INTEGER* fresh_serial(TS_RESP_CTX* context, void*) {
  std::array<std::uint8_t, 16> octets{};
  openssl::BignumPtr number;
  if (RAND_bytes(octets.data(), octets.size()) == 1) {
    octets[0] = static_cast<std::uint8_t>(octets[0] & 0x7f);
    number.reset(BN_bin2bn(octets.data(), octets.size(), nullptr));
  }
  ASN1_INTEGER* serial = number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr;
  if (serial == nullptr) {
    TS_RESP_CTX_set_status_info(context, TS_STATUS_REJECTION, "no serial number");
    TS_RESP_CTX_add_failure_info(context, TS_INFO_SYSTEM_FAILURE);
  }
  return serial;
}

int tell_time(TS_RESP_CTX* context, void* data, long* seconds, long* microseconds) {
  const auto* request = static_cast<const Request*>(data);
  const std::optional<UnixMs> now = request->clock();
  if (!now || *now < 0) {
    TS_RESP_CTX_set_status_info(context, TS_STATUS_REJECTION, "the time is not available");
    TS_RESP_CTX_add_failure_info(context, TS_INFO_TIME_NOT_AVAILABLE);
    return 0;
  }
  // Not in notAfter's own second: OpenSSL, and with it who verifies, counts that as expired.
  if (*now < request->window.not_before || *now >= request->window.not_after) {
    TS_RESP_CTX_set_status_info(context, TS_STATUS_REJECTION, "the authority's certificate is not valid now");
    TS_RESP_CTX_add_failure_info(context, TS_INFO_SYSTEM_FAILURE);
    return 0;
  }
  *seconds = static_cast<long>(*now / 1000);
  *microseconds = static_cast<long>(*now % 1000) * 1000;
  return 1;
}

Bytes encode(const TS_RESP* response) { return openssl::to_der(i2d_TS_RESP, response); }

// PKIStatusInfo alone; made by hand, as OpenSSL makes one only on the way to a token.
Bytes refusal(int failure, std::string_view text) {
  const Bytes words = der::value(0x0c, {text});  // UTF8String
  Bytes bits(static_cast<std::size_t>(failure / 8 + 2), 0);
  bits[0] = static_cast<std::uint8_t>(7 - failure % 8);  // bits unused in the last octet
  bits.back() = static_cast<std::uint8_t>(0x80 >> failure % 8);
  return der::sequence({der::sequence(
      {der::integer(TS_STATUS_REJECTION), der::sequence({words}), der::value(der::kBitString, {bits})})});
}

bool is_one_value(ByteView text) {
  der::Reader reader(text);
  return reader.next(der::kSequence) && reader.at_end();
}

bool is_for_timestamping_alone(X509* certificate) {
  return X509_check_purpose(certificate, X509_PURPOSE_TIMESTAMP_SIGN, 0) == 1;
}

}  // namespace

Outcome<TimestampAuthority> TimestampAuthority::make(openssl::X509Ptr certificate, openssl::PkeyPtr key,
                                                     openssl::X509StackPtr chain, Options options, Clock clock) {
  if (!certificate || !key || !clock || X509_check_private_key(certificate.get(), key.get()) != 1) {
    openssl::take_error();
    return refuse(Status::kInvalidArgument, "the key is not the certificate's");
  }
  if (!is_for_timestamping_alone(certificate.get())) {
    return refuse(Status::kInvalidArgument, "the certificate is not one for timestamping alone");
  }
  if (options.accuracy_ms < 0 || options.accuracy_ms >= kAccuracyEndMs || der::oid(options.policy).empty()) {
    return refuse(Status::kInvalidArgument, "a policy is an object identifier, an accuracy less than a minute");
  }
  TimestampAuthority made;
  made.certificate_ = std::move(certificate);
  made.key_ = std::move(key);
  made.chain_ = std::move(chain);
  made.options_ = std::move(options);
  made.clock_ = std::move(clock);
  return made;
}

Bytes TimestampAuthority::answer(ByteView request) const {
  if (request.size() > kRequestMax || !is_one_value(request)) {
    return refusal(TS_INFO_BAD_DATA_FORMAT, "not a timestamp request");
  }
  Request now{clock_, window_of(certificate_.get())};
  const ResponderPtr responder(TS_RESP_CTX_new());
  const openssl::Asn1ObjectPtr policy(OBJ_txt2obj(options_.policy.c_str(), 1));
  const int accuracy = options_.accuracy_ms;
  bool ready = responder && policy && TS_RESP_CTX_set_signer_cert(responder.get(), certificate_.get()) == 1 &&
               TS_RESP_CTX_set_signer_key(responder.get(), key_.get()) == 1 &&
               TS_RESP_CTX_set_signer_digest(responder.get(), EVP_sha256()) == 1 &&
               TS_RESP_CTX_set_ess_cert_id_digest(responder.get(), EVP_sha256()) == 1 &&
               TS_RESP_CTX_set_def_policy(responder.get(), policy.get()) == 1 &&
               (!chain_ || TS_RESP_CTX_set_certs(responder.get(), chain_.get()) == 1) &&
               TS_RESP_CTX_set_clock_precision_digits(responder.get(), kGenTimeDigits) == 1 &&
               (accuracy == 0 || TS_RESP_CTX_set_accuracy(responder.get(), accuracy / 1000, accuracy % 1000, 0) == 1);
  for (const Hash hash : {Hash::kSha256, Hash::kSha384, Hash::kSha512}) {
    ready = ready && TS_RESP_CTX_add_md(responder.get(), message_digest(hash)) == 1;
  }
  const openssl::BioPtr input(BIO_new_mem_buf(request.data(), static_cast<int>(request.size())));
  if (!ready || !input) {
    openssl::take_error();
    return refusal(TS_INFO_SYSTEM_FAILURE, "the authority is out of order");
  }
  TS_RESP_CTX_set_serial_cb(responder.get(), fresh_serial, nullptr);
  TS_RESP_CTX_set_time_cb(responder.get(), tell_time, &now);
  const ResponsePtr response(TS_RESP_create_response(responder.get(), input.get()));
  openssl::take_error();
  return response ? encode(response.get()) : refusal(TS_INFO_SYSTEM_FAILURE, "the authority is out of order");
}

}  // namespace latchkey::hub::signing
