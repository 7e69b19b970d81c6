// SPDX-License-Identifier: Apache-2.0
#include "platform/openssl/digest.h"

#include "platform/openssl/openssl_ptr.h"

namespace latchkey::openssl {
namespace {

using MdPtr = Owner<EVP_MD, EVP_MD_free>;
using MdCtxPtr = Owner<EVP_MD_CTX, EVP_MD_CTX_free>;

// Fetched once: EVP_sha256() would be looked up among the providers for every message.
class HostDigest final : public ports::Digest {
 public:
  HostDigest() : sha256_(EVP_MD_fetch(nullptr, "SHA2-256", nullptr)) {}

  Result<void> sha256(ByteView data, ports::Sha256& out) const override {
    const MdCtxPtr context(EVP_MD_CTX_new());
    unsigned int size = 0;
    if (!sha256_ || !context || EVP_DigestInit_ex2(context.get(), sha256_.get(), nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), data.data(), data.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), out.data(), &size) != 1) {
      return fail(Status::kInternal);
    }
    return {};
  }

 private:
  const MdPtr sha256_;
};

}  // namespace

const ports::Digest& host_digest() {
  // Never destroyed: threads may still use it while OpenSSL tidies up at the process's end.
  static const ports::Digest* const kDigest = new HostDigest;
  return *kDigest;
}

}  // namespace latchkey::openssl
