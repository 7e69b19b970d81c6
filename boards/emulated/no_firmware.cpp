// SPDX-License-Identifier: Apache-2.0
#include "boards/emulated/firmware.h"

namespace latchkey::boards::emulated {

ports::MqttLink& shared_link(agent::Narrator&, const FirmwarePorts& ports) { return ports.link; }
ports::MqttLinkEvents& heard_before(ports::MqttLinkEvents& core) { return core; }
void poll_firmware() {}
bool firmware_wants_restart() { return false; }

}  // namespace latchkey::boards::emulated
