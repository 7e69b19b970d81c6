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
  kBefore,  // the old bytes
  kTorn,    // neither: the first half of the new ones, then what was there (or 0xFF, as erased flash)
  kAfter,   // the new bytes, but nobody was told
};

class SimStorage final : public ports::Storage {
 public:
  Result<std::size_t> read(ports::Item item, MutableBytes out) override;
  Result<void> write(ports::Item item, ByteView bytes) override;
  Result<void> erase(ports::Item item) override;

  // The power fails during change number `change`, counted since construction. 0: never.
  void cut_power_at(unsigned change, Cut how);
  // Restart: what survived is readable again; no further cut is planned.
  void restore_power();
  bool has_power() const { return power_; }

  // The next `calls` calls of any kind succeed, the `times` after them fail with `status` and change nothing.
  void fail_after(unsigned calls, Status status, unsigned times = 1);

  // Attempted changes so far, failed ones too.
  unsigned changes() const { return changes_; }
  // What the medium holds, for assertions and for damage: change a byte and see whether anybody notices.
  std::optional<std::vector<std::uint8_t>>& medium(ports::Item item) { return items_[static_cast<std::size_t>(item)]; }

 private:
  using Content = std::optional<std::vector<std::uint8_t>>;
  Result<void> admit();
  Result<void> change(ports::Item item, Content next);

  std::array<Content, 3> items_;
  unsigned changes_ = 0;
  unsigned cut_at_ = 0;
  Cut how_ = Cut::kBefore;
  bool power_ = true;
  unsigned good_calls_ = 0;
  unsigned bad_calls_ = 0;
  Status bad_status_ = Status::kStorageFailed;
};

}  // namespace latchkey::sim
