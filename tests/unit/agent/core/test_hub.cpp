// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/core/test_hub.h"

namespace latchkey::test {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, Freer<X509_REQ_free>>;

std::string list(const std::vector<std::string>& chain) {
  std::string text = "[";
  for (const std::string& certificate : chain) text += (text.size() > 1 ? ",\"" : "\"") + certificate + '"';
  return text + ']';
}

}  // namespace

std::string base64(const Der& bytes) {
  std::string text(base64_size(bytes.size()), '\0');
  require(base64_encode(bytes, MutableBytes(reinterpret_cast<std::uint8_t*>(text.data()), text.size())).has_value(),
          "base64");
  return text;
}

Der from_base64(const std::string& text) {
  Der bytes(base64_decoded_max(text.size()));
  const auto size = base64_decode(text, MutableBytes(bytes.data(), bytes.size()));
  require(size.has_value(), "base64");
  bytes.resize(*size);
  return bytes;
}

TestAuthority::TestAuthority() : root_key_(make_ec_key()), issuing_key_(make_ec_key()) {
  CertificateSpec root;
  root.common_names = {"rootca-test"};
  root.subject_key = root_key_.get();
  root.ca = true;
  root_ = make_certificate(root);
  CertificateSpec issuing;
  issuing.common_names = {"ica-test"};
  issuing.subject_key = issuing_key_.get();
  issuing.issuer = root_.get();
  issuing.issuer_key = root_key_.get();
  issuing.ca = true;
  issuing_ = make_certificate(issuing);
}

std::vector<std::string> TestAuthority::issue(const std::string& csr_base64, const LeafOptions& options) {
  const Der der = from_base64(csr_base64);
  const unsigned char* at = der.data();
  const RequestPtr request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
  require(request != nullptr, "CSR");
  const Pkey key(X509_REQ_get_pubkey(request.get()));
  require(X509_REQ_verify(request.get(), key.get()) == 1, "the CSR's own signature");
  char name[200] = "";
  X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, name, sizeof name);
  CertificateSpec leaf;
  leaf.common_names = {options.common_name.empty() ? name : options.common_name};
  leaf.subject_key = options.key != nullptr ? options.key : key.get();
  leaf.issuer = issuing_.get();
  leaf.issuer_key = issuing_key_.get();
  leaf.not_before = static_cast<std::int64_t>(options.not_before / 1000);
  leaf.not_after = static_cast<std::int64_t>(options.not_after / 1000);
  leaf.extensions = options.extensions;
  ++last_serial_;
  leaf.serial = {static_cast<std::uint8_t>(last_serial_ >> 8), static_cast<std::uint8_t>(last_serial_)};
  const X509Ptr made = make_certificate(leaf);
  return {base64(to_der(made.get())), base64(to_der(issuing_.get())), base64(to_der(root_.get()))};
}

std::string assigned_body(const std::string& hub, const std::string& device_id, const std::vector<std::string>& chain) {
  return R"({"operationId":"5.op","status":"assigned","registrationState":{"x509":{},"assignedHub":")" + hub +
         R"(","deviceId":")" + device_id + R"(","status":"assigned","issuedCertificateChain":)" + list(chain) + "}}";
}

std::string certificates_body(const std::vector<std::string>& chain) {
  return R"({"correlationId":"c-1","certificates":)" + list(chain) + "}";
}

std::string member(const std::string& json, const std::string& name) {
  const std::string key = '"' + name + "\":\"";
  const std::size_t begin = json.find(key);
  if (begin == std::string::npos) return {};
  const std::size_t end = json.find('"', begin + key.size());
  return json.substr(begin + key.size(), end - begin - key.size());
}

}  // namespace latchkey::test
