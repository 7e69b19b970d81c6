// SPDX-License-Identifier: Apache-2.0
// Several hubs of one process: what each of them says and decides, and devices that go to one of them by its name.
#pragma once

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {

// The second hub, beside kHubName, and where it is to listen.
inline constexpr const char* kEast = "east";
inline constexpr const char* kEastAddress = "127.0.0.3:0";

// The gate of that hub as `latchkey status` shows it; an empty object when there is none.
nlohmann::json gate_of(Hub& hub, const std::string& name);
pid_t broker_of(Hub& hub, const std::string& name);  // -1: none
std::string address_of(Hub& hub, const std::string& name);

// A device's options for that hub of several.
DeviceClient::Options options_at(Hub& hub, const std::string& name, const std::string& id, const Identity& identity);
// What the hub of that name decides about a new connection, by CONNACK and on record.
std::string seen_at(Hub& hub, const std::string& name, const std::string& id, const Identity& identity);
// A session that stands; throws when it is refused.
std::unique_ptr<DeviceClient> session_at(Hub& hub, const std::string& name, const std::string& id,
                                         const Identity& identity);
// Names of that hub's CA certificates with that subject.
std::vector<std::string> certificates_at(Hub& hub, const std::string& name, const std::string& subject);

// kill() takes what is not above 0 for groups of processes, and -1 for every process there is: false, and nothing done.
bool pause_process(pid_t process);

}  // namespace latchkey::tests
