// SPDX-License-Identifier: Apache-2.0
// Signed firmware on an emulated board, of images that are built with LATCHKEY_FIRMWARE; of others these do nothing.
//
// firmware.bin in the board's folder is the flash of boot choice, records and slots. What a device is given when it is
// onboarded lies beside it; bundles and statements come from the hub (docs/firmware-update.md). QEMU starts the same
// image whatever the choice is: which slot a boot loader would run stands in the log.
#pragma once

#include "agent/story/narrator.h"
#include "platform/ports/entropy.h"
#include "platform/ports/mqtt_link.h"

namespace latchkey::boards::emulated {

struct FirmwarePorts {
  ports::MqttLink& link;
  const ports::Clock& clock;
  ports::Entropy& entropy;
  std::uint64_t (*instructions)();
};

// What the agent's core has for its link: the session that it shares with updates; without firmware.bin the link
// itself. Once.
ports::MqttLink& shared_link(agent::Narrator& narrator, const FirmwarePorts& ports);
// Who hears the link in front of `core`; reads what is kept. Once, before the core's start.
ports::MqttLinkEvents& heard_before(ports::MqttLinkEvents& core);
// Everything of it that is due by now.
void poll_firmware();
// The session is to be ended in order, and the board started anew.
bool firmware_wants_restart();

}  // namespace latchkey::boards::emulated
