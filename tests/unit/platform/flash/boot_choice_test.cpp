// SPDX-License-Identifier: Apache-2.0
#include "platform/flash/boot_choice.h"

#include <gtest/gtest.h>

#include "tests/unit/platform/flash/memory_flash.h"

namespace latchkey::flash {
namespace {

using ports::FirmwareBoot;
using ports::FirmwareSlot;
using ports::FirmwareTrial;
using test::MemoryFlash;

// A start of the device; what its boot loader says.
FirmwareBoot boot_of(MemoryFlash& flash) {
  const auto boot = BootChoice(flash).start();
  EXPECT_TRUE(boot);
  return boot.value_or(FirmwareBoot());
}
bool is(const FirmwareBoot& boot, FirmwareSlot running, FirmwareTrial trial) {
  return boot.running == running && boot.trial == trial;
}

TEST(BootChoice, slot_a_runs_while_nothing_was_chosen_and_no_start_writes) {
  MemoryFlash flash(BootChoice::kRegionSize);
  for (int start = 0; start < 3; ++start) {
    EXPECT_TRUE(is(boot_of(flash), FirmwareSlot::kA, FirmwareTrial::kNone));
  }
  EXPECT_EQ(flash.changes(), 0u);
}

TEST(BootChoice, hundreds_of_updates_stay_readable_and_wear_both_sectors_alike) {
  MemoryFlash flash(BootChoice::kRegionSize);
  FirmwareSlot running = FirmwareSlot::kA;
  std::uint32_t erased = 0;
  for (int update = 0; update < 600; ++update) {
    const FirmwareSlot next = ports::other(running);
    BootChoice before(flash);
    ASSERT_TRUE(before.start());
    ASSERT_TRUE(before.try_next(next));
    BootChoice after(flash);
    ASSERT_TRUE(is(*after.start(), next, FirmwareTrial::kRunning));
    ASSERT_TRUE(after.confirm(next));
    erased += before.erased_sectors() + after.erased_sectors();
    running = next;
  }
  EXPECT_TRUE(is(boot_of(flash), running, FirmwareTrial::kNone));
  // 1,800 entries of 256 a sector, the first two sectors blank
  EXPECT_EQ(erased, 6u);
}

// Wherever the power fails: what runs is the slot of before or the one that was chosen, and a trial is over when it was
// not confirmed.
TEST(BootChoice, cut_at_any_change_leaves_the_old_choice_or_the_new_one) {
  unsigned cuts = 0;
  for (const unsigned entries_before : {0U, 254U, 255U, 256U, 511U, 512U}) {
    for (const unsigned percent : {0U, 1U, 50U, 99U, 100U}) {
      for (unsigned change = 1;; ++change) {
        SCOPED_TRACE(testing::Message() << entries_before << " entries, change " << change << ", " << percent << " %");
        MemoryFlash flash(BootChoice::kRegionSize);
        {
          BootChoice filling(flash);
          ASSERT_TRUE(filling.start());
          for (unsigned i = 0; i < entries_before; ++i) ASSERT_TRUE(filling.confirm(FirmwareSlot::kA));
        }
        flash.cut_at(change, percent);
        bool planned = false, confirmed = false, tried = false;
        {
          BootChoice choice(flash);
          ASSERT_TRUE(choice.start());
          planned = choice.try_next(FirmwareSlot::kB).has_value();
        }
        if (planned) {
          BootChoice choice(flash);
          const auto boot = choice.start();
          tried = boot && boot->running == FirmwareSlot::kB;
          if (tried) confirmed = choice.confirm(FirmwareSlot::kB).has_value();
        }
        if (flash.has_power()) {
          EXPECT_TRUE(confirmed);
          break;
        }
        ++cuts;
        flash.restore();
        const FirmwareBoot first = boot_of(flash);
        if (tried) {
          // either way it is settled: confirmed, or given up
          EXPECT_TRUE(is(first, FirmwareSlot::kB, FirmwareTrial::kNone) ||
                      is(first, FirmwareSlot::kA, FirmwareTrial::kFailed));
          EXPECT_FALSE(confirmed && first.running == FirmwareSlot::kA);
        }
        const FirmwareBoot second = boot_of(flash);
        EXPECT_NE(second.trial, FirmwareTrial::kRunning) << "a trial runs once";
        if (first.trial == FirmwareTrial::kRunning) {
          EXPECT_TRUE(is(second, FirmwareSlot::kA, FirmwareTrial::kFailed));
        }
      }
    }
  }
  EXPECT_GE(cuts, 90u);
}

TEST(BootChoice, damaged_entry_counts_as_none) {
  MemoryFlash flash(BootChoice::kRegionSize);
  BootChoice choice(flash);
  ASSERT_TRUE(choice.start());
  ASSERT_TRUE(choice.confirm(FirmwareSlot::kB));
  for (std::size_t at = 0; at < BootChoice::kEntrySize; ++at) {
    flash.bytes()[at] ^= 0x10;
    EXPECT_TRUE(is(boot_of(flash), FirmwareSlot::kA, FirmwareTrial::kNone)) << at;
    flash.bytes()[at] ^= 0x10;
  }
  EXPECT_TRUE(is(boot_of(flash), FirmwareSlot::kB, FirmwareTrial::kNone));
}

// Who cannot write down that it tries would try for ever.
TEST(BootChoice, choice_that_cannot_be_put_on_record_is_not_followed) {
  MemoryFlash flash(BootChoice::kRegionSize);
  BootChoice choice(flash);
  ASSERT_TRUE(choice.start());
  ASSERT_TRUE(choice.try_next(FirmwareSlot::kB));
  flash.cut_at(1, 0);
  EXPECT_TRUE(is(boot_of(flash), FirmwareSlot::kA, FirmwareTrial::kNone));
}

TEST(BootChoice, failing_medium_is_told) {
  MemoryFlash flash(kSectorSize);
  EXPECT_EQ(BootChoice(flash).start().error(), Status::kStorageFailed);
}

}  // namespace
}  // namespace latchkey::flash
