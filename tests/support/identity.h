// SPDX-License-Identifier: Apache-2.0
// Keys, requests and tokens of test devices, made with OpenSSL alone: the second opinion beside the agent's mbedTLS.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace latchkey::tests {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

Key make_key(const char* curve = "P-256");
Key make_rsa_key(int bits);
// PKCS#10 for that CN, in base64 DER.
std::string make_csr(const Key& key, const std::string& common_name);

// What a device shows at the hub: its key and its chain, leaf first.
struct Identity {
  Key key;
  std::vector<Certificate> chain;
  std::string hub;  // host or host:port, as DPS assigned it
};
// From one PEM text that holds key and chain, as the agent stores it. An empty key when there is none.
Identity identity_from_pem(const std::string& pem);

Certificate certificate_from_base64(std::string_view der_base64);
std::string serial_hex(const Certificate& certificate);    // lower case
std::string subject_text(const Certificate& certificate);  // RFC 2253: "CN=..."
int key_bits(const Certificate& certificate);
bool signed_by(const Certificate& certificate, const Certificate& issuer);
std::string certificate_pem(const Certificate& certificate);

// A certificate of the test's own making, to show what a hub has to refuse.
struct LeafOptions {
  std::string common_name;
  std::string identifier_oid;  // empty: no identifier extension
  std::vector<std::uint8_t> identifier;
  long not_before_s = -300;  // relative to now
  long not_after_s = 86400;
  bool critical = false;
};
struct TestCa {
  Key key;
  Certificate certificate;
};
TestCa make_test_ca(const std::string& common_name);
TestCa make_intermediate(const TestCa& issuer, const std::string& common_name);
Certificate make_leaf(const TestCa& ca, const Key& key, const LeafOptions& options);

std::vector<std::uint8_t> base64_bytes(std::string_view text);
std::string base64_text(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> hmac_sha256(const std::vector<std::uint8_t>& key, std::string_view text);
// The device key of a group: HMAC of the registration id under the group key, both in base64.
std::string derive_device_key(const std::string& group_key_base64, const std::string& registration_id);
std::string sas_token(const std::string& resource, const std::string& device_key_base64, long expires_unix_s);

}  // namespace latchkey::tests
