// SPDX-License-Identifier: Apache-2.0
// A run that is made up for a test: records by hand, in seconds.
#pragma once

#include <cmath>
#include <string>

#include "boards/fleet/report/tally.h"

namespace latchkey::boards::fleet::report {

class Story {
 public:
  explicit Story(std::uint32_t devices) {
    history::RunBegun run;
    run.scenario = "test";
    run.devices = devices;
    run.prefix = "d-";
    run.workers = 1;
    at(0, history::kNoDevice, run);
  }
  static TimeUs us(double seconds) { return std::llround(seconds * 1e6); }

  void at(double seconds, Device device, const history::Body& body) { tally_.take({us(seconds), device, body}); }
  void at(double seconds, const history::Body& body) { at(seconds, history::kNoDevice, body); }
  void due(double seconds, Device device, double planned, history::Cause cause = history::Cause::kArrival) {
    at(seconds, device, history::Due{cause, us(planned)});
  }
  // One attempt that succeeds.
  void connect(double from, double to, Device device, std::uint32_t generation) {
    at(from, device, history::Connecting{history::Service::kHub, generation});
    at(to, device, history::Connected{history::Service::kHub, generation});
  }
  void provision(double from, double to, Device device, std::uint32_t generation) {
    at(from, device, history::Connecting{history::Service::kDps, 0});
    at(to, device, history::Stored{generation, "0a", "ca", 0, false});
    at(to, device, history::Ended{history::Service::kDps, true, history::Why::kOwn, 0});
  }
  void end(double seconds, Device device, history::Why why, bool was_connected = true) {
    at(seconds, device, history::Ended{history::Service::kHub, was_connected, why, 0});
  }
  // An attempt at the hub that is refused with CONNACK 5.
  void refuse(double from, double to, Device device, std::uint32_t generation) {
    at(from, device, history::Connecting{history::Service::kHub, generation});
    at(to, device, history::Refused{history::Service::kHub, history::RefusedBy::kConnack, 5, ""});
    at(to, device, history::Ended{history::Service::kHub, false, history::Why::kRefused, 5});
  }
  void act(double begun, history::ActKind kind, std::vector<Device> devices, bool disable = false) {
    at(begun, history::ActBegun{acts_, kind, "", "", std::move(devices), disable});
  }
  void answered(double seconds, bool succeeded = true) {
    at(seconds, history::ActAnswered{acts_++, succeeded, succeeded ? "" : "no"});
  }
  void over(double seconds, history::Ending why = history::Ending::kTimeUp) { at(seconds, history::RunEnded{why, ""}); }

  Figures figures() { return tally_.figures(); }

 private:
  Tally tally_;
  std::uint32_t acts_ = 0;
};

}  // namespace latchkey::boards::fleet::report
