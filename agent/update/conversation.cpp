// SPDX-License-Identifier: Apache-2.0
#include "agent/update/conversation.h"

#include <algorithm>
#include <cstring>

#include "agent/protocol/text.h"

namespace latchkey::agent {
namespace {

using EventKind = ConversationEvent::Kind;
using ActionKind = ConversationAction::Kind;

constexpr ports::MonotonicMs kHelloAgainMs = 2'000;  // several statements come together
constexpr std::uint32_t kBrokenMax = 3;
constexpr std::uint64_t kRetryAfterMaxS = 86'400;

ConversationAction action_of(ActionKind kind) {
  ConversationAction action;
  action.kind = kind;
  return action;
}

std::string_view put_version(Version version, MutableBytes out) {
  return TextWriter(out)
      .put_decimal(version.major)
      .put('.')
      .put_decimal(version.minor)
      .put('.')
      .put_decimal(version.patch)
      .finish()
      .value_or(std::string_view());
}

}  // namespace

ConversationAction Conversation::step(const ConversationEvent& event, const UpdateStanding& standing,
                                      ports::MonotonicMs now) {
  ConversationAction action;
  switch (event.kind) {
    case EventKind::kSessionUp: session_up(); break;
    case EventKind::kSessionDown: session_down(now); break;
    case EventKind::kGranted:
      if (state_ == State::kSubscribing) state_ = event.ok ? State::kSpeaking : State::kSilent;
      break;
    case EventKind::kAcknowledged: acknowledged(); break;
    case EventKind::kMessage: action = message(event, standing, now); break;
    case EventKind::kNotSent: not_sent(now); break;
    case EventKind::kTimer:
    case EventKind::kDone: break;
  }
  if (action.kind == ActionKind::kWait) action = next(standing, now);
  last_ = action.kind;
  return action;
}

void Conversation::tell(const UpdateReport& report) {
  if (reports_ == kReportsMax) {  // not the oldest: that one may be on its way
    const std::size_t second = (first_ + 1) % kReportsMax;
    queue_[second] = queue_[first_];
    first_ = second;
    --reports_;
  }
  queue_[(first_ + reports_) % kReportsMax] = report;
  ++reports_;
}

ports::MonotonicMs Conversation::wake_at() const {
  ports::MonotonicMs wake = restart_by_;
  if (state_ == State::kWaiting) wake = std::min(wake, std::max(silent_until_, quiet_until_));
  if (state_ != State::kSpeaking) return wake;
  if (!report_open_ && (hello_due_ || reports_ > 0)) wake = std::min(wake, quiet_until_);
  if (asked_) wake = std::min(wake, std::max(request_at_, quiet_until_));
  return report_open_ ? wake : std::min(wake, hello_again_at_);
}

// ---- The session

void Conversation::session_up() {
  state_ = State::kWaiting;
  quiet_until_ = 0;
  hello_due_ = true;
}

// A hub that ends a session over the first words would be asked again and again: it is left alone for a while.
void Conversation::session_down(ports::MonotonicMs now) {
  const bool in_the_first_words = state_ == State::kSubscribing || (state_ == State::kSpeaking && hello_due_) ||
                                  (state_ == State::kSpeaking && report_open_ && hello_open_);
  if (in_the_first_words && ++broken_ >= kBrokenMax) silent_until_ = now + config_.silence_ms;
  state_ = State::kDown;
  report_open_ = false;
  open_ = false;
  request_at_ = 0;
  hello_again_ = false;
  hello_again_at_ = kNever;
}

void Conversation::not_sent(ports::MonotonicMs now) {
  quiet_until_ = now + config_.retry_initial_ms;
  if (last_ == ActionKind::kSubscribe) state_ = State::kWaiting;
  if (last_ == ActionKind::kReport) {
    report_open_ = false;
    hello_due_ = hello_due_ || hello_open_;
  }
  if (last_ != ActionKind::kRequest) return;
  open_ = false;
  request_at_ = 0;
}

void Conversation::acknowledged() {
  if (!report_open_) return;
  report_open_ = false;
  broken_ = 0;
  if (hello_open_ || reports_ == 0) return;
  first_ = (first_ + 1) % kReportsMax;
  --reports_;
}

// ---- What the hub says

ConversationAction Conversation::message(const ConversationEvent& event, const UpdateStanding& standing,
                                         ports::MonotonicMs now) {
  if (state_ != State::kSpeaking || restarting_) return {};
  switch (firmware::kind_of(event.topic)) {
    case firmware::TopicKind::kAnswer: return answer(event, now);
    case firmware::TopicKind::kStatement: {
      ConversationAction action = action_of(ActionKind::kStatement);
      action.payload = event.payload;
      return action;
    }
    case firmware::TopicKind::kOffer: {
      const auto offer = firmware::parse_offer(event.payload.text());
      if (!offer || crossed(*offer)) return {};
      kept_offer_ = *offer;
      return next(standing, now);
    }
    case firmware::TopicKind::kWithdraw: {
      const auto id = firmware::parse_withdrawal(event.payload.text());
      if (!id) return {};
      if (kept_offer_ && kept_offer_->id == *id) kept_offer_.reset();
      ConversationAction action = action_of(ActionKind::kWithdraw);
      action.offer.id = *id;
      return action;
    }
    default: return {};
  }
}

// A hub that has not heard yet what became of that bundle would not offer it, or not so soon.
bool Conversation::crossed(const firmware::Offer& offer) const {
  for (std::size_t i = 0; i < reports_; ++i) {
    const UpdateReport& report = queue_[(first_ + i) % kReportsMax];
    const bool ended = report.kind == UpdateReport::Kind::kRefused || report.kind == UpdateReport::Kind::kReverted ||
                       report.kind == UpdateReport::Kind::kWithdrawn;
    if (ended && report.offer == offer.id) return true;
  }
  return false;
}

ConversationAction Conversation::answer(const ConversationEvent& event, ports::MonotonicMs now) {
  const auto topic = firmware::parse_answer_topic(event.topic);
  if (!topic || !open_) return {};
  const auto rid = parse_decimal(topic->request_id);
  if (!rid || *rid != rid_) return {};
  open_ = false;
  ConversationAction action;
  action.at = asked_->at;
  if (topic->status == 200 && event.payload.size() <= asked_->length) {
    failures_ = 0;
    request_at_ = 0;
    action.kind = ActionKind::kBytes;
    action.payload = event.payload;
  } else if (topic->status == 416) {
    action.kind = ActionKind::kBytes;  // and no bytes: there is no more of it
  } else if (topic->status == 404) {
    action.kind = ActionKind::kWithdraw;
    action.offer.id = asked_->offer;
  } else {
    const std::uint64_t asked_s = topic->status == 429 ? topic->retry_after_s.value_or(0) : 0;
    unanswered(now, std::min(asked_s, kRetryAfterMaxS) * 1'000);
  }
  return action;
}

// ---- What the device says

ConversationAction Conversation::next(const UpdateStanding& standing, ports::MonotonicMs now) {
  follow(standing.wanted);
  if (restarting_) return {};
  if (restart_is_due(now)) {
    restarting_ = true;
    restart_by_ = kNever;
    return action_of(ActionKind::kRestart);
  }
  if (state_ == State::kWaiting && now >= std::max(silent_until_, quiet_until_)) {
    state_ = State::kSubscribing;
    ConversationAction action = action_of(ActionKind::kSubscribe);
    action.topic = firmware::kFilter;
    return action;
  }
  if (state_ != State::kSpeaking) return {};
  if (kept_offer_ && standing.clock_is_set) {
    ConversationAction action = action_of(ActionKind::kOffer);
    action.offer = *kept_offer_;
    kept_offer_.reset();
    return action;
  }
  if (hello_again_) {
    hello_again_ = false;
    hello_again_at_ = now + kHelloAgainMs;
  }
  if (open_ && now >= request_at_) {
    open_ = false;
    unanswered(now, 0);
  }
  if (now < quiet_until_) return {};
  if (!report_open_) {
    const bool once_more = now >= hello_again_at_ && reports_ == 0;
    if (hello_due_ || once_more) return report(nullptr, standing);
    if (reports_ > 0) return report(&queue_[first_], standing);
  }
  if (hello_due_) return {};
  return request(now);
}

// `what`: null for hello.
ConversationAction Conversation::report(const UpdateReport* what, const UpdateStanding& standing) {
  std::array<std::uint8_t, 32> version;
  firmware::Report said;
  said.report = what == nullptr ? "hello" : name_of(what->kind);
  if (what != nullptr && what->reason != Reason::kGood) said.reason = name_of(what->reason);
  if (what != nullptr && what->offer != OfferId()) said.id = what->offer;
  said.version = put_version(standing.version, version);
  said.board = standing.board;
  said.pins = standing.pins;
  said.revocations = standing.revocations;
  if (standing.image.size() == sizeof(firmware::BundleId)) {
    said.image.emplace();
    std::memcpy(said.image->data(), standing.image.data(), said.image->size());
  }
  const auto body = firmware::write_report(said, body_);
  if (!body) {  // a board's name that no report can carry: its configuration is wrong
    state_ = State::kSilent;
    return {};
  }
  hello_open_ = what == nullptr;
  if (hello_open_) hello_due_ = false;
  hello_again_at_ = kNever;  // this one says it
  report_open_ = true;
  ConversationAction action = action_of(ActionKind::kReport);
  action.topic = firmware::kReportTopic;
  action.payload = *body;
  return action;
}

// What the updater wants now; a request for anything else is nobody's any more.
void Conversation::follow(const UpdateAction& wanted) {
  if (wanted.kind != UpdateAction::Kind::kFetch) {
    asked_.reset();
    open_ = false;
    failures_ = 0;
    return;
  }
  if (asked_ && asked_->offer == wanted.offer && asked_->at == wanted.at && asked_->length == wanted.length) return;
  const bool another = !asked_ || asked_->offer != wanted.offer;
  asked_ = Asked{wanted.offer, wanted.at, wanted.length};
  open_ = false;
  if (!another) return;
  failures_ = 0;
  request_at_ = 0;
}

ConversationAction Conversation::request(ports::MonotonicMs now) {
  if (!asked_ || open_ || now < request_at_) return {};
  std::array<std::uint8_t, 10> digits;
  ++rid_;
  const auto rid = TextWriter(digits).put_decimal(rid_).finish();
  const auto topic = firmware::write_fetch_topic(*rid, {asked_->offer, asked_->at, asked_->length}, topic_);
  if (!topic) return {};  // cannot happen: the updater never asks for more than a piece
  open_ = true;
  request_at_ = now + config_.request_timeout_ms;
  ConversationAction action = action_of(ActionKind::kRequest);
  action.topic = *topic;
  return action;
}

void Conversation::unanswered(ports::MonotonicMs now, std::uint64_t at_least_ms) {
  std::uint64_t wait = config_.retry_initial_ms;
  for (std::uint32_t i = 0; i < failures_ && wait < config_.retry_max_ms; ++i) wait *= 2;
  wait = std::max<std::uint64_t>(std::min<std::uint64_t>(wait, config_.retry_max_ms), at_least_ms);
  ++failures_;
  request_at_ = now + wait + entropy_.next() % (wait / 5 + 1);
}

bool Conversation::restart_is_due(ports::MonotonicMs now) {
  if (!restart_wanted_) return false;
  if (restart_by_ == kNever) restart_by_ = now + config_.restart_within_ms;
  return all_told() || now >= restart_by_;
}

}  // namespace latchkey::agent
