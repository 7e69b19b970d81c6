// SPDX-License-Identifier: Apache-2.0
// A device's certificate signing request (PKCS#10, RFC 2986) after all checks: from here on only its key matters.
// Extensions and attributes that it asks for, and subject parts beyond the CN, are ignored.
//
// Threads: read_csr is pure; a Csr may be copied and shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "platform/base/bytes.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::ca {

inline constexpr std::size_t kCsrCharactersMax = 8192;  // of base64

class Csr;
enum class RsaKeys : bool { kRefused = false, kAllowed = true };
enum class Curves : bool { kP256AndP384 = false, kP384Alone = true };

// `base64`: DER in base64, without PEM lines or line ends, as devices send it. kCsrUnreadable: too long, PEM, not
// base64, not exactly one PKCS#10. kCsrRejected: the CN is not exactly `expected_cn` (nothing: any) or not unique; the
// key is none of P-256 (signed with SHA-256), P-384 (SHA-256 or SHA-384), both by curve name, and RSA of 2048 to 4096
// bits (SHA-256 or better) where allowed; or its own signature is wrong. The detail names the rule. With kP384Alone a
// P-256 key is rejected as well.
registry::Outcome<Csr> read_csr(std::string_view base64, std::optional<std::string_view> expected_cn, RsaKeys rsa,
                                Curves curves = Curves::kP256AndP384);

// Only read_csr makes one: who holds a Csr knows that it was checked, and needs the request's text no more.
class Csr {
 public:
  const std::string& common_name() const { return common_name_; }
  // The SubjectPublicKeyInfo in DER: a key of an allowed kind that has signed the request. Both live as long as any
  // copy of this.
  ByteView key_info() const { return key_->info; }
  ByteView key_bits() const { return ByteView(key_->info).subview(key_->info.size() - key_->bits, key_->bits); }

 private:
  friend registry::Outcome<Csr> read_csr(std::string_view, std::optional<std::string_view>, RsaKeys, Curves);
  struct Key {
    registry::Bytes info;
    std::size_t bits = 0;  // octets at the end: what the subjectPublicKey holds
  };
  Csr(std::string common_name, Key key)
      : common_name_(std::move(common_name)), key_(std::make_shared<const Key>(std::move(key))) {}

  std::string common_name_;
  std::shared_ptr<const Key> key_;
};

}  // namespace latchkey::hub::ca
