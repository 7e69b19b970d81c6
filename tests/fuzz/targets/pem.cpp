// SPDX-License-Identifier: Apache-2.0
#include "platform/crypto/pem.h"

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

void check_label(std::string_view text, std::string_view label) {
  std::vector<std::uint8_t> room(base64_decoded_max(text.size()));
  const auto block = crypto::pem_decode(text, label, {room.data(), room.size()});
  if (!block) {
    require(block.error() != Status::kTooLarge, "there was room for all");
    return;
  }
  require(block->consumed <= text.size() && block->der_size <= room.size() && block->der_size > 0, "sizes are bounded");
  const ByteView der = ByteView(room).subview(0, block->der_size);
  std::vector<std::uint8_t> tight(block->der_size);
  require(crypto::pem_decode(text, label, {tight.data(), tight.size()}).has_value(), "its own size is enough");

  std::vector<std::uint8_t> written(crypto::pem_size(label.size(), der.size()));
  const auto size = crypto::pem_encode(label, der, {written.data(), written.size()});
  require(size && *size == written.size(), "a block has the size that was said");
  const auto again = crypto::pem_decode(ByteView(written).text(), label, {tight.data(), tight.size()});
  require(again && ByteView(tight) == der && again->consumed == written.size(), "a block reads back the same");
  note_good();
}

}  // namespace

LATCHKEY_FUZZ_TARGET(pem) {
  for (const auto label : {crypto::kPemCertificate, crypto::kPemEcKey, crypto::kPemCsr}) {
    check_label(input.text(), label);
  }
}

}  // namespace latchkey::fuzz
