// SPDX-License-Identifier: Apache-2.0
// What the programs of this folder have in common: each file of targets/ is one fuzz target. Linked with driver.cpp it
// is a libFuzzer program, linked with all others and replay_test.cpp a test that replays the corpus.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "platform/base/bytes.h"

namespace latchkey::fuzz {

struct Target {
  std::string_view name;        // of its file and of its folder in corpus/
  void (*run)(ByteView input);  // throws what require() throws
};
// Those that this program was linked with.
std::vector<Target>& targets();

struct Registration {
  explicit Registration(Target target) { targets().push_back(target); }
};
#define LATCHKEY_FUZZ_TARGET(name)                                       \
  static void name(ByteView input);                                      \
  static const ::latchkey::fuzz::Registration registered{{#name, name}}; \
  static void name(ByteView input)

// A property that has to hold for every input. Never inside a callback of device code: that has no exceptions.
inline void require(bool holds, const char* property) {
  if (!holds) throw std::logic_error(property);
}

// To be called for an input that is good to the last step of the target: the replay wants one of these in each corpus,
// or the properties behind that step would never be looked at.
inline int g_good = 0;
inline void note_good() { ++g_good; }

// A view that was given back lies in what was read.
inline void require_inside(std::string_view view, ByteView whole) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(view.data());
  require(view.empty() || (begin >= whole.begin() && begin + view.size() <= whole.end()), "view is inside the input");
}
inline void require_inside(ByteView view, ByteView whole) { require_inside(view.text(), whole); }

// Cuts an input into what a parser wants several of: numbers from its front, pieces with a length of two bytes.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  // 0 at the end.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t first = rest_[0];
    rest_ = rest_.subview(1, rest_.size());
    return first;
  }
  // Big-endian length, then that many bytes, or as many as there are.
  ByteView piece() {
    const std::size_t high = byte();
    const std::size_t size = high << 8 | byte();
    const ByteView taken = rest_.subview(0, size);
    rest_ = rest_.subview(taken.size(), rest_.size());
    return taken;
  }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

}  // namespace latchkey::fuzz
