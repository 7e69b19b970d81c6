// SPDX-License-Identifier: Apache-2.0
// NVS in memory, with a power that can be cut. The physics are those that were measured on the real one: a key that is
// new is there or not; one that is overwritten keeps its old bytes, gets the new ones, or loses both; what is erased is
// gone or not. Whatever is on flash is there at once: nvs_commit changes nothing.
//
// One NVS a process, as on a board; reset() before each test. Not thread-safe, as its users are on one task.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace latchkey::test::esp {

// How far a change gets that the power fails in.
enum class NvsCut : std::uint8_t { kBefore, kMiddle, kAfter };
inline constexpr NvsCut kNvsCuts[] = {NvsCut::kBefore, NvsCut::kMiddle, NvsCut::kAfter};

class Nvs {
 public:
  static Nvs& the();

  // An empty flash, with power, without planned failures, room for 64 KB.
  void reset();
  // The power fails in change number `change` from now, counted from 1; from then on every call fails. Handles are
  // closed by restart(), which brings power back.
  void cut_power_at(unsigned change, NvsCut how);
  void restart();
  bool has_power() const;
  // Changes since reset().
  unsigned changes() const;
  // Bytes that all values may have together.
  void set_room(std::size_t bytes);
  // The next `count` changes fail and change nothing.
  void fail_changes(unsigned count);

  // As a script at the factory writes an image.
  void put_text(const std::string& partition, const std::string& space, const std::string& key,
                const std::string& text);
  void put_blob(const std::string& partition, const std::string& space, const std::string& key,
                std::vector<std::uint8_t> bytes);
  // One blob's bytes, for damage; null when there is none.
  std::vector<std::uint8_t>* blob(const std::string& space, const std::string& key);
  std::size_t open_handles() const;
};

}  // namespace latchkey::test::esp
