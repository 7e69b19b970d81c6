// SPDX-License-Identifier: Apache-2.0
// The rehearsal's clock, moved by whoever rehearses: reads and writes the clock document that hub, gates and agents go
// by (platform/posix/rehearsal_clock.h).
//
// Time goes back only for those who say so: certificates that were issued in a time that has not been yet are refused
// as not yet valid, and everything that was decided by time stays decided.
//
// Threads: any; one change at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "platform/base/ids.h"
#include "platform/posix/rehearsal_clock.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::rehearsal {

class Clock {
 public:
  struct Parts {
    std::filesystem::path file;    // the clock document
    std::function<UnixMs()> real;  // the machine's time
    // Returns when hub and gates go by that document, or kEnforcementTimeout.
    std::function<registry::Outcome<registry::Nothing>(const posix::RehearsalDocument&)> settle;
  };
  explicit Clock(Parts parts) : parts_(std::move(parts)) {}

  // {"now", "nowMs", "realMs", "offset", "rate", "since"}
  registry::Outcome<nlohmann::json> show();
  // {"now" | "offset", "rate", "backwards"}: all of them may be left out. `now` is a time in UTC, `offset` seconds from
  // real time; without them time goes on from where it is, with another rate. kMalformedRequest;
  // kPreconditionFailed: that is back in time, and "backwards" is not true.
  registry::Outcome<nlohmann::json> set(std::string_view body);
  // {"seconds", "backwards"}: negative is back.
  registry::Outcome<nlohmann::json> advance(std::string_view body);

 private:
  registry::Outcome<posix::RehearsalDocument> read() const;
  registry::Outcome<nlohmann::json> move(const posix::RehearsalDocument& to, UnixMs real, bool backwards);

  const Parts parts_;
  std::mutex mutex_;
};

}  // namespace latchkey::hub::rehearsal
