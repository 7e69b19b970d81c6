// SPDX-License-Identifier: Apache-2.0
// Signed firmware on an emulated board, of images that are built with LATCHKEY_FIRMWARE; of others these do nothing.
//
// firmware.bin in the board's folder is the flash of boot choice, records and slots. What a device is given when it is
// onboarded lies beside it, and so does what a hub would send: no topic carries that yet (docs/firmware-update.md).
// QEMU starts the same image whatever the choice is: which slot a boot loader would run stands in the log.
#pragma once

#include "boards/emulated/narrator.h"

namespace latchkey::boards::emulated {

// Reads what is kept, takes the statement and the offer. Once; without firmware.bin there are no updates.
void start_firmware(Narrator& narrator, const ports::Clock& clock, std::uint64_t (*instructions)());
// Fetches the next piece, or starts anew (ends the emulator, status 0). True when there was something to do.
bool poll_firmware();
// Connected with the device's identity.
void firmware_is_healthy();

}  // namespace latchkey::boards::emulated
