// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/verification/trust_store.h"

#include <openssl/pem.h>

#include <memory>
#include <string_view>

#include "hub/signing/authenticode/authenticode.h"
#include "hub/signing/bundle/bundle.h"
#include "hub/signing/signature/detached.h"

namespace latchkey::hub::signing {
namespace {

constexpr std::size_t kTextMax = std::size_t{100} * 1024 * 1024;

struct FreedByOpenssl {
  void operator()(void* memory) const { OPENSSL_free(memory); }
};
template <class T>
using OpensslMemory = std::unique_ptr<T, FreedByOpenssl>;

// The DER inside each PEM block of that name; a text without any block is taken for DER itself.
Outcome<std::vector<Bytes>> blocks_of(ByteView text, std::string_view wanted) {
  if (text.size() > kTextMax) return refuse(Status::kTooLarge, "a file of over 100 MiB");
  std::vector<Bytes> blocks;
  if (text.text().find("-----BEGIN ") == std::string_view::npos) {
    blocks.push_back(copy_of(text));
    return blocks;
  }
  const openssl::BioPtr input(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const bool read = input && PEM_read_bio(input.get(), &name, &header, &data, &size) == 1;
    const OpensslMemory<char> own_name(name);
    const OpensslMemory<char> own_header(header);
    const OpensslMemory<unsigned char> own_data(data);
    if (!read) break;
    if (wanted != name) return refuse(Status::kMalformed, "a PEM file of something else than asked for");
    blocks.emplace_back(data, data + size);
  }
  openssl::take_error();  // the end of the text is one
  return blocks;
}

Outcome<void> add_certificates(ByteView text, std::vector<openssl::X509Ptr>& to) {
  LATCHKEY_TRY(blocks, blocks_of(text, "CERTIFICATE"));
  if (blocks.empty()) return refuse(Status::kMalformed, "no certificate");
  std::vector<openssl::X509Ptr> read;
  for (const Bytes& block : blocks) {
    read.push_back(certificate_from_der(block));
    if (!read.back()) return refuse(Status::kMalformed, "a damaged certificate");
  }
  for (auto& certificate : read) to.push_back(std::move(certificate));
  return {};
}

std::vector<X509*> views_of(const std::vector<openssl::X509Ptr>& certificates) {
  std::vector<X509*> views;
  for (const auto& certificate : certificates) views.push_back(certificate.get());
  return views;
}

Outcome<Evidence> read_evidence(ByteView file, std::optional<ByteView> signature) {
  if (signature) return read_detached(*signature, [&](Hash hash) { return digest_of(hash, file); });
  if (file.size() >= 2 && file[0] == 'M' && file[1] == 'Z') return read_authenticode(file);
  LATCHKEY_TRY(bundle, read_whole_bundle(file));
  return std::move(bundle.evidence);
}

}  // namespace

Outcome<void> TrustStore::add_signing_roots(ByteView text) { return add_certificates(text, signing_roots_); }
Outcome<void> TrustStore::add_timestamp_roots(ByteView text) { return add_certificates(text, timestamp_roots_); }

Outcome<void> TrustStore::add_lists(ByteView text) {
  LATCHKEY_TRY(blocks, blocks_of(text, "X509 CRL"));
  if (blocks.empty()) return refuse(Status::kMalformed, "no revocation list");
  for (const Bytes& block : blocks) LATCHKEY_TRY_VOID(lists_.add(block));
  return {};
}

Trust TrustStore::trust() const {
  Trust trust;
  trust.signing_roots = views_of(signing_roots_);
  trust.timestamp_roots = views_of(timestamp_roots_);
  trust.lists = &lists_;
  return trust;
}

Verdict verify_file(ByteView file, std::optional<ByteView> signature, const Trust& trust, UnixMs now) {
  const auto evidence = read_evidence(file, signature);
  return evidence ? judge(*evidence, trust, now) : unreadable(evidence.error());
}

}  // namespace latchkey::hub::signing
