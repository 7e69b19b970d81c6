// SPDX-License-Identifier: Apache-2.0
// A sweep that finds nothing is worth what it would find: bugs that devices have had, planted below the driver.
#include <gtest/gtest.h>

#include "agent/core/record.h"
#include "tests/sweep/sweep.h"

namespace latchkey::sweep {
namespace {

using ports::Item;

class Planted : public ports::Storage {
 public:
  explicit Planted(sim::SimStorage& medium) : medium_(medium) {}
  Result<std::size_t> read(Item item, MutableBytes out) override { return medium_.read(item, out); }
  Result<void> write(Item item, ByteView bytes) override { return medium_.write(item, bytes); }
  Result<void> erase(Item item) override { return medium_.erase(item); }

 protected:
  sim::SimStorage& medium_;
};

// One blob instead of two slots.
class OneBlob final : public Planted {
 public:
  using Planted::Planted;
  Result<std::size_t> read(Item item, MutableBytes out) override { return medium_.read(only(item), out); }
  Result<void> write(Item item, ByteView bytes) override { return medium_.write(only(item), bytes); }

 private:
  static Item only(Item item) { return item == Item::kSlotB ? Item::kSlotA : item; }
};

// A credential counts as proven as soon as its pending key is dropped, before any hub has let it in.
class ProvenTooEarly final : public Planted {
 public:
  using Planted::Planted;
  Result<void> write(Item item, ByteView bytes) override {
    if (item != Item::kPendingKey) last_ = item;
    return medium_.write(item, bytes);
  }
  Result<void> erase(Item item) override {
    LATCHKEY_TRY_VOID(medium_.erase(item));
    auto& held = medium_.medium(last_);
    if (!held) return {};
    std::vector<std::uint8_t> text = *held;
    const bool good =
        agent::restate_record(MutableBytes(text.data(), text.size()), agent::RecordState::kProven).has_value();
    return good ? medium_.write(last_, ByteView(text)) : Result<void>();
  }

 private:
  Item last_ = Item::kSlotA;
};

// What was there is erased before the new one is written.
class ErasesBoth final : public Planted {
 public:
  using Planted::Planted;
  Result<void> write(Item item, ByteView bytes) override {
    if (item != Item::kPendingKey) {
      LATCHKEY_TRY_VOID(medium_.erase(item == Item::kSlotA ? Item::kSlotB : Item::kSlotA));
    }
    return medium_.write(item, bytes);
  }
};

// Every session is noted in storage.
class NotesReads final : public Planted {
 public:
  using Planted::Planted;
  Result<std::size_t> read(Item item, MutableBytes out) override {
    auto size = medium_.read(item, out);
    if (size && item != Item::kPendingKey) (void)medium_.write(item, ByteView(out).subview(0, *size));
    return size;
  }
};

template <class Bug>
Setting with() {
  return {SimHub::Ids::kUntilRevoked, [](sim::SimStorage& medium) { return std::make_unique<Bug>(medium); }};
}

const Scenario& scenario(const std::string& name) {
  for (const Scenario& one : scenarios()) {
    if (name == one.name) return one;
  }
  throw std::runtime_error("no scenario " + name);
}

bool finds(const Outcome& outcome, const std::string& fault) {
  for (const std::string& one : outcome.faults) {
    if (one.find(fault) != std::string::npos) return true;
  }
  return false;
}

TEST(Checker, one_blob_instead_of_two_slots_is_found) {
  EXPECT_TRUE(finds(sweep_power_cuts(scenario("renewal"), with<OneBlob>()), "an identity that had worked was lost"));
}

TEST(Checker, erasing_before_writing_is_found) {
  EXPECT_TRUE(finds(sweep_power_cuts(scenario("renewal"), with<ErasesBoth>()), "an identity that had worked was lost"));
}

TEST(Checker, trusting_a_credential_before_it_was_let_in_is_found) {
  EXPECT_FALSE(sweep_power_cuts(scenario("fallback to the older credential"), with<ProvenTooEarly>()).faults.empty());
}

TEST(Checker, writing_at_every_reconnect_is_found) {
  EXPECT_TRUE(finds(sweep_power_cuts(scenario("first provisioning"), with<NotesReads>()), "wrote to storage"));
}

}  // namespace
}  // namespace latchkey::sweep
