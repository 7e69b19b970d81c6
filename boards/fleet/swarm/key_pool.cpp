// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/key_pool.h"

#include <openssl/err.h>

#include <cstring>

#include "platform/base/ids.h"
#include "platform/openssl/certificate_builder.h"

namespace latchkey::boards::fleet::swarm {
namespace {

const char* name_of(crypto::Curve curve) { return curve == crypto::Curve::kP256 ? "P-256" : "P-384"; }

// OpenSSL writes ECPrivateKey of RFC 5915 with named curve and public point: exactly the form of a DeviceKey.
bool write_key(EVP_PKEY* key, crypto::Curve curve, crypto::DeviceKey& out) {
  auto der = openssl::to_der(i2d_PrivateKey, key);
  const bool fits = der.size() == crypto::key_size(curve);
  if (fits) {
    std::memcpy(out.bytes.data(), der.data(), der.size());
    out.size = der.size();
    out.curve = curve;
  }
  wipe(MutableBytes(der.data(), der.size()));
  return fits;
}

// As crypto::make_csr: the subject is the CN alone, no attributes.
Result<std::size_t> write_csr(EVP_PKEY* key, std::string_view common_name, MutableBytes out) {
  const openssl::X509ReqPtr request(X509_REQ_new());
  const bool made = request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
                    X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request.get()), NID_commonName, MBSTRING_UTF8,
                                               reinterpret_cast<const unsigned char*>(common_name.data()),
                                               static_cast<int>(common_name.size()), -1, 0) == 1 &&
                    X509_REQ_set_pubkey(request.get(), key) == 1 &&
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
  if (!key || !write_key(key.get(), curve, out.key)) return fail(Status::kInternal);
  const auto size = write_csr(key.get(), common_name, MutableBytes(out.csr.data(), out.csr.size()));
  ERR_clear_error();
  if (!size) {
    out.key.clear();
    return fail(size.error());
  }
  out.csr_size = *size;
  return {};
}

}  // namespace latchkey::boards::fleet::swarm
