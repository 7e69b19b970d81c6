// SPDX-License-Identifier: Apache-2.0
// What an agent is told before it starts. Texts are views: their owner outlives the core.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "agent/core/endpoint.h"
#include "platform/crypto/key.h"

namespace latchkey::agent {

// How the device proves itself to DPS.
enum class Onboarding : std::uint8_t {
  kSymmetricKey,  // a SAS token made of `symmetric_key`
  kCertificate,   // X.509, shown by the link (LinkIdentity::kOnboarding)
};

inline constexpr std::size_t kMaxSymmetricKey = 64;
inline constexpr std::uint32_t kWrittenAt = 1'767'225'600;  // 2026-01-01: this program is not older

struct Config {
  std::string_view registration_id;  // also the CN of every request
  std::string_view id_scope;
  Endpoint dps;

  Onboarding onboarding = Onboarding::kSymmetricKey;
  // The device's own key (16 to 64 bytes); of a group key it is derived first: see derive_device_key.
  std::array<std::uint8_t, kMaxSymmetricKey> symmetric_key{};
  std::size_t symmetric_key_size = 0;

  crypto::Curve curve = crypto::Curve::kP256;

  // A right clock is not before this, in seconds: kWrittenAt, or when the program was built. 0: not known
  // (time_bound.h).
  std::uint32_t no_time_before_s = 0;

  std::uint32_t telemetry_interval_ms = 60'000;  // 0: none
  std::uint32_t retry_initial_ms = 1'000;        // doubles, +-20 %
  std::uint32_t retry_max_ms = 60'000;
  std::uint32_t slow_retry_ms = 900'000;  // after 401, 404, failed, disabled; grows to four times as much
  std::uint32_t poll_ms = 2'000;          // when DPS names no retry-after
  std::uint32_t request_timeout_ms = 30'000;
  std::uint32_t connect_timeout_ms = 60'000;
  std::uint32_t operation_timeout_ms = 300'000;  // of one registration, polls included
  std::uint32_t failures_before_provisioning = 50;
  std::uint16_t keep_alive_s = 60;
  // When to renew, in thousandths of the lifetime; 0: a random point from 700 to 850.
  std::uint16_t renew_at_permille = 0;
};

}  // namespace latchkey::agent
