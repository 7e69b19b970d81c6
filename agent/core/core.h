// SPDX-License-Identifier: Apache-2.0
// The life of one device, without I/O: events go in, actions come out. A driver (driver.h) or a simulation performs
// them. Not thread-safe: one thread steps one core. Allocates nothing (mbedTLS does while it parses certificates).
//
// Invariants, held by every step and checked by the tests' walk over all pairs:
//   1. The slot that a session lives on, and without a session the newest proven credential, is never written over;
//      no slot is ever erased. No refusal removes an identity.
//   2. A key is stored before its CSR leaves, a chain before the session that it came over ends.
//   3. At most one connect is outstanding; the next one waits for LinkEnded.
//   4. After stop() nothing but the end of the session is asked for.
//
// How to use: Loaded for each item, then Start, then whatever happens; Timer at wake_at() at the latest.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/core/action.h"
#include "agent/core/backoff.h"
#include "agent/core/config.h"
#include "agent/core/event.h"
#include "agent/core/report.h"
#include "agent/core/slots.h"
#include "agent/core/state.h"
#include "agent/core/time_bound.h"
#include "agent/core/workspace.h"
#include "agent/protocol/dps.h"
#include "agent/protocol/dps_answer.h"
#include "agent/protocol/hub.h"
#include "agent/protocol/renewal_answer.h"
#include "platform/ports/entropy.h"

namespace latchkey::agent {

class Core {
 public:
  // `entropy` is for jitter, renewal points and request ids; it, `room` and the texts of `config` outlive the core.
  Core(const Config& config, ports::Entropy& entropy, Workspace& room);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // Moves on and says what to do; the actions and their views live until the next call on this room.
  const Actions& step(const Event& event, const Now& now);

  // When Timer has to come at the latest; at least every second while connected, as wall clocks may jump.
  ports::MonotonicMs wake_at() const;

  State state() const { return summary_.state; }
  const Summary& summary() const { return summary_; }
  const Slots& slots() const { return slots_; }
  // What the last event meant; nothing after a Timer that came too early.
  std::optional<Trigger> last_trigger() const { return last_trigger_; }

  // The table: what happens in a state on a trigger. `to` has one bit for every state it may lead to.
  struct Rule {
    Why why = Why::kReacts;
    void (Core::*reaction)(const Event&) = nullptr;
    std::uint32_t to = 0;
  };
  static const Rule& rule(State state, Trigger trigger);

 private:
  friend struct Transitions;
  enum class Link : std::uint8_t { kDown, kConnecting, kUp };
  enum class Service : std::uint8_t { kDps, kHub };
  // What follows when a session has been closed.
  enum class Next : std::uint8_t { kHub, kHubWait, kDpsWait, kSlowWait, kProvision, kStopped };
  enum class Purpose : std::uint8_t { kProvisioning, kRenewal };

  // A key on its way to a certificate.
  struct Pending {
    bool ready = false;  // key and CSR are here, and stored
    Purpose purpose = Purpose::kProvisioning;
    MadeKey made;
    FixedText<36> request_id;  // of a renewal
    std::uint32_t generation = 0;
    bool accepted = false;  // 202 came
    unsigned timeouts = 0;
  };

  // A write that is under way, and what the slot holds once it succeeded.
  struct Writing {
    std::uint32_t ticket = 0;  // 0: none is under way
    bool awaited = false;      // by the state
    std::optional<Slot> slot;
    Credential credential;
  };

  // --- core.cpp: steering
  std::optional<Trigger> classify(const Event& event);
  void dispatch(Trigger trigger, const Event& event);
  std::optional<Trigger> classify_timer() const;
  Trigger settle_write(const Stored& stored);
  Trigger classify_key(std::uint32_t ticket, Trigger trigger);
  Trigger classify_link_up();
  Trigger classify_end(const LinkEnded& ended);
  Trigger classify_message(const Message& message);
  Trigger classify_dps(const Message& message);
  Trigger classify_renewal(const Message& message, const hub::CredentialResponseTopic& topic);
  void go(State state) { summary_.state = state; }
  void go_for(State state, std::uint64_t timeout_ms);
  void report(Occurrence what, std::uint32_t number = 0, std::string_view text = {}, std::uint64_t wait_ms = 0);
  void connect(Service service, const ports::LinkRequest& request);
  enum class Content : std::uint8_t { kTelemetry, kRequest };
  void publish(std::string_view topic, std::string_view payload, Content content);
  bool settle_publish();
  void leave(Next next);
  void follow(Next next);
  void make_key(std::string_view common_name);
  bool store_pending();
  std::uint32_t mark(Slot slot, RecordState state);
  bool take_key(const Event& event, Purpose purpose);
  bool store_credential(const crypto::LeafInfo& leaf, std::string_view hub, std::string_view device_id);
  void drop_pending();
  void forget_requests();
  std::optional<UnixMs> judging_time() const;
  void learn_time(const crypto::LeafInfo& issued);
  void take_in_hand(Slot slot);
  void remember_refusal(RefusedBy who, std::string_view message);

  // --- core_provisioning.cpp
  void begin_provisioning();
  void connect_dps();
  void send_register();
  std::uint64_t asked_wait(std::optional<std::uint32_t> asked_s, std::uint64_t otherwise_ms);
  void fruitless_round();
  void refused_by_dps(Occurrence what, std::string_view message);
  Next after_refused_token();  // and wait_ms_
  void wait_for_dps(std::uint64_t at_least_ms);
  std::uint64_t next_slow_wait();
  void load(const Event& event);
  void start(const Event& event);
  void stop(const Event& event);
  void stop_while_leaving(const Event& event);
  void left(const Event& event);
  void leave_again(const Event& event);
  void key_made(const Event& event);
  void key_failed(const Event& event);
  void pending_stored(const Event& event);
  void pending_not_stored(const Event& event);
  void dps_up(const Event& event);
  void dps_identity_refused(const Event& event);
  void dps_lost(const Event& event);
  void dps_lost_after_answer(const Event& event);
  void dps_subscribed(const Event& event);
  void dps_gives_no_answer(const Event& event);
  void dps_accepted(const Event& event);
  void dps_assigned(const Event& event);
  void dps_failed(const Event& event);
  void dps_disabled(const Event& event);
  void dps_busy(const Event& event);
  void register_again(const Event& event);
  void poll(const Event& event);
  void chain_stored(const Event& event);
  void chain_not_stored(const Event& event);
  void try_again(const Event& event);

  // --- core_session.cpp
  void connect_hub(Slot slot);
  void show_identity_or_provision();
  void wait_for_hub();
  void enter_live();
  void hub_up(const Event& event);
  void give_up_in_hand();
  void hub_refused(const Event& event);
  void hub_failed(const Event& event);
  void hub_slow(const Event& event);
  void hub_subscribed(const Event& event);
  void session_lost(const Event& event);
  void acknowledged(const Event& event);
  void devicebound(const Event& event);
  void send_telemetry(const Event& event);
  void expired(const Event& event);

  // --- core_renewal.cpp
  void ask_for_renewal();
  void hold_renewal(std::uint64_t ms);
  void hold_refused_renewal(std::uint64_t at_least_ms);
  void give_up_this_renewal();
  UnixMs renewal_retry_step() const;
  void choose_renewal_point();
  void begin_renewal(const Event& event);
  void renewal_key_made(const Event& event);
  void renewal_key_failed(const Event& event);
  void renewal_key_stored(const Event& event);
  void renewal_key_not_stored(const Event& event);
  void renewal_accepted(const Event& event);
  void renewal_issued(const Event& event);
  void renewal_refused(const Event& event);
  void renewal_unanswered(const Event& event);
  void renewal_stored(const Event& event);
  void renewal_not_stored(const Event& event);

  Config config_;  // never changes; not const so that its key can be wiped
  ports::Entropy& entropy_;
  Workspace& room_;
  Now now_;  // to go by: not always what the clock shows
  TimeBound time_;
  Summary summary_;
  Slots slots_;
  std::optional<Trigger> last_trigger_;

  // The session, or the attempt at one.
  Link link_ = Link::kDown;
  Service service_ = Service::kDps;
  Next next_ = Next::kHub;
  std::uint64_t wait_ms_ = 0;  // how long to wait after leaving

  // Timers, by the monotonic clock; 0: does not run.
  ports::MonotonicMs deadline_ = 0;
  ports::MonotonicMs telemetry_at_ = 0;
  ports::MonotonicMs renewal_held_until_ = 0;
  ports::MonotonicMs operation_until_ = 0;
  ports::MonotonicMs session_since_ = 0;
  RenewalWindow renewal_window_;  // that came with the newest certificate; not stored

  // Outstanding requests.
  std::uint32_t last_ticket_ = 0;
  std::uint32_t mark_ticket_ = 0;
  std::uint32_t key_ticket_ = 0;
  Writing writing_;
  Pending pending_;
  std::uint32_t request_number_ = 0;  // $rid at DPS
  bool request_open_ = false;         // its answer is waited for
  FixedText<dps::kMaxOperationId> operation_id_;
  std::uint64_t telemetry_bits_ = 0;  // of the open publishes, oldest lowest: 1 is telemetry
  unsigned open_publishes_ = 0;
  bool replace_ = false;  // ask to replace the renewal that is in the way
  unsigned subscriptions_ = 0;

  // What went wrong lately.
  Backoff dps_backoff_;
  Backoff hub_backoff_;
  Backoff renewal_backoff_;
  std::uint32_t hub_failures_ = 0;
  std::uint32_t fruitless_ = 0;    // rounds at DPS since the last accepted connection
  std::uint32_t slow_factor_ = 1;  // 1, 2, 4
  std::uint32_t staged_failures_ = 0;
  std::uint32_t short_lives_ = 0;    // fresh certificates let in since the last session that lasted
  bool condemned_ = false;           // the hub has refused what we hold; cleared by a slow try
  bool slow_try_ = false;            // what we hold is shown once more, and DPS is asked after that
  bool unmarked_ = false;            // that the credential in hand is proven could not be written
  std::uint8_t tokens_refused_ = 0;  // in a row, perhaps for their time

  // What the event in hand says.
  dps::ResponseTopic dps_topic_;
  dps::Answer dps_answer_;
  hub::CredentialResponseTopic renewal_topic_;
  hub::RenewalAnswer renewal_answer_;
};

}  // namespace latchkey::agent
