// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/firmware.h"

namespace latchkey::boards::emulated {

void start_firmware(Narrator&, const ports::Clock&, std::uint64_t (*)()) {}
bool poll_firmware() { return false; }
void firmware_is_healthy() {}

}  // namespace latchkey::boards::emulated
