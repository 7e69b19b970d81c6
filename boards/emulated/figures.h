// SPDX-License-Identifier: Apache-2.0
// What the running board needs of itself: for its log, and for docs/footprint.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace latchkey::boards::emulated {

inline constexpr std::uint32_t kPaint = 0xC0DEFACE;  // of stack that was never used

// Gives mbedTLS its arena. Once, before anything of it is used.
void start_heap();

struct HeapFigures {
  std::size_t used = 0;         // now, with the arena's own headers
  std::size_t blocks = 0;       // now
  std::size_t peak = 0;         // most bytes that were asked for at a time
  std::size_t most_blocks = 0;  // at a time; each costs kBlockHeader more
};
inline constexpr std::size_t kBlockHeader = 32;
HeapFigures heap_figures();

// The deepest that the stack ever was, in bytes.
std::size_t stack_peak();

}  // namespace latchkey::boards::emulated
