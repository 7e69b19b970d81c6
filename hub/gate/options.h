// SPDX-License-Identifier: Apache-2.0
// What the broker's configuration file tells the gate (plugin_opt_NAME VALUE).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/base/status.h"

namespace latchkey::hub::gate {

enum class Endpoint : std::uint8_t { kDps, kHub };

struct Options {
  Endpoint endpoint = Endpoint::kHub;  // endpoint dps|hub, required
  std::string socket;                  // socket PATH, required: who comes through this listener is the hub process
  // keep_sessions yes|no: whether sessions go on when the hub endpoint's lease ends. Nobody new is let in either way.
  bool keep_sessions = false;

  // DPS endpoint: connections whose proof failed or is not judged yet.
  std::size_t max_unverified = 1280;
  std::size_t max_unverified_per_peer = 960;  // more than max_unjudged and those who may be behind it at the door
  std::size_t max_unjudged = 256;             // beyond so many that the hub process has not judged nobody new is taken
  std::uint64_t unverified_timeout_ms = 10'000;  // counted from CONNECT; then they are cut
  std::uint64_t approval_ms = 30'000;            // how long an approved attempt may displace a verified session
  std::size_t max_attempts = 1024;               // attempts that wait for the hub's verdict or are approved
  std::size_t max_attempts_per_peer = 16;
  std::size_t max_kept_sessions = 65'536;  // persistent sessions that the broker keeps for nobody knows whom

  // Connections that have not sent CONNECT: a deadline from TCP accept, and how many may keep silent at one time.
  std::uint64_t connect_timeout_ms = 10'000;
  std::size_t max_silent = 256;
  // Beyond so many in the middle of their handshake nobody new is taken: what was begun is finished first.
  std::size_t max_arriving = 512;

  std::size_t ring_size = 4096;        // decisions kept for the hub process
  std::size_t max_outstanding = 4096;  // requests that the hub process has not answered
  std::size_t max_outstanding_per_connection = 16;
};

// The refusal is a sentence for the broker's log: an option that is unknown, missing or not a number above zero.
Result<Options, std::string> parse_options(const std::vector<std::pair<std::string_view, std::string_view>>& options);

}  // namespace latchkey::hub::gate
