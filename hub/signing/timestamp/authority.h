// SPDX-License-Identifier: Apache-2.0
// A timestamping authority (RFC 3161): a request's DER in, a response's DER out. A refusal is a response too, with its
// failInfo:
//
//   badDataFormat        not a TimeStampReq, something behind it, over kRequestMax bytes, a digest of another length
//   badRequest           another version than 1
//   badAlg               an imprint by another hash than SHA-256, -384, -512, or with parameters
//   unacceptedPolicy     another policy than ours
//   unacceptedExtension  any extension
//   timeNotAvailable     the clock has no time
//   systemFailure        our certificate is not valid at that time, or OpenSSL failed
//
// Threads: answer() from any, at once.
#pragma once

#include <functional>
#include <optional>

#include "hub/signing/certificates/maker.h"

namespace latchkey::hub::signing {

// Ours: below the project's own arc (platform/base/ids.h).
inline constexpr std::string_view kTimestampPolicy = "2.25.163099170488962020191184446638292780055.3161";

class TimestampAuthority {
 public:
  struct Options {
    std::string policy = std::string(kTimestampPolicy);
    int accuracy_ms = 1000;  // said in every token; 0 to 59,999; 0 says nothing
  };
  // The time now; nothing while there is none to be had.
  using Clock = std::function<std::optional<UnixMs>()>;

  // `certificate` is a timestamper's (certificates/maker.h), `chain` what to send along when asked for certificates.
  // kInvalidArgument when the key is not the certificate's, the certificate is not for timestamping alone, or an option
  // is out of its bounds.
  static Outcome<TimestampAuthority> make(openssl::X509Ptr certificate, openssl::PkeyPtr key,
                                          openssl::X509StackPtr chain, Options options, Clock clock);

  // Never empty, but when memory ends.
  Bytes answer(ByteView request) const;

  static constexpr std::size_t kRequestMax = 4096;

 private:
  TimestampAuthority() = default;

  openssl::X509Ptr certificate_;
  openssl::PkeyPtr key_;
  openssl::X509StackPtr chain_;
  Options options_;
  Clock clock_;
};

}  // namespace latchkey::hub::signing
