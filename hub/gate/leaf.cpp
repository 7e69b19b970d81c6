// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/leaf.h"

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <string>

#include "hub/gate/tls_hook.h"

namespace latchkey::hub::gate {
namespace {

std::string_view read_common_name(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0) return {};
  const ASN1_STRING* text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first));
  const int type = ASN1_STRING_type(text);
  // Two-byte strings would have to be converted; registration ids are ASCII, so nobody needs them.
  if (type != V_ASN1_UTF8STRING && type != V_ASN1_PRINTABLESTRING && type != V_ASN1_IA5STRING) return {};
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

const ASN1_OBJECT* identifier_oid() {
  static const ASN1_OBJECT* const oid = OBJ_txt2obj(std::string(kIdentifierOid).c_str(), 1);
  return oid;
}

// The extension's value holds the 32 bytes bare, or in an OCTET STRING of their own, as the real service's does.
std::optional<DeviceIdentifier> decode_identifier(ByteView value) {
  if (value.size() == DeviceIdentifier::kSize + 2 && value[0] == V_ASN1_OCTET_STRING &&
      value[1] == DeviceIdentifier::kSize) {
    value = value.subview(2, DeviceIdentifier::kSize);
  }
  const auto identifier = DeviceIdentifier::decode(value);
  if (!identifier) return std::nullopt;
  return *identifier;
}

std::optional<DeviceIdentifier> read_identifier(X509* certificate) {
  const ASN1_OBJECT* oid = identifier_oid();
  if (oid == nullptr) return std::nullopt;
  const int first = X509_get_ext_by_OBJ(certificate, oid, -1);
  if (first < 0 || X509_get_ext_by_OBJ(certificate, oid, first) >= 0) return std::nullopt;
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(X509_get_ext(certificate, first));
  return decode_identifier({ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))});
}

}  // namespace

Leaf read_leaf(X509* certificate, LeafDigest digest) {
  Leaf leaf;
  leaf.verdict = TlsHook::verdict_of(certificate);
  leaf.common_name = read_common_name(certificate);
  leaf.identifier = read_identifier(certificate);
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  leaf.serial = {ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))};
  unsigned size = 0;
  if (digest == LeafDigest::kWanted && X509_digest(certificate, EVP_sha256(), leaf.digest.data(), &size) != 1) {
    leaf.digest = {};
  }
  return leaf;
}

}  // namespace latchkey::hub::gate
