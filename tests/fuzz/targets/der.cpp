// SPDX-License-Identifier: Apache-2.0
// Both readers of DER, the device's and the hub's: they give the same values and refuse the same.
#include "hub/signing/base/der.h"
#include "platform/crypto/der.h"
#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

namespace hub_der = latchkey::hub::signing::der;
constexpr int kDepthMax = 12;

void check_number(ByteView whole) {
  crypto::DerReader device(whole);
  hub_der::Reader hub(whole);
  const auto ours = device.next_number(crypto::kDerInteger, UINT64_MAX);
  const auto theirs = hub.next_integer();
  require(!theirs || (ours && *ours == *theirs), "a number that the hub reads a device reads");
  if (theirs) require(ByteView(hub_der::integer(*theirs)) == whole, "a number has one form");
  crypto::DerReader magnitude(whole);
  const auto octets = magnitude.next_magnitude();
  require(!ours || octets.has_value(), "a number has a magnitude");
}

void check_oid(ByteView whole) {
  hub_der::Reader reader(whole);
  const auto dotted = reader.next_oid();
  if (!dotted) return;
  const auto made = hub_der::oid(*dotted);
  require(made.empty() || ByteView(made) == whole, "an object identifier has one form");
}

void walk(ByteView text, ByteView input, int depth) {
  crypto::DerReader device(text);
  hub_der::Reader hub(text);
  while (!device.at_end()) {
    const auto ours = device.next();
    const auto theirs = hub.next();
    require(ours.has_value() == theirs.has_value(), "device and hub refuse the same");
    if (!ours) return;
    require(ours->tag == theirs->tag && ours->content == theirs->content && ours->whole == theirs->whole,
            "device and hub read the same");
    require_inside(ours->whole, input);
    require(ByteView(hub_der::value(ours->tag, {ours->content})) == ours->whole, "a value has one form");
    if (ours->tag == crypto::kDerInteger) check_number(ours->whole);
    if (ours->tag == crypto::kDerOid) check_oid(ours->whole);
    if ((ours->tag & 0x20) != 0 && depth < kDepthMax) walk(ours->content, input, depth + 1);
  }
  require(hub.at_end(), "both are at the end");
  if (depth == 0) note_good();
}

}  // namespace

LATCHKEY_FUZZ_TARGET(der) { walk(input, input, 0); }

}  // namespace latchkey::fuzz
