// SPDX-License-Identifier: Apache-2.0
// One certificate: a device's own, or one of a signer.
#include "platform/crypto/certificate.h"

#include "platform/crypto/certificate_path.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(certificate) {
  require(crypto::init().has_value(), "PSA starts");
  const auto leaf = crypto::inspect_leaf(input);
  if (leaf) {
    require(leaf->common_name_size <= crypto::kMaxCommonNameSize && leaf->serial_size <= crypto::kMaxSerialSize,
            "name and serial are bounded");
    require(!leaf->key_matches, "it matches no key that was not given");
  }
  const auto signer = crypto::inspect_signer(input);
  if (signer) {
    for (const ByteView part :
         {signer->issuer, signer->subject, signer->serial, signer->spki, signer->extended_key_usage}) {
      require_inside(part, input);
    }
  }
  if (!leaf && !signer) return;
  const std::string longer = std::string(input.text()) + '\0';
  require(!crypto::inspect_leaf(longer) && !crypto::inspect_signer(longer), "nothing may stand behind a certificate");
  const ByteView one[] = {input};
  require(!crypto::check_path(one, 1, one, 1), "a root has no path to itself");
  if (leaf && signer) note_good();
}

}  // namespace latchkey::fuzz
