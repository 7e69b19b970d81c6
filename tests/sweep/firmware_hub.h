// SPDX-License-Identifier: Apache-2.0
// The firmware side of a hub, for lives in simulated time: it holds one bundle and the statements, offers, answers, and
// remembers what devices said. It keeps to docs/firmware-update.md, and is as good a neighbour as the weather: some
// answers are lost, some come late, some sessions break. Not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/protocol/firmware.h"
#include "tests/sweep/sim_link.h"

namespace latchkey::sweep {

class FirmwareHub {
 public:
  using Bytes = std::vector<std::uint8_t>;

  // What is to be run. `image`: SHA-256 of what is in the bundle. `patient`: a device that went back is asked again.
  void publish(Bytes bundle, const agent::firmware::BundleId& image, bool patient);
  // Held from now on; told to whoever says hello, and at once to `link` if that is at the hub.
  void state_revocations(Bytes statement, std::uint64_t version, SimLink* link);

  // What a device published.
  void hear(SimLink& link, const std::string& topic, const std::string& payload);
  // A session is to be cut, as it happens.
  bool take_cut() { return std::exchange(cut_, false); }

  // Reports of that name so far; those of bundles only if they named ours.
  unsigned heard(const std::string& report) const;
  // What the last report came from.
  bool runs_ours() const { return running_ == image_; }
  bool runs_factory() const { return !reports_.empty() && !running_; }
  unsigned malformed() const { return malformed_; }
  bool weather = true;

 private:
  void hear_report(SimLink& link, const std::string& payload);
  void hear_request(SimLink& link, const std::string& topic);
  void offer(SimLink& link);
  void answer(SimLink& link, int status, const std::string& request_id, const std::string& body,
              int retry_after_s = -1);

  Bytes bundle_;
  agent::firmware::BundleId id_{};
  agent::firmware::BundleId image_{};
  bool patient_ = true;
  bool given_up_ = false;
  Bytes revocations_;
  std::uint64_t revocations_version_ = 0;
  std::vector<std::string> reports_;
  std::optional<agent::firmware::BundleId> running_;
  unsigned requests_ = 0;
  unsigned malformed_ = 0;
  bool cut_ = false;
};

}  // namespace latchkey::sweep
