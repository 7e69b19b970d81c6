// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls, for the one target that this program was linked with. An exception is a finding to it.
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  latchkey::fuzz::targets().front().run({data, size});
  return 0;
}
