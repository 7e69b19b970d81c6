// SPDX-License-Identifier: Apache-2.0
// The command line of latchkey-agent, checked.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/config.h"

namespace latchkey::boards::host {

struct Options {
  std::string registration_id;
  std::string id_scope;
  std::string dps = "127.0.0.1:8883";
  std::string ca_file;
  std::string state_folder;

  // One of the two ways in.
  std::string key_file;
  bool group_key = false;
  std::string onboarding_certificate;
  std::string onboarding_key;

  std::string clock_file;   // empty: the machine's time
  std::string status_file;  // empty: none
  std::string key_profile = "ec-p256";
  std::uint32_t telemetry_interval_ms = 60'000;
  std::uint32_t retry_initial_ms = 1'000;
  std::uint32_t retry_max_ms = 60'000;
  std::uint32_t slow_retry_ms = 900'000;
  std::uint16_t keep_alive_s = 60;
  double renew_at = 0;  // of the lifetime; 0: a random point from 0.70 to 0.85
  bool print_devicebound = false;

  // Firmware updates, if it has a board's name (boards/host/updates.h).
  std::string firmware_board;
  std::string firmware_version = "1.0.0";  // of the image that came with the device
  std::string firmware_roots;
  std::string firmware_timestamp_roots;
  std::vector<std::string> firmware_pins;  // object identifiers, dotted
  std::string firmware_statement_key;
  std::uint64_t firmware_slot_size = 16 << 20;
  std::uint32_t firmware_trial_limit_ms = 900'000;
};

// What to do instead of running: print `text` and exit with `status` (0 for --help, 2 for a mistake).
struct Exit {
  int status;
  std::string text;
};

// Only the form of the options is checked here; files are looked at by make_config.
std::variant<Options, Exit> parse_options(int argc, const char* const* argv);

// Reads the key file and fills the core's configuration, whose texts point into `options`. On a mistake `problem` is
// one sentence for the operator.
std::optional<agent::Config> make_config(const Options& options, std::string& problem);

}  // namespace latchkey::boards::host
