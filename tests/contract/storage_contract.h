// SPDX-License-Identifier: Apache-2.0
// What every ports::Storage has to do, run over the real ones and the simulated one alike.
//
// A suite is made per implementation:  INSTANTIATE_TYPED_TEST_SUITE_P(Posix, StorageContract, PosixMedium);
// The type makes an empty medium in its constructor and has
//   ports::Storage& storage();
//   void restart();   // the process ends and starts again on the same medium
// and kLargest, if its items cannot be of any size.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "platform/ports/storage.h"

namespace latchkey::test {

inline constexpr ports::Item kItems[] = {ports::Item::kSlotA, ports::Item::kSlotB, ports::Item::kPendingKey};

template <class Medium>
constexpr std::size_t largest_item() {
  if constexpr (requires { Medium::kLargest; }) return Medium::kLargest;
  return 100'000;
}

template <class Medium>
class StorageContract : public testing::Test {
 protected:
  ports::Storage& storage() { return medium_.storage(); }
  Result<void> write(ports::Item item, const std::string& text) { return storage().write(item, ByteView(text)); }
  // The item's text, or the name of the status.
  std::string read(ports::Item item, std::size_t room = 1 << 20) {
    std::vector<std::uint8_t> out(room);
    const auto size = storage().read(item, MutableBytes(out.data(), out.size()));
    if (!size) return "<" + std::string(to_string(size.error())) + ">";
    return std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*size));
  }
  Medium medium_;
};

TYPED_TEST_SUITE_P(StorageContract);

TYPED_TEST_P(StorageContract, holds_nothing_at_first) {
  for (const auto item : kItems) EXPECT_EQ(this->read(item), "<not found>");
}

TYPED_TEST_P(StorageContract, gives_back_what_was_written_to_each_item) {
  for (const auto item : kItems) ASSERT_TRUE(this->write(item, "item " + std::to_string(static_cast<int>(item))));
  for (const auto item : kItems) EXPECT_EQ(this->read(item), "item " + std::to_string(static_cast<int>(item)));
}

TYPED_TEST_P(StorageContract, replaces_the_whole_item) {
  ASSERT_TRUE(this->write(ports::Item::kSlotA, "a long old record"));
  ASSERT_TRUE(this->write(ports::Item::kSlotA, "new"));
  EXPECT_EQ(this->read(ports::Item::kSlotA), "new");
}

TYPED_TEST_P(StorageContract, keeps_binary_and_large_and_empty_items) {
  std::string bytes(largest_item<TypeParam>(), '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31);
  ASSERT_TRUE(this->write(ports::Item::kSlotB, bytes));
  EXPECT_EQ(this->read(ports::Item::kSlotB), bytes);
  ASSERT_TRUE(this->write(ports::Item::kSlotB, ""));
  EXPECT_EQ(this->read(ports::Item::kSlotB), "");
}

TYPED_TEST_P(StorageContract, survives_a_restart) {
  ASSERT_TRUE(this->write(ports::Item::kSlotA, "kept"));
  ASSERT_TRUE(this->write(ports::Item::kSlotB, "gone"));
  ASSERT_TRUE(this->storage().erase(ports::Item::kSlotB));
  this->medium_.restart();
  EXPECT_EQ(this->read(ports::Item::kSlotA), "kept");
  EXPECT_EQ(this->read(ports::Item::kSlotB), "<not found>");
}

TYPED_TEST_P(StorageContract, erases_one_item_and_may_erase_nothing) {
  ASSERT_TRUE(this->write(ports::Item::kSlotA, "a"));
  ASSERT_TRUE(this->write(ports::Item::kPendingKey, "key"));
  ASSERT_TRUE(this->storage().erase(ports::Item::kPendingKey));
  ASSERT_TRUE(this->storage().erase(ports::Item::kPendingKey));
  EXPECT_EQ(this->read(ports::Item::kPendingKey), "<not found>");
  EXPECT_EQ(this->read(ports::Item::kSlotA), "a");
}

TYPED_TEST_P(StorageContract, item_that_does_not_fit_is_too_large_and_nothing_is_written) {
  ASSERT_TRUE(this->write(ports::Item::kSlotA, "12345"));
  EXPECT_EQ(this->read(ports::Item::kSlotA, 5), "12345");
  std::vector<std::uint8_t> out(8, 0xAB);
  const auto size = this->storage().read(ports::Item::kSlotA, MutableBytes(out.data(), 4));
  ASSERT_FALSE(size);
  EXPECT_EQ(size.error(), Status::kTooLarge);
  EXPECT_EQ(out, std::vector<std::uint8_t>(8, 0xAB));
}

REGISTER_TYPED_TEST_SUITE_P(StorageContract, holds_nothing_at_first, gives_back_what_was_written_to_each_item,
                            replaces_the_whole_item, keeps_binary_and_large_and_empty_items, survives_a_restart,
                            erases_one_item_and_may_erase_nothing,
                            item_that_does_not_fit_is_too_large_and_nothing_is_written);

}  // namespace latchkey::test
