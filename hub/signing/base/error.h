// SPDX-License-Identifier: Apache-2.0
// What goes wrong in the signing rooms, and their byte strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"
#include "platform/base/status.h"

namespace latchkey::hub::signing {

using Bytes = std::vector<std::uint8_t>;

// A status for programs, and one line for people; the line never holds keys.
struct Error {
  Status status = Status::kInternal;
  std::string detail;
};

template <class T>
using Outcome = Result<T, Error>;

inline tl::unexpected<Error> refuse(Status status, std::string detail) {
  return fail(Error{status, std::move(detail)});
}

inline Bytes copy_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
inline void append(Bytes& to, ByteView bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

}  // namespace latchkey::hub::signing
