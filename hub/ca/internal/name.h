// SPDX-License-Identifier: Apache-2.0
// The common name in an X.500 name, and how many there are.
#pragma once

#include <openssl/types.h>

#include <string>

namespace latchkey::hub::ca::internal {

struct CommonName {
  int count = 0;
  std::string text;  // UTF-8, of the first; may hold NUL octets, so compare it as a whole
};
CommonName common_name(const X509_NAME* name);

}  // namespace latchkey::hub::ca::internal
