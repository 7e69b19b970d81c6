// SPDX-License-Identifier: Apache-2.0
// The states of an agent, what can move it, and the rules of one pair of both. The table itself: transitions.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace latchkey::agent {

enum class State : std::uint8_t {
  kOff,      // before start: storage is being read
  kStopped,  // after stop, for good
  kLeaving,  // a session is being closed; what comes next is remembered

  // Provisioning
  kMakingKey,
  kStoringKey,  // the key is made safe before its CSR leaves
  kDpsConnecting,
  kDpsSubscribing,
  kDpsRegistering,   // register sent
  kDpsRegisterWait,  // told to come again
  kDpsPolling,       // poll sent
  kDpsPollWait,
  kDpsStoring,  // the chain is written to the inactive slot
  kDpsWait,     // back-off
  kSlowWait,    // DPS said no: come back much later

  // Hub
  kHubWait,  // back-off
  kHubConnecting,
  kHubSubscribing,
  kLive,

  // Hub, with a renewal under way (telemetry goes on)
  kRenewMakingKey,
  kRenewStoringKey,
  kRenewAsking,    // issueCertificate sent
  kRenewAccepted,  // 202 came
  kRenewStoring,
};
inline constexpr std::size_t kStates = static_cast<std::size_t>(State::kRenewStoring) + 1;

// Events, sorted by what they mean to the machine.
enum class Trigger : std::uint8_t {
  kLoaded,
  kStart,
  kStop,
  kKeyMade,
  kKeyFailed,
  kStored,  // the write that this state waits for
  kStoreFailed,
  kWriteSettled,  // one that nobody waits for: a mark, or one that outlived its state
  kLinkUp,        // CONNACK 0
  kLinkRefused,   // CONNACK 2, 4, 5 or TLS alert 45: this identity does not count (any more)
  kLinkEnded,     // any other end
  kSubscribed,
  kSubscriptionRefused,
  kPublished,
  kDpsAccepted,  // 202, or 200 that is not yet decided
  kDpsAssigned,
  kDpsFailed,  // 401, 404, other 4xx, failed
  kDpsDisabled,
  kDpsBusy,  // 429, 5xx
  kRenewalAccepted,
  kRenewalIssued,
  kRenewalRefused,
  kDevicebound,
  kDeadline,  // the state's own time is up
  kTelemetryDue,
  kRenewalDue,
  kCertificateExpired,
  kStray,  // belongs to nothing that is outstanding: late, unreadable, for somebody else
};
inline constexpr std::size_t kTriggers = static_cast<std::size_t>(Trigger::kStray) + 1;

std::string_view to_string(State state);
std::string_view to_string(Trigger trigger);

// Why a pair does nothing.
enum class Why : std::uint8_t {
  kReacts,  // it does something
  // ignored: can happen, and nothing is to be done
  kStrayByNature,  // counted, otherwise of no meaning
  kOver,           // stopped
  kToldBefore,     // the slots were told before the table was asked
  kNotNeeded,      // true, but it changes nothing here
  // impossible: the classification never gives this trigger in this state
  kOnlyBeforeStart,
  kStartedOnce,
  kNoKeyAsked,
  kNothingStored,
  kNoLink,
  kLinkIsUp,  // an end after CONNACK is never a refusal, and CONNACK comes once
  kLinkNotUp,
  kOtherService,  // the session is with the other one of DPS and hub
  kNothingAsked,  // no request of that kind is outstanding
  kNoSuchTimer,
};
constexpr bool is_impossible(Why why) { return why >= Why::kOnlyBeforeStart; }
std::string_view to_string(Why why);

// States that share rules.
constexpr bool is_live(State state) { return state >= State::kLive; }

}  // namespace latchkey::agent
