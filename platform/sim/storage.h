// SPDX-License-Identifier: Apache-2.0
// Storage in memory whose power can be cut, for power-cut sweeps:
//
//   for (unsigned n = 1;; ++n) {            // cut at change 1, 2, 3 ... until the run completes
//     SimStorage storage;
//     storage.cut_power_at(n, Cut::kTorn);
//     run(storage);
//     if (storage.has_power()) break;
//     storage.restore_power();
//     check_what_is_left(storage);
//   }
//
// Changes (writes and erases) are counted from 1. From a cut on every call fails, as for a process that is no more.
// Not thread-safe.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "platform/ports/storage.h"

namespace latchkey::sim {

// What the medium holds after a cut in the middle of a change.
enum class Cut : std::uint8_t {
  kBefore,     // the old bytes
  kTorn,       // neither: the first half of the new ones, then what was there (or 0xFF, as erased flash)
  kTornEnd,    // the second half of the new ones behind what was there
  kTornPages,  // every other page of the new ones
  kErased,     // nothing but 0xFF: erased, and not yet programmed
  kAfter,      // the new bytes, but nobody was told
  // A medium that reorders breaks the port's promise; all the same it must not cost a device its life.
  kLostOne,  // the new bytes, and the change before never landed
  kLostTwo,  // the new bytes, and the change before that one never landed
};
inline constexpr Cut kCuts[] = {Cut::kBefore, Cut::kTorn,  Cut::kTornEnd, Cut::kTornPages,
                                Cut::kErased, Cut::kAfter, Cut::kLostOne, Cut::kLostTwo};
inline constexpr std::size_t kTornPage = 256;

class SimStorage final : public ports::Storage {
 public:
  using Content = std::optional<std::vector<std::uint8_t>>;
  using Medium = std::array<Content, 3>;

  Result<std::size_t> read(ports::Item item, MutableBytes out) override;
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override;

  // The power fails during change number `change`, counted since construction. 0: never.
  void cut_power_at(unsigned change, Cut how);
  // Restart: what survived is readable again; no further cut is planned.
  void restore_power();
  bool has_power() const { return power_; }
  // What the medium held before the earliest change that the cut touched; only after a cut.
  const Medium& before_cut() const { return steps_.at(touched_).before; }

  // The next `calls` calls of any kind succeed, the `times` after them fail with `status` and change nothing.
  void fail_after(unsigned calls, Status status, unsigned times = 1);

  // How many of the planned failures have not come up.
  unsigned failures_left() const { return bad_calls_; }

  // From change number `change` on there is no room: writes fail with kStorageFull and change nothing, erasing works.
  // 0: there is room.
  void fill_at(unsigned change) { full_at_ = change; }

  // Attempted changes so far, failed ones too.
  unsigned changes() const { return changes_; }
  // What the medium holds, for assertions and for damage: change a byte and see whether anybody notices.
  Content& medium(ports::Item item) { return items_[static_cast<std::size_t>(item)]; }

 private:
  // How it was before a change, as long as a cut may want to take that change back.
  struct Step {
    ports::Item item = ports::Item::kSlotA;
    Medium before;
  };

  Result<void> admit();
  Result<void> change(ports::Item item, Content next);
  void cut(ports::Item item, Content next);
  void take_back(std::size_t changes_ago);

  Medium items_;
  std::vector<Step> steps_;  // the last three, newest last; empty unless a cut is planned
  std::size_t touched_ = 0;  // the earliest of them that the cut touched
  unsigned changes_ = 0;
  unsigned cut_at_ = 0;
  unsigned full_at_ = 0;
  Cut how_ = Cut::kBefore;
  bool power_ = true;
  unsigned good_calls_ = 0;
  unsigned bad_calls_ = 0;
  Status bad_status_ = Status::kStorageFailed;
};

}  // namespace latchkey::sim
