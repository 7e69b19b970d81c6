// SPDX-License-Identifier: Apache-2.0
// What `latchkey up` was asked for.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/app/status_options.h"
#include "registry/model/resources.h"
#include "registry/roles/evaluation.h"

namespace latchkey::hub::app {

inline constexpr int kConfirmTimeoutMs = 10'000;

struct UpOptions {
  std::filesystem::path data;
  Endpoints endpoints;
  StatusOptions status;                                    // lists and OCSP for everybody else
  std::optional<Address> https = Address{"127.0.0.1", 0};  // the management API over HTTPS; nothing: nowhere
  std::optional<Address> metrics;                          // where Prometheus asks; nothing: nowhere
  std::filesystem::path endpoints_file;                    // where to tell the chosen addresses as JSON; empty: nowhere
  bool rehearsal = false;
  std::optional<Address> admin;  // where whoever rehearses asks (hub/rehearsal); only in a rehearsal; nothing: nowhere
  registry::roles::Parity role_parity = registry::roles::Parity::kSeed;
  std::string clock;  // clock document; only in a rehearsal
  registry::KeyProfile key_profile = registry::KeyProfile::kEcP256;
  std::filesystem::path mosquitto = "/usr/sbin/mosquitto";
  std::filesystem::path plugin;
  int confirm_timeout_ms = kConfirmTimeoutMs;  // a gate that has not confirmed a change by then is fenced
  std::uint32_t retry_after_s = 1;             // what DPS asks a device to wait before it polls
  bool own_root_revoke_rotates = false;        // --compat byor-revoke-rotates
};

}  // namespace latchkey::hub::app
