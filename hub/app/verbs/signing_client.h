// SPDX-License-Identifier: Apache-2.0
// The signing service as whoever signs a file asks it: signatures over digests at the data plane
// (docs/signing-data-plane.md), timestamps (RFC 3161) at the address that is open to all.
#pragma once

#include <string>
#include <vector>

#include "hub/cli/client.h"
#include "hub/signing/base/algorithm.h"
#include "platform/openssl/openssl_ptr.h"

namespace latchkey::hub::app {

struct SigningPlace {
  std::string data;         // "https://127.0.0.1:41001"
  std::string open_to_all;  // "http://127.0.0.1:41002"
  std::string ca_file;      // what the data plane's certificate is verified by
};
// Of the hub that runs on that data folder. Failures: 5 when none runs, 4 when it runs without the signing service.
Result<SigningPlace, cli::Failure> signing_place(const std::string& data_folder);

struct RemoteSignature {
  signing::Bytes value;                // ECDSA: DER
  std::vector<openssl::X509Ptr> path;  // the signer's first, then those above it, the root left out
  std::vector<X509*> views() const;
};
struct SignQuestion {
  std::string account;
  std::string profile;
  signing::Algorithm algorithm = signing::Algorithm::kRs256;
  signing::Bytes digest;
};
// Asks until the operation has ended, ten minutes at most. Failures say what the service said, and what to do about it.
Result<RemoteSignature, cli::Failure> sign_remotely(cli::Api& data_plane, const SignQuestion& question);

// A token over `stamped`, DER.
Result<signing::Bytes, cli::Failure> timestamp_from(const std::string& url, signing::Hash hash, ByteView stamped);

}  // namespace latchkey::hub::app
