// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/figures.h"

#include <mbedtls/memory_buffer_alloc.h>

extern "C" std::uint32_t __stack_bottom, __stack_top;

namespace latchkey::boards::emulated {
namespace {

constexpr std::size_t kArena = 28 * 1024;
__attribute__((section(".heap"), aligned(8))) std::uint8_t g_arena[kArena];

}  // namespace

void start_heap() { mbedtls_memory_buffer_alloc_init(g_arena, sizeof g_arena); }

HeapFigures heap_figures() {
  HeapFigures figures;
  mbedtls_memory_buffer_alloc_max_get(&figures.peak, &figures.most_blocks);
  mbedtls_memory_buffer_alloc_cur_get(&figures.used, &figures.blocks);
  figures.used += figures.blocks * kBlockHeader;
  return figures;
}

std::size_t stack_peak() {
  const std::uint32_t* word = &__stack_bottom;
  while (word < &__stack_top && *word == kPaint) ++word;
  return static_cast<std::size_t>(&__stack_top - word) * sizeof *word;
}

}  // namespace latchkey::boards::emulated
