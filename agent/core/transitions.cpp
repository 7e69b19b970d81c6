// SPDX-License-Identifier: Apache-2.0
// The one table: every state with every trigger. The compiler refuses it unless each pair is declared exactly once.
#include <array>

#include "agent/core/core.h"

namespace latchkey::agent {

using S = State;
using T = Trigger;

// Builds the table at compile time; complete() is the proof that nothing was forgotten.
struct Transitions {
  using Reaction = void (Core::*)(const Event&);
  // A rule takes 16 bytes on a small processor and many pairs share one: each is kept once for what declares it, and a
  // pair has the number of its rule. Number 0 is nobody's.
  static constexpr std::size_t kMost = 256;
  std::array<Core::Rule, kMost> rules{};
  std::size_t count = 1;
  std::array<std::array<std::uint8_t, kTriggers>, kStates> which{};
  std::array<std::uint8_t, kMost> of_why{};  // the rule that does nothing for that reason
  bool twice = false;

  template <class... To>
  static constexpr std::uint32_t bits(To... to) {
    return (0u | ... | (1u << static_cast<unsigned>(to)));
  }

  constexpr std::uint8_t add(Core::Rule rule) {
    rules[count] = rule;  // one too many does not compile
    return static_cast<std::uint8_t>(count++);
  }
  constexpr void declare(S state, T trigger, std::uint8_t number) {
    std::uint8_t& cell = which[static_cast<std::size_t>(state)][static_cast<std::size_t>(trigger)];
    twice = twice || cell != 0;
    cell = number;
  }
  constexpr void on(S state, T trigger, Reaction reaction, std::uint32_t to) {
    declare(state, trigger, add({Why::kReacts, reaction, to}));
  }
  template <std::size_t N>
  constexpr void none(S state, const T (&triggers)[N], Why why) {
    for (T trigger : triggers) none(state, trigger, why);
  }
  constexpr void none(S state, T trigger, Why why) {
    std::uint8_t& number = of_why[static_cast<std::size_t>(why)];
    if (number == 0) number = add({why, nullptr, 0});
    declare(state, trigger, number);
  }

  constexpr bool complete() const {
    for (const auto& row : which) {
      for (const auto number : row) {
        if (number == 0) return false;
      }
    }
    return !twice;
  }

  // What many states share, so that rows below say what is particular.
  constexpr void no_key(S s) { none(s, {T::kKeyMade, T::kKeyFailed}, Why::kNoKeyAsked); }
  constexpr void no_store(S s) { none(s, {T::kStored, T::kStoreFailed}, Why::kNothingStored); }
  constexpr void no_link(S s) {
    none(s, {T::kLinkUp, T::kLinkRefused, T::kLinkEnded, T::kSubscribed, T::kSubscriptionRefused, T::kPublished},
         Why::kNoLink);
  }
  constexpr void no_dps_answer(S s, Why why) {
    none(s, {T::kDpsAccepted, T::kDpsAssigned, T::kDpsFailed, T::kDpsDisabled, T::kDpsBusy}, why);
  }
  constexpr void no_hub_message(S s, Why why) {
    none(s, {T::kRenewalAccepted, T::kRenewalIssued, T::kRenewalRefused, T::kDevicebound}, why);
  }
  constexpr void no_messages(S s, Why why) {
    no_dps_answer(s, why);
    no_hub_message(s, why);
  }
  constexpr void no_live_timers(S s) {
    none(s, {T::kTelemetryDue, T::kRenewalDue, T::kCertificateExpired}, Why::kNoSuchTimer);
  }
  // Strays are counted and nothing else; storage and start come first; stop comes at any time.
  constexpr void always(S s, Reaction stop, std::uint32_t to) {
    none(s, T::kStray, Why::kStrayByNature);
    none(s, T::kWriteSettled, Why::kToldBefore);
    none(s, T::kLoaded, Why::kOnlyBeforeStart);
    none(s, T::kStart, Why::kStartedOnce);
    on(s, T::kStop, stop, to);
  }

  constexpr void idle_states();
  constexpr void making_a_key();
  constexpr void reaching_dps();
  constexpr void asking_dps();
  constexpr void storing_the_chain();
  constexpr void waiting();
  constexpr void reaching_the_hub();
  constexpr void live();
  constexpr void renewing();
};

// Where a try at the hub, or failing that at DPS, can lead.
constexpr std::uint32_t kToHubOrDps =
    Transitions::bits(S::kHubConnecting, S::kMakingKey, S::kDpsConnecting, S::kSlowWait);
constexpr std::uint32_t kToLeaving = Transitions::bits(S::kLeaving);
constexpr std::uint32_t kToStopped = Transitions::bits(S::kStopped);
constexpr std::uint32_t kToHubWait = Transitions::bits(S::kHubWait, S::kDpsWait) | kToHubOrDps;

constexpr void Transitions::idle_states() {
  none(S::kOff, {T::kStray, T::kWriteSettled}, Why::kStrayByNature);
  on(S::kOff, T::kLoaded, &Core::load, bits(S::kOff));
  on(S::kOff, T::kStart, &Core::start, kToHubOrDps);
  on(S::kOff, T::kStop, &Core::stop, kToStopped);
  no_key(S::kOff);
  no_store(S::kOff);
  no_link(S::kOff);
  no_messages(S::kOff, Why::kNoLink);
  no_live_timers(S::kOff);
  none(S::kOff, T::kDeadline, Why::kNoSuchTimer);

  for (std::size_t trigger = 0; trigger < kTriggers; ++trigger) none(S::kStopped, static_cast<T>(trigger), Why::kOver);

  // A session is being closed. Whatever still comes over it does not count any more: classification makes it a stray.
  const S s = S::kLeaving;
  always(s, &Core::stop_while_leaving, bits(S::kLeaving));
  on(s, T::kLinkEnded, &Core::left, kToHubWait | bits(S::kStopped));
  on(s, T::kLinkRefused, &Core::left, kToHubWait | bits(S::kStopped));
  on(s, T::kLinkUp, &Core::leave_again, bits(S::kLeaving));                 // the close overtook CONNACK
  on(s, T::kDeadline, &Core::leave_again, bits(S::kLeaving, S::kStopped));  // the link has not answered the first time
  none(s, {T::kSubscribed, T::kSubscriptionRefused, T::kPublished}, Why::kNotNeeded);
  no_store(s);
  no_key(s);
  no_messages(s, Why::kNothingAsked);
  no_live_timers(s);
}

constexpr void Transitions::making_a_key() {
  {
    const S s = S::kMakingKey;
    always(s, &Core::stop, kToStopped);
    on(s, T::kKeyMade, &Core::key_made, bits(S::kStoringKey, S::kDpsWait, S::kSlowWait));
    on(s, T::kKeyFailed, &Core::key_failed, bits(S::kDpsWait, S::kSlowWait));
    on(s, T::kDeadline, &Core::key_failed, bits(S::kDpsWait, S::kSlowWait));
    no_store(s);
    no_link(s);
    no_messages(s, Why::kNoLink);
    no_live_timers(s);
  }
  {
    const S s = S::kStoringKey;
    always(s, &Core::stop, kToStopped);
    on(s, T::kStored, &Core::pending_stored, bits(S::kDpsConnecting, S::kSlowWait));
    on(s, T::kStoreFailed, &Core::pending_not_stored, bits(S::kDpsWait, S::kSlowWait));
    on(s, T::kDeadline, &Core::pending_not_stored, bits(S::kDpsWait, S::kSlowWait));
    no_key(s);
    no_link(s);
    no_messages(s, Why::kNoLink);
    no_live_timers(s);
  }
}

constexpr void Transitions::reaching_dps() {
  {
    const S s = S::kDpsConnecting;
    always(s, &Core::stop, kToLeaving);
    on(s, T::kLinkUp, &Core::dps_up, bits(S::kDpsSubscribing));
    on(s, T::kLinkRefused, &Core::dps_identity_refused, bits(S::kDpsWait, S::kSlowWait));
    on(s, T::kLinkEnded, &Core::dps_lost, bits(S::kDpsWait));
    on(s, T::kDeadline, &Core::dps_gives_no_answer, kToLeaving);
    none(s, {T::kSubscribed, T::kSubscriptionRefused, T::kPublished}, Why::kLinkNotUp);
    no_key(s);
    no_store(s);
    no_messages(s, Why::kLinkNotUp);
    no_live_timers(s);
  }
  {
    const S s = S::kDpsSubscribing;
    always(s, &Core::stop, kToLeaving);
    on(s, T::kSubscribed, &Core::dps_subscribed, bits(S::kDpsRegistering) | kToLeaving);
    on(s, T::kSubscriptionRefused, &Core::dps_gives_no_answer, kToLeaving);
    on(s, T::kLinkEnded, &Core::dps_lost, bits(S::kDpsWait));
    on(s, T::kDeadline, &Core::dps_gives_no_answer, kToLeaving);
    none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
    none(s, T::kPublished, Why::kNotNeeded);
    no_key(s);
    no_store(s);
    no_dps_answer(s, Why::kNothingAsked);
    no_hub_message(s, Why::kOtherService);
    no_live_timers(s);
  }
}

constexpr void Transitions::asking_dps() {
  // A request is out. DPS may decide at once: 202 first is a habit, not a promise.
  for (const S s : {S::kDpsRegistering, S::kDpsPolling}) {
    always(s, &Core::stop, kToLeaving);
    on(s, T::kDpsAccepted, &Core::dps_accepted, bits(S::kDpsPollWait) | kToLeaving);
    on(s, T::kDpsAssigned, &Core::dps_assigned, bits(S::kDpsStoring) | kToLeaving);
    on(s, T::kDpsFailed, &Core::dps_failed, kToLeaving);
    on(s, T::kDpsDisabled, &Core::dps_disabled, kToLeaving);
    on(s, T::kDpsBusy, &Core::dps_busy, bits(S::kDpsRegisterWait, S::kDpsPollWait));
    on(s, T::kLinkEnded, &Core::dps_lost, bits(S::kDpsWait));
    on(s, T::kDeadline, &Core::dps_gives_no_answer, kToLeaving);
    none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
    none(s, {T::kPublished, T::kSubscribed, T::kSubscriptionRefused}, Why::kNotNeeded);
    no_key(s);
    no_store(s);
    no_hub_message(s, Why::kOtherService);
    no_live_timers(s);
  }
  // Nothing is out; the session stays open meanwhile.
  for (const S s : {S::kDpsRegisterWait, S::kDpsPollWait}) {
    always(s, &Core::stop, kToLeaving);
    on(s, T::kLinkEnded, &Core::dps_lost, bits(S::kDpsWait));
    none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
    none(s, {T::kPublished, T::kSubscribed, T::kSubscriptionRefused}, Why::kNotNeeded);
    no_key(s);
    no_store(s);
    no_dps_answer(s, Why::kNothingAsked);
    no_hub_message(s, Why::kOtherService);
    no_live_timers(s);
  }
  on(S::kDpsRegisterWait, T::kDeadline, &Core::register_again, bits(S::kDpsRegistering) | kToLeaving);
  on(S::kDpsPollWait, T::kDeadline, &Core::poll, bits(S::kDpsPolling) | kToLeaving);
}

constexpr void Transitions::storing_the_chain() {
  const S s = S::kDpsStoring;
  always(s, &Core::stop, kToLeaving | kToStopped);
  on(s, T::kStored, &Core::chain_stored, kToLeaving | kToHubOrDps);
  on(s, T::kStoreFailed, &Core::chain_not_stored, kToLeaving | bits(S::kDpsWait, S::kSlowWait));
  on(s, T::kDeadline, &Core::chain_not_stored, kToLeaving | bits(S::kDpsWait, S::kSlowWait));
  on(s, T::kLinkEnded, &Core::dps_lost_after_answer, bits(S::kDpsStoring));  // DPS has said all we need
  none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
  none(s, {T::kPublished, T::kSubscribed, T::kSubscriptionRefused}, Why::kNotNeeded);
  no_key(s);
  no_dps_answer(s, Why::kNothingAsked);
  no_hub_message(s, Why::kOtherService);
  no_live_timers(s);
}

constexpr void Transitions::waiting() {
  for (const S s : {S::kDpsWait, S::kSlowWait, S::kHubWait}) {
    always(s, &Core::stop, kToStopped);
    on(s, T::kDeadline, &Core::try_again, kToHubOrDps);
    no_store(s);
    no_key(s);
    no_link(s);
    no_messages(s, Why::kNoLink);
    no_live_timers(s);
  }
}

constexpr void Transitions::reaching_the_hub() {
  {
    const S s = S::kHubConnecting;
    always(s, &Core::stop, kToLeaving);
    on(s, T::kLinkUp, &Core::hub_up, bits(S::kHubSubscribing));
    on(s, T::kLinkRefused, &Core::hub_refused, kToHubWait);
    on(s, T::kLinkEnded, &Core::hub_failed, kToHubWait);
    on(s, T::kDeadline, &Core::hub_slow, kToLeaving);
    no_store(s);
    none(s, {T::kSubscribed, T::kSubscriptionRefused, T::kPublished}, Why::kLinkNotUp);
    no_key(s);
    no_messages(s, Why::kLinkNotUp);
    no_live_timers(s);
  }
  {
    const S s = S::kHubSubscribing;
    always(s, &Core::stop, kToLeaving);
    on(s, T::kSubscribed, &Core::hub_subscribed, bits(S::kHubSubscribing, S::kLive, S::kRenewAccepted));
    // A hub without renewal is a hub all the same.
    on(s, T::kSubscriptionRefused, &Core::hub_subscribed, bits(S::kHubSubscribing, S::kLive, S::kRenewAccepted));
    on(s, T::kLinkEnded, &Core::session_lost, bits(S::kHubWait));
    on(s, T::kDeadline, &Core::hub_slow, kToLeaving);
    no_store(s);
    none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
    none(s, T::kPublished, Why::kNotNeeded);
    on(s, T::kDevicebound, &Core::devicebound, bits(S::kHubSubscribing));
    none(s, {T::kRenewalAccepted, T::kRenewalIssued, T::kRenewalRefused}, Why::kNothingAsked);
    no_key(s);
    no_dps_answer(s, Why::kOtherService);
    no_live_timers(s);
  }
}

constexpr void Transitions::live() {
  for (const S s :
       {S::kLive, S::kRenewMakingKey, S::kRenewStoringKey, S::kRenewAsking, S::kRenewAccepted, S::kRenewStoring}) {
    always(s, &Core::stop, kToLeaving);
    on(s, T::kLinkEnded, &Core::session_lost, bits(S::kHubWait));
    on(s, T::kPublished, &Core::acknowledged, bits(s));
    on(s, T::kDevicebound, &Core::devicebound, bits(s));
    on(s, T::kTelemetryDue, &Core::send_telemetry, bits(s));
    on(s, T::kCertificateExpired, &Core::expired, kToLeaving);
    none(s, {T::kLinkUp, T::kLinkRefused}, Why::kLinkIsUp);
    none(s, {T::kSubscribed, T::kSubscriptionRefused}, Why::kNotNeeded);
    no_dps_answer(s, Why::kOtherService);
  }
  const S s = S::kLive;
  on(s, T::kRenewalDue, &Core::begin_renewal, bits(S::kRenewMakingKey, S::kRenewAsking, S::kLive));
  no_store(s);
  none(s, {T::kRenewalAccepted, T::kRenewalIssued, T::kRenewalRefused}, Why::kNothingAsked);
  none(s, T::kDeadline, Why::kNoSuchTimer);
  no_key(s);
}

constexpr void Transitions::renewing() {
  for (const S s : {S::kRenewMakingKey, S::kRenewStoringKey, S::kRenewAsking, S::kRenewAccepted, S::kRenewStoring}) {
    none(s, T::kRenewalDue, Why::kNoSuchTimer);
  }
  for (const S s : {S::kRenewMakingKey, S::kRenewStoringKey, S::kRenewStoring}) {
    none(s, {T::kRenewalAccepted, T::kRenewalIssued, T::kRenewalRefused}, Why::kNothingAsked);
  }
  for (const S s : {S::kRenewStoringKey, S::kRenewAsking, S::kRenewAccepted, S::kRenewStoring}) no_key(s);
  for (const S s : {S::kRenewMakingKey, S::kRenewAsking, S::kRenewAccepted}) {
    no_store(s);
  }

  on(S::kRenewMakingKey, T::kKeyMade, &Core::renewal_key_made, bits(S::kRenewStoringKey, S::kLive));
  on(S::kRenewMakingKey, T::kKeyFailed, &Core::renewal_key_failed, bits(S::kLive));
  on(S::kRenewMakingKey, T::kDeadline, &Core::renewal_key_failed, bits(S::kLive));

  on(S::kRenewStoringKey, T::kStored, &Core::renewal_key_stored, bits(S::kRenewAsking, S::kLive));
  on(S::kRenewStoringKey, T::kStoreFailed, &Core::renewal_key_not_stored, bits(S::kLive));
  on(S::kRenewStoringKey, T::kDeadline, &Core::renewal_key_not_stored, bits(S::kLive));

  // 202 twice is a repeated request that met the same operation; 200 may come without 202.
  for (const S s : {S::kRenewAsking, S::kRenewAccepted}) {
    on(s, T::kRenewalAccepted, &Core::renewal_accepted, bits(S::kRenewAccepted));
    on(s, T::kRenewalIssued, &Core::renewal_issued, bits(S::kRenewStoring, S::kLive));
    on(s, T::kRenewalRefused, &Core::renewal_refused, bits(S::kLive, S::kRenewAccepted) | kToLeaving);
    on(s, T::kDeadline, &Core::renewal_unanswered, bits(S::kLive));
  }

  on(S::kRenewStoring, T::kStored, &Core::renewal_stored, kToLeaving);
  on(S::kRenewStoring, T::kStoreFailed, &Core::renewal_not_stored, bits(S::kLive));
  on(S::kRenewStoring, T::kDeadline, &Core::renewal_not_stored, bits(S::kLive));
}

namespace {

constexpr Transitions make_transitions() {
  Transitions table;
  table.idle_states();
  table.making_a_key();
  table.reaching_dps();
  table.asking_dps();
  table.storing_the_chain();
  table.waiting();
  table.reaching_the_hub();
  table.live();
  table.renewing();
  return table;
}

constexpr Transitions kTable = make_transitions();
static_assert(kTable.complete(), "every state needs exactly one rule for every trigger");

// What a device carries of it: as many rules as there are.
constexpr std::array<Core::Rule, kTable.count> trimmed() {
  std::array<Core::Rule, kTable.count> rules{};
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = kTable.rules[i];
  return rules;
}
constexpr auto kRules = trimmed();
constexpr auto kWhich = kTable.which;

}  // namespace

const Core::Rule& Core::rule(State state, Trigger trigger) {
  return kRules[kWhich[static_cast<std::size_t>(state)][static_cast<std::size_t>(trigger)]];
}

}  // namespace latchkey::agent
