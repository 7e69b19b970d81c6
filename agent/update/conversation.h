// SPDX-License-Identifier: Apache-2.0
// What a device and its hub say to each other about firmware, as a state machine: subscribe, say hello, tell what
// becomes of updates, ask for the pieces that the updater wants, take offers and statements. Pure: an event in, one
// action out, no I/O; UpdateSession performs the actions. Topics and bodies: agent/protocol/firmware.h.
//
// Invariants:
//   1. Nothing is said before the hub has granted the subscription. The first word of each session is hello.
//   2. At most one request is open. An answer to another one, late or made up, is passed over.
//   3. Reports leave in their order, each after the one before was acknowledged; what was not is said again.
//   4. Whatever the hub answers, or does not, requests become rarer until it sends what was asked for.
//
// One thread.
#pragma once

#include "agent/protocol/firmware.h"
#include "agent/update/updater.h"
#include "platform/ports/clock.h"
#include "platform/ports/entropy.h"

namespace latchkey::agent {

struct ConversationConfig {
  std::uint32_t request_timeout_ms = 30'000;
  std::uint32_t retry_initial_ms = 1'000;  // doubles, 1 to 1.2 times
  std::uint32_t retry_max_ms = 900'000;
  std::uint32_t restart_within_ms = 10'000;  // a restart waits so long for the last reports to be acknowledged
  std::uint32_t silence_ms = 3'600'000;      // after three sessions in a row that broke before hello was acknowledged
};

// Where the device stands. Views live for the step.
struct UpdateStanding {
  std::string_view board;
  Version version;  // of what runs
  ByteView image;   // its SHA-256; empty when it came with the device
  std::uint64_t pins = 0;
  std::uint64_t revocations = 0;
  UpdateAction wanted;  // Updater::wanted()
  bool clock_is_set = true;
};

struct ConversationEvent {
  enum class Kind : std::uint8_t {
    kSessionUp,     // with the hub, and ready for more subscriptions
    kSessionDown,   // or about to be closed
    kGranted,       // the answer to kSubscribe: `ok`
    kAcknowledged,  // the last kReport
    kMessage,       // `topic`, `payload`
    kTimer,
    kDone,     // the action of before was performed
    kNotSent,  // it could not be
  };
  Kind kind = Kind::kTimer;
  bool ok = true;
  std::string_view topic;
  ByteView payload;
};

// One at a time; kDone or kNotSent follows all but kWait and kRestart, at once. Views live until the next step, those
// of a message as long as the message.
struct ConversationAction {
  enum class Kind : std::uint8_t {
    kWait,
    kSubscribe,  // `topic`
    kReport,     // publish `payload` to `topic`; its acknowledgement is wanted
    kRequest,    // publish to `topic`
    kOffer,      // for the updater: `offer`
    kWithdraw,   // for the updater: `offer.id`
    kBytes,      // for the updater: `payload` from `at` on
    kStatement,  // `payload`; took_statement() if it was news
    kRestart,
  };
  Kind kind = Kind::kWait;
  std::string_view topic;
  ByteView payload;
  firmware::Offer offer;
  std::uint64_t at = 0;
};

class Conversation {
 public:
  enum class State : std::uint8_t {
    kDown,
    kWaiting,      // up, and nothing is said for a while
    kSubscribing,  // the answer is waited for
    kSpeaking,
    kSilent,  // this hub does not grant the subscription
  };
  static constexpr std::size_t kReportsMax = 8;  // that wait; beyond them the second oldest is forgotten

  // Both outlive it.
  Conversation(const ConversationConfig& config, ports::Entropy& entropy) : config_(config), entropy_(entropy) {}

  ConversationAction step(const ConversationEvent& event, const UpdateStanding& standing, ports::MonotonicMs now);

  // Notes; a step follows.
  void tell(const UpdateReport& report);
  void want_restart() { restart_wanted_ = true; }
  void took_statement() { hello_again_ = true; }

  // When kTimer has to come at the latest; the end of time when nothing is waited for.
  ports::MonotonicMs wake_at() const;
  State state() const { return state_; }

 private:
  // What a request asks for.
  struct Asked {
    OfferId offer{};
    std::uint64_t at = 0;
    std::size_t length = 0;
  };
  static constexpr ports::MonotonicMs kNever = ~ports::MonotonicMs{0};

  void session_up();
  void session_down(ports::MonotonicMs now);
  void not_sent(ports::MonotonicMs now);
  void acknowledged();
  ConversationAction message(const ConversationEvent& event, const UpdateStanding& standing, ports::MonotonicMs now);
  ConversationAction answer(const ConversationEvent& event, ports::MonotonicMs now);
  ConversationAction next(const UpdateStanding& standing, ports::MonotonicMs now);
  ConversationAction report(const UpdateReport* what, const UpdateStanding& standing);
  ConversationAction request(ports::MonotonicMs now);
  void follow(const UpdateAction& wanted);
  void unanswered(ports::MonotonicMs now, std::uint64_t at_least_ms);
  bool restart_is_due(ports::MonotonicMs now);
  bool crossed(const firmware::Offer& offer) const;
  bool all_told() const { return !hello_due_ && !report_open_ && reports_ == 0; }

  const ConversationConfig& config_;
  ports::Entropy& entropy_;
  State state_ = State::kDown;
  ConversationAction::Kind last_ = ConversationAction::Kind::kWait;  // the action in hand
  ports::MonotonicMs quiet_until_ = 0;                               // something could not be sent

  // Reports.
  std::array<UpdateReport, kReportsMax> queue_{};
  std::size_t first_ = 0;
  std::size_t reports_ = 0;
  bool hello_due_ = false;
  bool hello_open_ = false;   // what is open is hello
  bool report_open_ = false;  // its acknowledgement is waited for
  bool hello_again_ = false;  // statements were taken: the hub is to know
  ports::MonotonicMs hello_again_at_ = kNever;

  // The request.
  std::optional<Asked> asked_;
  std::uint32_t rid_ = 0;  // of the last request
  bool open_ = false;      // its answer is waited for
  std::uint32_t failures_ = 0;
  ports::MonotonicMs request_at_ = 0;  // of an open one: when it is given up; else: not before

  // An offer that came before the clock was set.
  std::optional<firmware::Offer> kept_offer_;

  bool restart_wanted_ = false;
  ports::MonotonicMs restart_by_ = kNever;
  bool restarting_ = false;

  std::uint32_t broken_ = 0;  // sessions in a row
  ports::MonotonicMs silent_until_ = 0;

  std::array<std::uint8_t, firmware::kTopicMax> topic_{};
  std::array<std::uint8_t, 512> body_{};
};

}  // namespace latchkey::agent
