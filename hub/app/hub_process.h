// SPDX-License-Identifier: Apache-2.0
// The hub process: composes the rooms of hub/. Everything that one room needs of another is connected here, and only
// here.
//
// Order of life: folder, registry and keys; then the gates, until each holds a complete state; only then management
// opens, so that no act is acknowledged before the brokers that still run from before a crash follow again.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "hub/app/endpoints.h"
#include "registry/model/refusal.h"
#include "registry/model/resources.h"

namespace latchkey::hub::app {

struct UpOptions {
  std::filesystem::path data;
  Endpoints endpoints;
  std::filesystem::path endpoints_file;  // where to tell the chosen addresses as JSON; empty: nowhere
  bool rehearsal = false;
  std::string clock;  // clock document; only in a rehearsal
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;
  std::filesystem::path mosquitto = "/usr/sbin/mosquitto";
  std::filesystem::path plugin;
  int confirm_timeout_ms = 10'000;  // a gate that has not confirmed a change by then is fenced
  std::uint32_t retry_after_s = 1;  // what DPS asks a device to wait before it polls
};

class HubProcess {
 public:
  // Returns once devices and operators are served. The refusal's detail is meant for the person at the terminal.
  static registry::Outcome<std::unique_ptr<HubProcess>> start(UpOptions options);
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
