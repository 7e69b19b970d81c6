// SPDX-License-Identifier: Apache-2.0
#include "hub/wire/hold.h"

#include <gtest/gtest.h>

namespace latchkey::hub::wire {
namespace {

TEST(Hold, comes_through_unchanged) {
  for (const std::uint32_t for_ms : {0U, 250U, 0xffffffffU}) {
    const auto read = decode_hold(encode(Hold{for_ms}));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->for_ms, for_ms);
  }
}

TEST(Hold, anything_else_is_refused) {
  const Bytes good = encode(Hold{250});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(decode_hold(ByteView(good).subview(0, size))) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_hold(longer));
  Bytes other = good;
  ++other[1];  // its kind
  EXPECT_FALSE(decode_hold(other));
}

}  // namespace
}  // namespace latchkey::hub::wire
