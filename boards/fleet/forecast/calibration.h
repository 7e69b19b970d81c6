// SPDX-License-Identifier: Apache-2.0
// What each step costs each part of a hub, and of a fleet that shares the machine: processor time, measured on one
// machine. As a JSON document (docs/schemas/fleet-calibration.schema.json) that `latchkey fleet calibrate` writes and
// `latchkey fleet plan --calibration` reads; without one: kDefaults. Threads: any.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace latchkey::boards::fleet::forecast {

// What happens once to one device or message.
enum class Step : std::uint8_t {
  kProvisioningConnect,  // handshake, CONNECT and SUBSCRIBE at the DPS endpoint, accepted or refused
  kRegistration,         // register and one poll, with their answers
  kIssuance,             // a certificate: signed, stored, and checked and stored by the device
  kHubConnect,           // mutual handshake, CONNECT and two SUBSCRIBE at the hub endpoint
  kRefusedConnect,       // mutual handshake and a CONNECT that is refused
  kCut,                  // the end of a session that an operator has condemned
  kMessage,              // telemetry and its acknowledgement
};
inline constexpr std::size_t kSteps = static_cast<std::size_t>(Step::kMessage) + 1;

enum class Part : std::uint8_t {
  kDpsBroker,   // one thread
  kHubBroker,   // one thread each
  kHubProcess,  // many threads
  kFleetLoop,   // devices of a fleet: one thread for each process
  kFleetKeys,   // making their keys: one thread for each process
};
inline constexpr std::size_t kParts = static_cast<std::size_t>(Part::kFleetKeys) + 1;

std::string_view to_string(Step step);  // "provisioningConnect"
std::string_view to_string(Part part);  // "dpsBroker"

// Microseconds of processor time.
class Costs {
 public:
  double& of(Step step, Part part) { return us_[static_cast<std::size_t>(step)][static_cast<std::size_t>(part)]; }
  double of(Step step, Part part) const { return us_[static_cast<std::size_t>(step)][static_cast<std::size_t>(part)]; }
  bool operator==(const Costs&) const = default;

 private:
  std::array<std::array<double, kParts>, kSteps> us_{};
};

struct Calibration {
  std::string processor;    // "Intel(R) Xeon(R) Processor"
  unsigned cores = 1;       // of the machine that it was measured on
  std::string measured_at;  // ISO 8601; free text for the documented defaults
  std::uint32_t devices = 0;
  double commit_ms = 0;  // the store: write and sync of one transaction, median
  Costs costs;
  bool operator==(const Calibration&) const = default;
};

// Measured on the machine that it names (docs/planner.md).
const Calibration& default_calibration();

// The mean, or the median for three and more, of each figure. At least one; the first one's machine.
Calibration middle(const std::vector<Calibration>& all);

std::string to_json(const Calibration& calibration);
// Strict: everything that is wrong, a line each, "/costs/cut/hubBroker: must be a number from 0 to 10000000".
tl::expected<Calibration, std::string> read_calibration(std::string_view document);

}  // namespace latchkey::boards::fleet::forecast
