// SPDX-License-Identifier: Apache-2.0
// A firmware bundle's beginning, in whole and cut anywhere.
#include "agent/update/envelope.h"

#include "agent/update/algorithm.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

using namespace agent;

void check_envelope(const Envelope& envelope, ByteView input) {
  for (const ByteView part :
       {envelope.protected_header, envelope.token, envelope.payload, envelope.signature, envelope.stamped}) {
    require_inside(part, input);
  }
  require(envelope.chain_size >= 1 && envelope.chain_size <= Envelope::kChainMax, "a chain of one to four");
  for (std::size_t i = 0; i < envelope.chain_size; ++i) require_inside(envelope.chain[i], input);
  std::array<std::uint8_t, kSignedHeadMax> room;
  const auto head = signed_head(envelope, room);
  require(head && head->size() <= kSignedHeadMax, "the signed head fits");
  (void)signature_kind(envelope.algorithm);
}

void check_prefix(const Bundle& bundle, ByteView prefix) {
  const auto read = read_bundle(prefix);
  require(read ? read->image_at == bundle.image_at && read->image_size == bundle.image_size
               : read.error() == Status::kNotReady,
          "a beginning says the same or asks for more");
  require(read.has_value() == (prefix.size() >= bundle.image_at), "it is read as soon as it is there");
}

}  // namespace

LATCHKEY_FUZZ_TARGET(envelope) {
  if (const auto alone = read_envelope(input)) check_envelope(*alone, input);
  const auto bundle = read_bundle(input);
  if (!bundle) return;
  check_envelope(bundle->envelope, input);
  require(bundle->image_at <= input.size(), "the image begins where the text has been read");
  require(read_envelope(input).has_value() == false, "a bundle is more than an envelope");
  const std::size_t step = input.size() / 16 + 1;
  for (std::size_t size = 0; size <= input.size(); size += step) check_prefix(*bundle, input.subview(0, size));
  check_prefix(*bundle, input.subview(0, static_cast<std::size_t>(bundle->image_at)));
  check_prefix(*bundle, input.subview(0, static_cast<std::size_t>(bundle->image_at) - 1));
  if (!bundle->envelope.token.empty()) note_good();
}

}  // namespace latchkey::fuzz
