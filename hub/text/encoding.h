// SPDX-License-Identifier: Apache-2.0
// Bytes and ids as the text that stands in JSON. Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "platform/base/bytes.h"
#include "platform/base/ids.h"

namespace latchkey::hub::text {

std::string hex(ByteView bytes);     // lower case
std::string base64(ByteView bytes);  // RFC 4648 section 4, padded
std::string uuid_text(const Uuid& uuid);

// RFC 4122 section 4.4, version 4; ends the process when the kernel gives no entropy: predictable ids would be worse.
std::string random_uuid();
// 2 * `bytes` characters of hex, from the same source.
std::string random_hex(std::size_t bytes);

}  // namespace latchkey::hub::text
