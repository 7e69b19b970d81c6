// SPDX-License-Identifier: Apache-2.0
// Builds one X.509 v3 certificate (RFC 5280 section 4): names, validity, the usual extensions, the signature.
//
// For the hub's certificate authority and for the brokers' server certificate. A failed step is remembered and reported
// by sign(), so calls can be chained. One object builds one certificate, on one thread.
#pragma once

#include <string_view>
#include <vector>

#include "platform/base/ids.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {

enum class Critical : bool { kNo = false, kYes = true };

class CertificateBuilder {
 public:
  CertificateBuilder();

  // Big-endian, positive, no leading zero octet.
  CertificateBuilder& serial(ByteView serial);
  // The subject is this CN alone, as UTF8String. RFC 5280's upper bound of 64 is not kept: registration ids may have
  // 128 characters, and nobody that we know of enforces it when reading.
  CertificateBuilder& subject(std::string_view common_name);
  // One more part of the subject, behind those there are: NID_organizationName, ... As UTF8String, a country as
  // PrintableString. Upper bounds are the caller's to keep.
  CertificateBuilder& subject_part(int nid, std::string_view value);
  // Issuer name, and the issuer's key id as authorityKeyIdentifier.
  CertificateBuilder& issuer(const X509* issuer);
  CertificateBuilder& issuer_is_subject();
  // Whole seconds; what is below is cut off.
  CertificateBuilder& validity(UnixMs not_before, UnixMs not_after);
  // Also adds subjectKeyIdentifier, method 1 of RFC 5280 section 4.2.1.2.
  CertificateBuilder& public_key(EVP_PKEY* key);

  // basicConstraints, critical. A negative path length leaves it out.
  CertificateBuilder& authority(int path_length);
  CertificateBuilder& end_entity();
  // keyUsage, critical: KU_DIGITAL_SIGNATURE | ...
  CertificateBuilder& key_usage(unsigned bits);
  // extendedKeyUsage, not critical: NID_client_auth, NID_server_auth.
  CertificateBuilder& extended_key_usage(int nid);
  // subjectAltName: DNS names and textual IP addresses.
  CertificateBuilder& alternative_names(const std::vector<std::string>& dns, const std::vector<std::string>& ip);
  CertificateBuilder& crl_address(const std::string& url);
  // authorityInfoAccess (RFC 5280 section 4.2.2.1): where the issuer's certificate lies, and its OCSP responder. An
  // empty address is left out. Addresses hold no commas.
  CertificateBuilder& authority_addresses(const std::string& ca_issuers, const std::string& ocsp);
  CertificateBuilder& ca_issuers_address(const std::string& url) { return authority_addresses(url, {}); }
  // Any other extension; `value` is the DER inside extnValue.
  CertificateBuilder& extension(std::string_view oid, Critical critical, ByteView value);

  // The finished certificate, or null; take_error() says why. Signs with the digest that belongs to the key
  // (digest_for).
  X509Ptr sign(EVP_PKEY* issuer_key);

 private:
  CertificateBuilder& check(bool step_worked);
  CertificateBuilder& subject_key_id();
  CertificateBuilder& add(int nid, Critical critical, void* value);

  X509Ptr certificate_;
  bool failed_ = false;
};

// SHA-384 for P-384, SHA-512 for P-521, SHA-256 for everything else.
const EVP_MD* digest_for(EVP_PKEY* key);

// `curve` is "P-256" or "P-384". Null when OpenSSL fails.
PkeyPtr make_ec_key(const char* curve);

}  // namespace latchkey::openssl
