// SPDX-License-Identifier: Apache-2.0
// The certificates that an answer brought, for the key that the first of them certifies: so no private key is needed.
// Input: the name asked for, then certificates, each as a length of two bytes and DER.
#include "agent/core/issued.h"

#include "platform/crypto/certificate_path.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent;

// A key without its secret: check_chain compares the public half.
crypto::DeviceKey key_of(ByteView leaf) {
  crypto::DeviceKey key;
  key.curve = crypto::Curve::kP256;
  key.size = crypto::key_size(key.curve);
  const auto facts = crypto::inspect_signer(leaf);
  const std::size_t point_size = key.point().size();
  if (!facts || facts->spki.size() < point_size) return key;
  const ByteView point = facts->spki.subview(facts->spki.size() - point_size, point_size);
  std::memcpy(key.bytes.data() + (key.point().data() - key.bytes.data()), point.data(), point.size());
  return key;
}

std::string base64_of(ByteView der) {
  std::string text(base64_size(der.size()), '\0');
  require(base64_encode(der, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}).has_value(), "base64 fits");
  return text;
}

Status status_of(const Result<crypto::LeafInfo>& result) { return result ? Status::kOk : result.error(); }

// More than an answer can hold: certificate_list refuses those.
void check_long(const std::vector<ByteView>& ders, ByteView name) {
  const auto judged = crypto::check_chain(ders.data(), ders.size(), key_of(ders[0]), name.text());
  require(ders.size() <= crypto::kMaxChain || status_of(judged) == Status::kInvalidArgument, "a chain is bounded");
}

}  // namespace

LATCHKEY_FUZZ_TARGET(issued) {
  require(crypto::init().has_value(), "PSA starts");
  Input parts(input);
  const ByteView name = parts.piece();
  std::vector<ByteView> ders;
  std::size_t all = 0;
  while (!parts.at_end() && ders.size() <= crypto::kMaxChain) all += ders.emplace_back(parts.piece()).size();
  if (ders.size() > CertificateList::kMax) return check_long(ders, name);
  std::vector<std::string> texts;
  for (const ByteView der : ders) texts.push_back(base64_of(der));
  CertificateList list;
  for (const std::string& text : texts) list.base64[list.count++] = {text};

  const crypto::DeviceKey key = key_of(ders.empty() ? ByteView() : ders[0]);
  static IssuedChain chain;
  const auto accepted = chain.accept(list, key, name.text());
  require(!ders.empty() || !accepted, "no certificate is no chain");
  if (ders.empty() || (all > 2 * kMaxCertificate && !accepted)) return;
  const auto judged = crypto::check_chain(ders.data(), ders.size(), key, name.text());
  require(
      all > 2 * kMaxCertificate || status_of(accepted) == status_of(judged) || status_of(accepted) == Status::kTooLarge,
      "an answer is judged as its certificates are");
  if (!accepted) return;
  require(accepted->common_name() == name.text() && accepted->key_matches, "accepted for this name and key alone");
  require(chain.count_to_show() <= 2, "the root is not shown");
  require(!chain.accept(list, key, name.text().substr(1)), "nor for another name");
  const auto path = crypto::check_path(ders.data(), ders.size() - 1, &ders.back(), 1);
  require(!path || path->size == ders.size() - 1, "the path to its root has every certificate");
  if (list.count == CertificateList::kMax) note_good();
}

}  // namespace latchkey::fuzz
