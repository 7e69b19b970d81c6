// SPDX-License-Identifier: Apache-2.0
#include "hub/ca/ocsp_request.h"

namespace latchkey::hub::ca {
namespace {

constexpr std::uint8_t kDerOctetString = 0x04;

ByteView bytes_of(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

IssuerHash joined(int algorithm, ByteView name, ByteView key) {
  return std::to_string(algorithm) + ":" + std::string(name.text()) + std::string(key.text());
}

// extnValue holds the DER of an OCTET STRING; its length fits one octet.
bool valid_nonce(const X509_EXTENSION* extension) {
  const auto value = bytes_of(X509_EXTENSION_get_data(const_cast<X509_EXTENSION*>(extension)));  // NOLINT: reads only
  return value.size() >= 3 && value.size() <= kOcspNonceMax + 2 && value[0] == kDerOctetString &&
         value[1] == value.size() - 2;
}

bool critical(const X509_EXTENSION* extension) { return X509_EXTENSION_get_critical(extension) == 1; }

// Looks at the request's extensions; false: refuse it.
bool read_extensions(OCSP_REQUEST* message, bool& nonce) {
  for (int i = 0; i < OCSP_REQUEST_get_ext_count(message); ++i) {
    X509_EXTENSION* extension = OCSP_REQUEST_get_ext(message, i);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_id_pkix_OCSP_Nonce) {
      if (nonce || !valid_nonce(extension)) return false;
      nonce = true;
    } else if (critical(extension)) {
      return false;
    }
  }
  return true;
}

registry::Bytes serial_of(const ASN1_INTEGER* number) {
  const openssl::BignumPtr value(ASN1_INTEGER_to_BN(number, nullptr));
  if (!value || BN_is_negative(value.get()) || BN_is_zero(value.get())) return {};
  registry::Bytes serial(static_cast<std::size_t>(BN_num_bytes(value.get())));
  if (serial.size() > kOcspSerialMax) return {};
  BN_bn2bin(value.get(), serial.data());
  return serial;
}

std::optional<OcspQuestion> read_question(OCSP_ONEREQ* one) {
  for (int i = 0; i < OCSP_ONEREQ_get_ext_count(one); ++i) {
    if (critical(OCSP_ONEREQ_get_ext(one, i))) return std::nullopt;
  }
  OcspQuestion question;
  question.id = OCSP_onereq_get0_id(one);
  ASN1_OCTET_STRING* name = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_OCTET_STRING* key = nullptr;
  ASN1_INTEGER* serial = nullptr;
  if (OCSP_id_get0_info(&name, &algorithm, &key, &serial, question.id) != 1) return std::nullopt;
  const int nid = OBJ_obj2nid(algorithm);
  if (nid == NID_sha1 || nid == NID_sha256) question.issuer = joined(nid, bytes_of(name), bytes_of(key));
  question.serial = serial_of(serial);
  return question;
}

}  // namespace

std::optional<IssuerHash> issuer_hash(X509* issuer, int algorithm) {
  const EVP_MD* digest = EVP_get_digestbynid(algorithm);
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(issuer);
  unsigned char name_hash[EVP_MAX_MD_SIZE];
  unsigned char key_hash[EVP_MAX_MD_SIZE];
  unsigned name_size = 0;
  unsigned key_size = 0;
  if (digest == nullptr || key == nullptr ||
      X509_NAME_digest(X509_get_subject_name(issuer), digest, name_hash, &name_size) != 1 ||
      EVP_Digest(ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key)), key_hash, &key_size,
                 digest, nullptr) != 1) {
    return std::nullopt;
  }
  return joined(algorithm, {name_hash, name_size}, {key_hash, key_size});
}

std::optional<OcspRequest> read_ocsp_request(ByteView der) {
  const std::uint8_t* end = der.data();
  OcspRequest request{OcspRequestPtr(d2i_OCSP_REQUEST(nullptr, &end, static_cast<long>(der.size()))), {}, false};
  openssl::take_error();  // a stranger's bytes may have left complaints
  if (!request.message || end != der.end() || !read_extensions(request.message.get(), request.nonce)) {
    return std::nullopt;
  }
  const int count = OCSP_request_onereq_count(request.message.get());
  if (count < 1 || count > kOcspQuestionsMax) return std::nullopt;
  for (int i = 0; i < count; ++i) {
    auto question = read_question(OCSP_request_onereq_get0(request.message.get(), i));
    if (!question) return std::nullopt;
    request.questions.push_back(std::move(*question));
  }
  return request;
}

}  // namespace latchkey::hub::ca
