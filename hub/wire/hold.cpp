// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/hold.h"

#include "hub/wire/codec.h"

namespace latchkey::hub::wire {

using codec::Kind;
using codec::Reader;
using codec::Writer;

Bytes encode(const Hold& hold) {
  Writer out(Kind::kHold);
  out.u32(hold.for_ms);
  return out.take();
}

Result<Hold> decode_hold(ByteView bytes) {
  Reader in(bytes, Kind::kHold);
  Hold hold;
  hold.for_ms = in.u32();
  if (!in.finished()) return fail(Status::kMalformed);
  return hold;
}

}  // namespace latchkey::hub::wire
