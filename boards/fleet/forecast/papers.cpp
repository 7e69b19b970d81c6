// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/papers.h"

#include <openssl/x509.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "platform/crypto/csr.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr std::string_view kSerial = "\x41latchkey-serial";  // 16 octets to be written over, the first one positive
constexpr std::size_t kCounterAt = 8;
constexpr UnixMs kBackdatedMs = 300'000;
constexpr UnixMs kDayMs = 86'400'000;

// Where that text stands in the certificate; its size when it does not.
std::size_t find(const std::vector<std::uint8_t>& in, std::string_view text) {
  return static_cast<std::size_t>(std::search(in.begin(), in.end(), text.begin(), text.end()) - in.begin());
}

std::vector<std::uint8_t> certificate_of(const crypto::DeviceKey& key, UnixMs now, int days) {
  const unsigned char* at = key.der().data();
  const openssl::PkeyPtr pkey(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(key.der().size())));
  if (!pkey) return {};
  const auto signed_one = openssl::CertificateBuilder()
                              .serial(ByteView(kSerial))
                              .subject(Papers::name_of(0))
                              .issuer_is_subject()
                              .validity(now - kBackdatedMs, now - kBackdatedMs + days * kDayMs)
                              .public_key(pkey.get())
                              .end_entity()
                              .sign(pkey.get());
  if (!signed_one) return {};
  unsigned char* der = nullptr;
  const int size = i2d_X509(signed_one.get(), &der);
  if (size <= 0) return {};
  std::vector<std::uint8_t> result(der, der + size);
  OPENSSL_free(der);
  return result;
}

}  // namespace

std::string Papers::name_of(std::uint32_t device) {
  char name[32];
  std::snprintf(name, sizeof name, "device-%07u", device);
  return name;
}

std::optional<Papers> Papers::create(UnixMs now, int days) {
  Papers papers;
  crypto::DeviceKey key;
  std::array<std::uint8_t, crypto::kMaxCsrSize> csr;
  if (!crypto::init() || !crypto::generate_key(crypto::Curve::kP256, key)) return std::nullopt;
  const auto csr_size = crypto::make_csr(key, name_of(0), MutableBytes(csr.data(), csr.size()));
  papers.certificate_ = certificate_of(key, now, days);
  papers.serial_at_ = find(papers.certificate_, kSerial);
  // The issuer's name comes first; the subject's is the one that counts.
  const auto name = name_of(0);
  const auto last = std::find_end(papers.certificate_.begin(), papers.certificate_.end(), name.begin(), name.end());
  papers.name_at_ = static_cast<std::size_t>(last - papers.certificate_.begin());
  if (!csr_size || papers.certificate_.empty() || papers.serial_at_ == papers.certificate_.size() ||
      papers.name_at_ == papers.certificate_.size()) {
    return std::nullopt;
  }
  papers.csr_.assign(csr.data(), csr.data() + *csr_size);
  papers.key_.assign(key.der().begin(), key.der().end());
  return papers;
}

Result<void> Papers::make(crypto::Curve curve, std::string_view, agent::MadeKey& out) {
  if (curve != crypto::Curve::kP256) return fail(Status::kUnsupported);
  std::copy(key_.begin(), key_.end(), out.key.bytes.begin());
  out.key.size = key_.size();
  out.key.curve = curve;
  std::copy(csr_.begin(), csr_.end(), out.csr.begin());
  out.csr_size = csr_.size();
  return {};
}

std::string_view Papers::assigned(std::uint32_t device, std::string_view hub) {
  const auto name = name_of(device);
  ++serial_;
  std::memcpy(certificate_.data() + name_at_, name.data(), name.size());
  std::memcpy(certificate_.data() + serial_at_ + kCounterAt, &serial_, sizeof serial_);
  base64_.resize(base64_size(certificate_.size()));
  (void)base64_encode(ByteView(certificate_.data(), certificate_.size()),
                      MutableBytes(reinterpret_cast<std::uint8_t*>(base64_.data()), base64_.size()));
  body_ = R"({"operationId":"5.forecast","status":"assigned","registrationState":{"registrationId":")" + name +
          R"(","assignedHub":")" + std::string(hub) + R"(","deviceId":")" + name +
          R"(","status":"assigned","issuedCertificateChain":[")" + base64_ + R"("]}})";
  return body_;
}

}  // namespace latchkey::boards::fleet::forecast
