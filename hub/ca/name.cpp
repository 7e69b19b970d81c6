// SPDX-License-Identifier: Apache-2.0
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "hub/ca/internal/name.h"

namespace latchkey::hub::ca::internal {

CommonName common_name(const X509_NAME* name) {
  CommonName found;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;) {
    if (found.count++ > 0) continue;
    unsigned char* text = nullptr;
    const int size = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size > 0) found.text.assign(reinterpret_cast<const char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return found;
}

}  // namespace latchkey::hub::ca::internal
