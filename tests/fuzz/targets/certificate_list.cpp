// SPDX-License-Identifier: Apache-2.0
#include "agent/protocol/certificate_list.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {

LATCHKEY_FUZZ_TARGET(certificate_list) {
  agent::JsonReader reader(input.text());
  const auto begin = reader.next();
  if (!begin || *begin != agent::JsonReader::Token::kArrayBegin) return;
  const auto list = agent::read_certificate_list(reader);
  if (!list) return;
  require(list->count <= agent::CertificateList::kMax, "three certificates at most");
  if (list->count == agent::CertificateList::kMax) note_good();
  for (std::size_t i = 0; i < list->count; ++i) require_inside(list->base64[i].raw, input);
}

}  // namespace latchkey::fuzz
