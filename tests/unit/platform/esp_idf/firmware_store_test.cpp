// SPDX-License-Identifier: Apache-2.0
#include "platform/esp_idf/firmware_store.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/contract/firmware_store_contract.h"
#include "tests/support/esp_idf/nvs.h"
#include "tests/support/esp_idf/ota.h"

namespace latchkey::test {

class EspFirmware {
 public:
  EspFirmware() {
    esp::Nvs::the().reset();
    esp::Ota::the().reset(static_cast<std::uint32_t>(kFirmwareSlot));
    open();
  }
  ports::FirmwareStore& store() { return *store_; }
  void restart() {
    store_.reset();
    esp::Nvs::the().restart();
    esp::Ota::the().restart();
    open();
  }
  static void make_bootable(ports::FirmwareSlot slot) {
    esp::Ota::the().slot(static_cast<int>(slot))[0] = esp::kImageMagic;
  }

 private:
  void open() {
    store_ = std::make_unique<esp_idf::EspFirmwareStore>();
    EXPECT_TRUE(store_->open());
  }
  std::unique_ptr<esp_idf::EspFirmwareStore> store_;
};
INSTANTIATE_TYPED_TEST_SUITE_P(Esp, FirmwareStoreContract, EspFirmware);

}  // namespace latchkey::test

namespace latchkey::esp_idf {
namespace {

using ports::FirmwareSlot;
using ports::FirmwareTrial;
using test::EspFirmware;
using test::esp::Nvs;
using test::esp::NvsCut;
using test::esp::Ota;
using Bytes = std::vector<std::uint8_t>;

TEST(EspFirmwareStore, what_the_boot_loader_would_not_take_is_not_tried) {
  EspFirmware device;
  ASSERT_TRUE(device.store().write_block(FirmwareSlot::kB, 0, Bytes(100, 0x55)));
  EXPECT_EQ(device.store().try_next(FirmwareSlot::kB).error(), Status::kCorrupt);
  device.restart();
  EXPECT_EQ(device.store().boot().running, FirmwareSlot::kA);
  EXPECT_EQ(device.store().boot().trial, FirmwareTrial::kNone);
}

TEST(EspFirmwareStore, way_back_is_not_touched_while_the_running_slot_is_on_trial) {
  EspFirmware device;
  device.make_bootable(FirmwareSlot::kB);
  ASSERT_TRUE(device.store().try_next(FirmwareSlot::kB));
  device.restart();
  ASSERT_EQ(device.store().boot().trial, FirmwareTrial::kRunning);
  EXPECT_EQ(device.store().write_block(FirmwareSlot::kA, 0, Bytes(10, 1)).error(), Status::kRefused);
  EXPECT_EQ(device.store().try_next(FirmwareSlot::kA).error(), Status::kRefused);
  ASSERT_TRUE(device.store().confirm());
  EXPECT_TRUE(device.store().write_block(FirmwareSlot::kA, 0, Bytes(10, 1)));
}

// The vendor's call confirms whatever is to be booted.
TEST(EspFirmwareStore, confirming_after_a_plan_confirms_what_runs) {
  EspFirmware device;
  device.make_bootable(FirmwareSlot::kB);
  ASSERT_TRUE(device.store().try_next(FirmwareSlot::kB));
  ASSERT_TRUE(device.store().confirm());
  for (int start = 0; start < 2; ++start) {
    device.restart();
    EXPECT_EQ(device.store().boot().running, FirmwareSlot::kA);
    EXPECT_EQ(device.store().boot().trial, FirmwareTrial::kNone);
  }
}

TEST(EspFirmwareStore, cut_while_a_trial_is_planned_leaves_either_and_no_false_failure) {
  for (int earlier = 0; earlier < 2; ++earlier) {  // without and with a trial that failed before
    for (unsigned in_nvs = 0; in_nvs < 2; ++in_nvs) {
      for (unsigned change = 1;; ++change) {
        EspFirmware device;
        device.make_bootable(FirmwareSlot::kB);
        if (earlier == 1) {
          ASSERT_TRUE(device.store().try_next(FirmwareSlot::kB));
          device.restart();
          device.restart();
          ASSERT_EQ(device.store().boot().trial, FirmwareTrial::kFailed);
        }
        if (in_nvs == 1) Nvs::the().cut_power_at(change, change % 2 == 0 ? NvsCut::kBefore : NvsCut::kAfter);
        if (in_nvs == 0) Ota::the().cut_power_at(change);
        const bool told = device.store().try_next(FirmwareSlot::kB).has_value();
        if (Nvs::the().has_power() && Ota::the().has_power()) break;
        EXPECT_FALSE(told);
        device.restart();
        const auto boot = device.store().boot();
        EXPECT_TRUE((boot.running == FirmwareSlot::kA && boot.trial == FirmwareTrial::kNone) ||
                    (boot.running == FirmwareSlot::kB && boot.trial == FirmwareTrial::kRunning))
            << "earlier " << earlier << ", change " << change;
      }
    }
  }
}

TEST(EspFirmwareStore, later_updates_go_from_slot_to_slot) {
  EspFirmware device;
  device.make_bootable(FirmwareSlot::kB);
  FirmwareSlot next = FirmwareSlot::kB;
  for (int update = 0; update < 5; ++update) {
    Bytes image(ports::FirmwareStore::kBlockSize, static_cast<std::uint8_t>(update));
    image[0] = test::esp::kImageMagic;
    ASSERT_TRUE(device.store().write_block(next, 0, image));
    ASSERT_TRUE(device.store().try_next(next));
    device.restart();
    ASSERT_EQ(device.store().boot().running, next);
    ASSERT_TRUE(device.store().confirm());
    device.restart();
    ASSERT_EQ(device.store().boot().running, next);
    next = other(next);
  }
}

TEST(EspFirmwareStore, failing_flash_is_told) {
  EspFirmware device;
  for (unsigned change = 1; change <= 2; ++change) {
    Ota::the().cut_power_at(change);
    EXPECT_EQ(device.store().write_block(FirmwareSlot::kB, 0, Bytes(10, 1)).error(), Status::kStorageFailed);
    device.restart();
  }
  Nvs::the().fail_changes(1);
  EXPECT_EQ(device.store().write_record(ports::FirmwareRecord::kState0, Bytes(10)).error(), Status::kStorageFailed);
}

TEST(EspFirmwareStore, needs_two_slots_of_one_size) {
  EspFirmware device;
  for (const std::uint32_t size : {0U, 4096U}) {
    Ota::the().resize_second(size);
    EspFirmwareStore store;
    EXPECT_EQ(store.open().error(), Status::kUnsupported) << size;
  }
}

}  // namespace
}  // namespace latchkey::esp_idf
