// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/certificate_list.h"

namespace latchkey::agent {

Result<CertificateList> read_certificate_list(JsonReader& reader) {
  CertificateList list;
  for (;;) {
    LATCHKEY_TRY(token, reader.next());
    if (token == JsonReader::Token::kArrayEnd) return list;
    if (token != JsonReader::Token::kString) return fail(Status::kMalformed);
    if (list.count == CertificateList::kMax) return fail(Status::kTooLarge);
    list.base64[list.count++] = reader.string();
  }
}

}  // namespace latchkey::agent
