// SPDX-License-Identifier: Apache-2.0
// A responder over a real registry, and a client of its own: requests built and answers taken apart and verified by
// OpenSSL.
#pragma once

#include <openssl/ocsp.h>

#include <atomic>
#include <optional>

#include "hub/ca/ocsp_responder.h"
#include "tests/unit/hub/ca/world.h"

namespace latchkey::hub::ca::test {

using OcspResponsePtr = openssl::Owner<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using OcspBasicPtr = openssl::Owner<OCSP_BASICRESP, OCSP_BASICRESP_free>;

inline openssl::X509Ptr parse_der(const registry::Bytes& der) {
  const std::uint8_t* end = der.data();
  return openssl::X509Ptr(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
}

inline void add_question(OCSP_REQUEST* request, const registry::Bytes& issuer_der, const registry::Bytes& serial,
                         const EVP_MD* digest) {
  const auto issuer = parse_der(issuer_der);
  const openssl::BignumPtr number(BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr));
  const openssl::Asn1IntegerPtr value(BN_to_ASN1_INTEGER(number.get(), nullptr));
  OCSP_CERTID* id =
      OCSP_cert_id_new(digest, X509_get_subject_name(issuer.get()), X509_get0_pubkey_bitstr(issuer.get()), value.get());
  ASSERT_NE(OCSP_request_add0_id(request, id), nullptr);
}

inline registry::Bytes encoded(OCSP_REQUEST* request) { return openssl::to_der(i2d_OCSP_REQUEST, request); }

// A request for these serials below one CA. `nonce_octets`: its nonce's length; nothing: no nonce.
inline registry::Bytes request_for(const registry::CaCertificate& issuer, const std::vector<registry::Bytes>& serials,
                                   std::optional<int> nonce_octets = std::nullopt, const EVP_MD* digest = EVP_sha1()) {
  const OcspRequestPtr request(OCSP_REQUEST_new());
  for (const auto& serial : serials) add_question(request.get(), issuer.der, serial, digest);
  if (nonce_octets) {
    registry::Bytes nonce(static_cast<std::size_t>(*nonce_octets), 0x5a);
    // OpenSSL makes a default of a length of 0: that one is written by hand.
    const openssl::Asn1OctetStringPtr content(ASN1_OCTET_STRING_new());
    registry::Bytes der{0x04, static_cast<std::uint8_t>(nonce.size())};
    der.insert(der.end(), nonce.begin(), nonce.end());
    ASN1_OCTET_STRING_set(content.get(), der.data(), static_cast<int>(der.size()));
    openssl::X509ExtensionPtr extension(
        X509_EXTENSION_create_by_NID(nullptr, NID_id_pkix_OCSP_Nonce, 0, content.get()));
    OCSP_REQUEST_add_ext(request.get(), extension.get(), -1);
  }
  return encoded(request.get());
}

struct Told {
  int response = -1;  // OCSP_RESPONSE_STATUS_*
  struct One {
    int status = -1;  // V_OCSP_CERTSTATUS_*
    int reason = -1;  // -1: none given
    UnixMs revoked_at = 0;
    UnixMs this_update = 0;
    UnixMs next_update = 0;
  };
  std::vector<One> ones;
  bool verified = false;  // as of the world's clock
  int nonce = -3;         // OCSP_check_nonce
  std::size_t certificates = 0;
};

inline UnixMs ms_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<UnixMs>(::timegm(&parts)) * 1000 : 0;
}

class OcspWorld : public World {
 protected:
  void SetUp() override {
    World::SetUp();
    open_credentials();
    start_responder({});
  }
  void open_credentials() {
    auto opened = OcspCredentials::open(*keys_, {folder_ / "ocsp", 7 * kDayMs});
    ASSERT_TRUE(opened) << opened.error().detail;
    credentials_ = *std::move(opened);
  }
  void start_responder(OcspResponder::Options options) {
    responder_ = std::make_unique<OcspResponder>(
        *registry_, *credentials_, [this] { return now_.load(); }, options);
  }
  // The serial of a certificate that the device holds.
  registry::Bytes issue(const std::string& device) {
    Issuance issuance(*registry_, *authority_);
    const auto granted = grant(device);
    EXPECT_TRUE(issuance.issue(call_, granted, csr(device)));
    return granted.serial;
  }
  void revoke(const std::string& device, std::optional<registry::RevocationReason> reason = std::nullopt) {
    registry::Call call{"test", now_};
    call.reason = reason;
    const auto revoked = registry_->revoke_device(call, "space", device, false);
    ASSERT_TRUE(revoked) << revoked.error().detail;
  }
  void revoke_policy(std::optional<registry::RevocationReason> reason = std::nullopt) {
    registry::Call call{"test", now_};
    call.reason = reason;
    const auto replacement = authority_->make_issuing(root_, registry::KeyProfile::kEcP256, kNow);
    ASSERT_TRUE(replacement);
    const auto revoked = registry_->revoke_policy(call, "space", "policy", *replacement);
    ASSERT_TRUE(revoked) << revoked.error().detail;
  }

  Told ask(const registry::Bytes& request) { return read(request, responder_->answer(request).der); }
  // Of one serial below the policy's issuing CA.
  Told::One status(const registry::Bytes& serial) { return only(ask(request_for(issuing_, {serial}))); }
  static Told::One only(const Told& told) {
    EXPECT_EQ(told.response, OCSP_RESPONSE_STATUS_SUCCESSFUL);
    EXPECT_TRUE(told.verified);
    EXPECT_EQ(told.ones.size(), 1u);
    return told.ones.empty() ? Told::One{} : told.ones.front();
  }

  Told read(const registry::Bytes& request_der, const registry::Bytes& answer_der) const {
    Told told;
    const std::uint8_t* end = answer_der.data();
    const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &end, static_cast<long>(answer_der.size())));
    if (!response) return told;
    told.response = OCSP_response_status(response.get());
    const OcspBasicPtr basic(OCSP_response_get1_basic(response.get()));
    if (!basic) return told;
    end = request_der.data();
    const OcspRequestPtr request(d2i_OCSP_REQUEST(nullptr, &end, static_cast<long>(request_der.size())));
    told.nonce = OCSP_check_nonce(request.get(), basic.get());
    told.certificates = static_cast<std::size_t>(sk_X509_num(OCSP_resp_get0_certs(basic.get())));
    told.verified = verified(basic.get());
    for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
      ASN1_GENERALIZEDTIME* revoked = nullptr;
      ASN1_GENERALIZEDTIME* from = nullptr;
      ASN1_GENERALIZEDTIME* until = nullptr;
      Told::One one;
      one.status = OCSP_single_get0_status(OCSP_resp_get0(basic.get(), i), &one.reason, &revoked, &from, &until);
      one.revoked_at = ms_of(revoked);
      one.this_update = ms_of(from);
      one.next_update = ms_of(until);
      told.ones.push_back(one);
    }
    return told;
  }
  // By a client that trusts the root alone and has the issuing CA from the device's chain.
  bool verified(OCSP_BASICRESP* basic) const {
    const openssl::X509StorePtr store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), parse_der(root_.der).get());
    X509_VERIFY_PARAM* parameters = X509_STORE_get0_param(store.get());
    X509_VERIFY_PARAM_set_time(parameters, now_ / 1000);
    const openssl::X509StackPtr chain(sk_X509_new_null());
    sk_X509_push(chain.get(), parse_der(issuing_.der).release());
    return OCSP_basic_verify(basic, chain.get(), store.get(), 0) == 1;
  }

  std::atomic<UnixMs> now_{kNow};
  std::unique_ptr<OcspCredentials> credentials_;
  std::unique_ptr<OcspResponder> responder_;
};

}  // namespace latchkey::hub::ca::test
