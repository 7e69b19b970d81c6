// SPDX-License-Identifier: Apache-2.0
// How long it takes until a fleet is back: the scenario's devices live in virtual time against a model of the hub.
//
// Time counts from the first act on; until then the fleet has all the time in the world to arrive (Model::charge). A
// scenario without acts counts from its start. One thread for each call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "boards/fleet/forecast/model.h"
#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::forecast {

inline constexpr std::uint32_t kUsualSample = 20'000;
inline constexpr std::uint32_t kLeastSample = 100;

struct Question {
  scenario::Scenario scenario;  // with the number of devices that is asked about
  Plant plant;
  Calibration calibration;
  std::uint32_t sample = kUsualSample;  // at most so many cores are run for each node; 0: one for each device
  std::uint32_t retry_max_ms = 60'000;  // as in `fleet run`, and the next
  std::uint32_t slow_retry_ms = 900'000;
};

struct Point {
  double at_s = 0;
  std::uint64_t locked_out = 0;  // devices that the acts have put out, or that have not yet come for the first time
};

struct PartLoad {
  Part part = Part::kDpsBroker;
  double busy = 0;  // of what its threads could do, until nine tenths were back
};

enum class Limit : std::uint8_t {
  kNothing,   // nothing was busy: devices wait by their own clocks
  kCores,     // all threads together want more than there is
  kPart,      // one part's threads: Forecast::narrowest
  kThrottle,  // registrations are counted
};

struct Forecast {
  std::uint64_t devices = 0;
  std::uint64_t simulated = 0;  // cores that were run, of one node
  double weight = 1;            // devices that each of them stands for
  std::uint64_t affected = 0;
  std::uint64_t returning = 0;  // of them: those who have a way back
  std::uint64_t back = 0;
  // Seconds until so many of the returning were back; nothing: not within the longest run.
  std::optional<double> half, nine_tenths, nearly_all, all;
  std::vector<Point> locked_out;
  std::vector<PartLoad> parts;
  double cores_busy = 0;
  Limit limit = Limit::kNothing;
  Part narrowest = Part::kDpsBroker;
  std::uint64_t turned_away = 0;  // registrations that were told to come later
  std::uint64_t gave_up = 0;      // attempts that took a device too long, and sessions that were cut
  double telemetry_load = 0;      // of the hub's brokers; above Model::kMostTelemetry the answer is too good
  bool cut_short = false;         // too many events: the answer is what was seen until then
  std::uint64_t events = 0;
};

// What of a scenario, or of the two together, is not modelled: a line each, "/acts/0/act: ...". Empty: all is.
std::string unmodelled(const Question& question);

// `question` is modelled. Fails only when the crypto library does: the text says so.
tl::expected<Forecast, std::string> foretell(const Question& question);

}  // namespace latchkey::boards::fleet::forecast
