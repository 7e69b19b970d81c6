// SPDX-License-Identifier: Apache-2.0
// Watches the devices that one act is about, from its beginning to the end of the run.
#pragma once

#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "boards/fleet/report/figures.h"
#include "boards/fleet/report/internal/life.h"

namespace latchkey::boards::fleet::report {

class ActWatch {
 public:
  // Whom it is about is decided now. Nothing: an act whose effect on devices nobody can tell (sync, faults, the clock).
  static std::optional<ActWatch> begin(TimeUs time, const history::ActBegun& act, const std::vector<Life>& lives);

  void answered(TimeUs time, const history::ActAnswered& answer);
  void connected(TimeUs time, Device device, const Life& life, std::uint32_t generation);
  void ended(TimeUs time, Device device);
  void refused(TimeUs time, Device device);

  std::uint32_t act() const { return figures_.act.act; }
  // `why` of a device that is absent.
  ActFigures finish(const std::vector<Life>& lives, const std::function<std::string(Device)>& why);

 private:
  struct Watched {
    std::uint32_t held = 0;  // the newest generation when the act began
    bool live = false;
    bool cut = false;
    bool refused = false;
    bool back = false;
    bool let_in = false;
  };
  ActFigures figures_;
  bool condemns_ = false;  // the certificates that are held; otherwise only the device's right to use them
  bool lets_in_again_ = false;
  std::unordered_map<Device, Watched> devices_;
};

}  // namespace latchkey::boards::fleet::report
