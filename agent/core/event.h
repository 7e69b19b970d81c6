// SPDX-License-Identifier: Apache-2.0
// What happens to an agent. Views live for one step() only.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

#include "platform/base/bytes.h"
#include "platform/crypto/csr.h"
#include "platform/crypto/key.h"
#include "platform/ports/clock.h"
#include "platform/ports/mqtt_link.h"
#include "platform/ports/storage.h"

namespace latchkey::agent {

// The time at which a step is taken.
struct Now {
  UnixMs wall = 0;
  bool wall_is_set = true;  // false: certificates are not judged by it
  ports::MonotonicMs monotonic = 0;
};

// An item of storage as it was found; before Start, once for each item. An empty view: nothing (readable) there.
struct Loaded {
  ports::Item item;
  ByteView bytes;
};
struct Start {};
struct Stop {};

// A fresh key and its CSR. The core takes the key out and leaves an empty one.
struct MadeKey {
  crypto::DeviceKey key;
  std::array<std::uint8_t, crypto::kMaxCsrSize> csr{};
  std::size_t csr_size = 0;
};
struct KeyMade {
  std::uint32_t ticket;
  MadeKey* made;
};
struct KeyFailed {
  std::uint32_t ticket;
  Status status;
};
struct Stored {
  std::uint32_t ticket;
  Status status;  // kOk: it will survive a power cut
};

struct LinkUp {
  bool session_present;
};
struct LinkEnded {
  ports::LinkFailure why;
  int detail;
};
struct Subscribed {
  bool granted;
};
struct Published {};
struct Message {
  std::string_view topic;
  ByteView payload;
};
// Time has passed. At wake_at() at the latest, at any other time too.
struct Timer {};

using Event = std::variant<Loaded, Start, Stop, KeyMade, KeyFailed, Stored, LinkUp, LinkEnded, Subscribed, Published,
                           Message, Timer>;

}  // namespace latchkey::agent
