// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/key_pool.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "platform/base/ids.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::boards::fleet::swarm {
namespace {

const char* name_of(crypto::Curve curve) { return curve == crypto::Curve::kP256 ? "P-256" : "P-384"; }

using SecretBignum = openssl::Owner<BIGNUM, BN_clear_free>;
using Point = std::array<std::uint8_t, 97>;  // uncompressed; the first bytes of it for P-256

// ECPrivateKey of RFC 5915 with named curve and public point, the form of a DeviceKey: what stands before, between and
// behind scalar and point is the same in all keys of a curve. OpenSSL 3.0 takes longer to find its encoder than for a
// signature.
struct Form {
  int curve;
  std::size_t scalar;
  std::size_t point;
  std::string_view head;
  std::string_view middle;
};
using namespace std::string_view_literals;
constexpr Form kP256{NID_X9_62_prime256v1, 32, 65, "\x30\x77\x02\x01\x01\x04\x20"sv,
                     "\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\xa1\x44\x03\x42\x00"sv};
constexpr Form kP384{NID_secp384r1, 48, 97, "\x30\x81\xa4\x02\x01\x01\x04\x30"sv,
                     "\xa0\x07\x06\x05\x2b\x81\x04\x00\x22\xa1\x64\x03\x62\x00"sv};
const Form& form_of(crypto::Curve curve) { return curve == crypto::Curve::kP256 ? kP256 : kP384; }

bool read_point(EVP_PKEY* key, const Form& form, Point& out) {
  unsigned char* encoded = nullptr;  // uncompressed, whoever made the key
  const std::size_t size = EVP_PKEY_get1_encoded_public_key(key, &encoded);
  const bool fits = size == form.point;
  if (fits) std::copy_n(encoded, size, out.begin());
  OPENSSL_free(encoded);
  return fits;
}

bool write_key(EVP_PKEY* key, crypto::Curve curve, const Point& point, crypto::DeviceKey& out) {
  const Form& form = form_of(curve);
  BIGNUM* got = nullptr;
  const bool has_scalar = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &got) == 1;
  const SecretBignum scalar(got);
  std::uint8_t* at = out.bytes.data();
  at = std::copy(form.head.begin(), form.head.end(), at);
  const int size = static_cast<int>(form.scalar);
  if (!has_scalar || BN_bn2binpad(scalar.get(), at, size) != size) return false;
  at = std::copy(form.middle.begin(), form.middle.end(), at + size);
  at = std::copy_n(point.begin(), form.point, at);
  out.size = static_cast<std::size_t>(at - out.bytes.data());
  out.curve = curve;
  return out.size == crypto::key_size(curve);
}

// SubjectPublicKeyInfo (RFC 5480): the same as X509_REQ_set_pubkey, which encodes the key and reads that again.
bool set_key(X509_REQ* request, const Form& form, const Point& point) {
  auto* const bits = static_cast<unsigned char*>(OPENSSL_memdup(point.data(), form.point));
  if (bits == nullptr) return false;
  const bool set =
      X509_PUBKEY_set0_param(X509_REQ_get_X509_PUBKEY(request), OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                             OBJ_nid2obj(form.curve), bits, static_cast<int>(form.point)) == 1;
  if (!set) OPENSSL_free(bits);
  return set;
}

// As crypto::make_csr: the subject is the CN alone, no attributes.
Result<std::size_t> write_csr(EVP_PKEY* key, const Form& form, const Point& point, std::string_view common_name,
                              MutableBytes out) {
  const openssl::X509ReqPtr request(X509_REQ_new());
  const bool made = request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(common_name.data()),
                                               static_cast<int>(common_name.size()), -1, 0) == 1 &&
                    set_key(request.get(), form, point) &&
                    X509_REQ_sign(request.get(), key, openssl::digest_for(key)) > 0;
  const auto der = made ? openssl::to_der(i2d_X509_REQ, request.get()) : std::vector<std::uint8_t>();
  if (der.empty()) return fail(Status::kInternal);
  if (der.size() > out.size()) return fail(Status::kTooLarge);
  std::memcpy(out.data(), der.data(), der.size());
  return der.size();
}

}  // namespace

KeyPool::KeyPool(std::size_t ahead) : ahead_(ahead), thread_([this] { fill(); }) {}

KeyPool::~KeyPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void KeyPool::fill() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return ending_ || keys_.size() < ahead_; });
    if (ending_) return;
    lock.unlock();
    auto key = openssl::make_ec_key(name_of(crypto::Curve::kP256));
    lock.lock();
    if (!key) return;  // out of memory: make() makes its own, and says so
    keys_.push_back(std::move(key));
  }
}

openssl::PkeyPtr KeyPool::take() {
  openssl::PkeyPtr key;
  {
    const std::lock_guard lock(mutex_);
    if (!keys_.empty()) {
      key = std::move(keys_.front());
      keys_.pop_front();
    }
  }
  wanted_.notify_one();
  return key;
}

Result<void> KeyPool::make(crypto::Curve curve, std::string_view common_name, agent::MadeKey& out) {
  out.key.clear();
  out.csr_size = 0;
  if (!valid_registration_id(common_name)) return fail(Status::kInvalidArgument);
  auto key = curve == crypto::Curve::kP256 ? take() : nullptr;
  if (!key) key = openssl::make_ec_key(name_of(curve));
  Point point{};
  if (!key || !read_point(key.get(), form_of(curve), point) || !write_key(key.get(), curve, point, out.key)) {
    out.key.clear();
    return fail(Status::kInternal);
  }
  const auto size =
      write_csr(key.get(), form_of(curve), point, common_name, MutableBytes(out.csr.data(), out.csr.size()));
  ERR_clear_error();
  if (!size) {
    out.key.clear();
    return fail(size.error());
  }
  out.csr_size = *size;
  return {};
}

}  // namespace latchkey::boards::fleet::swarm
