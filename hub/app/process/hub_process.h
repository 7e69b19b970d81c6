// SPDX-License-Identifier: Apache-2.0
// The hub process: composes the rooms of hub/. Everything that one room needs of another is connected here, and only
// here.
//
// Order of life: folder, registry and keys; then the gates, until each holds a complete state; only then management
// opens, so that no act is acknowledged before the brokers that still run from before a crash follow again.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "hub/app/process/up_options.h"
#include "registry/model/refusal.h"

namespace latchkey::hub::app {

class HubProcess {
 public:
  // Returns once devices and operators are served; nullptr when `end` was asked for before that, and then everything
  // that had been started is stopped again. The refusal's detail is meant for the person at the terminal.
  static registry::Outcome<std::unique_ptr<HubProcess>> start(UpOptions options, const std::stop_token& end);
  // Stops in order: management, brokers, rooms, registry.
  ~HubProcess();

  // What a newcomer needs to connect a device; no secrets.
  std::string greeting() const;

 private:
  struct Parts;
  explicit HubProcess(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace latchkey::hub::app
