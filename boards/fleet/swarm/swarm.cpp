// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/swarm/swarm.h"

#include <algorithm>

#include "agent/core/endpoint.h"
#include "platform/crypto/certificate.h"
#include "platform/openssl/issuance.h"

namespace latchkey::boards::fleet::swarm {
namespace {

constexpr ports::MonotonicMs kSecond = 1'000;

posix::PosixClock clock_of(const std::string& document) {
  return document.empty() ? posix::PosixClock() : posix::PosixClock(document);
}

std::uint32_t in_ms(scenario::TimeUs time) {
  return static_cast<std::uint32_t>(std::clamp<scenario::TimeUs>(time / 1000, 0, UINT32_MAX));
}

}  // namespace

Swarm::Swarm(Share share, history::Writer writer, TlsContexts tls)
    : share_(std::move(share)),
      plan_(share_.scenario),
      clock_(clock_of(share_.clock_document)),
      loop_(clock_),
      tls_(std::move(tls)),
      turnstiles_(loop_, share_.handshakes),
      chronicle_(std::move(writer), share_.start_us),
      room_(std::make_unique<agent::Workspace>()) {}

Swarm::~Swarm() { wipe(MutableBytes(share_.group_key.data(), share_.group_key.size())); }

std::unique_ptr<Swarm> Swarm::create(Share share, history::Writer writer, std::string& problem) {
  crypto::use_issuance_check(openssl::issued_by);
  auto tls = TlsContexts::load(share.trust_store);
  if (!crypto::init()) {
    problem = "no randomness for keys";
  } else if (!tls) {
    problem = share.trust_store + " holds no CA certificate that can be read";
  } else if (!agent::parse_endpoint(share.dps)) {
    problem = "the address of the provisioning endpoint, " + share.dps + ", is not HOST:PORT";
  }
  if (!problem.empty()) return nullptr;
  std::unique_ptr<Swarm> swarm(new Swarm(std::move(share), std::move(writer), std::move(*tls)));
  if (!swarm->loop_.good()) {
    problem = "the system has no descriptors left";
    return nullptr;
  }
  swarm->begin();
  return swarm;
}

void Swarm::begin() {
  const auto& scenario = plan_.scenario();
  config_.id_scope = share_.id_scope;
  config_.dps = *agent::parse_endpoint(share_.dps);
  config_.telemetry_interval_ms = in_ms(scenario.telemetry.every);
  config_.retry_max_ms = share_.retry_max_ms;
  config_.slow_retry_ms = share_.slow_retry_ms;
  // Time 0 by the loop's clock, which goes on while the machine sleeps and has another origin.
  const auto since_us = chronicle_.now();
  const auto started = loop_.now() - static_cast<ports::MonotonicMs>(since_us / 1000);
  household_.reset(new Household{loop_, tls_, turnstiles_, clock_, keys_, *room_, chronicle_, plan_, config_,
                                 ByteView(share_.group_key), share_.prefix, started});
  members_.reserve(share_.count);
  for (std::uint32_t i = 0; i < share_.count; ++i) {
    members_.push_back(std::make_unique<Member>(*household_, share_.first + i));
    members_.back()->begin();
  }
  plan_cuts();
}

void Swarm::plan_cuts() {
  const auto& cuts = plan_.scenario().cuts;
  const auto at = [this](scenario::TimeUs time) {
    return household_->started + static_cast<ports::MonotonicMs>(time / 1000);
  };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    for (const bool gone : {true, false}) {
      cuts_.push_back(std::make_unique<EventLoop::Timer>(loop_, [this, i, gone] { cut(i, gone); }));
      cuts_.back()->set(at(gone ? cuts[i].from : cuts[i].until));
    }
  }
}

void Swarm::cut(std::size_t number, bool gone) {
  for (std::uint32_t i = 0; i < share_.count; ++i) {
    if (plan_.hits(number, share_.first + i)) members_[i]->cut(gone);
  }
}

void Swarm::run(const std::function<void(const Counters&)>& look) {
  auto next = loop_.now() + kSecond;
  EventLoop::Timer ticking(loop_, [&] {
    each_second(look);
    next += kSecond;
    ticking.set(std::max(next, loop_.now()));
  });
  ticking.set(next);
  loop_.run();
  ticking.cancel();
  cuts_.clear();
  {
    // Before the devices are stopped: what they are found in now is what the run came to.
    const std::lock_guard lock(mutex_);
    chronicle_.close(ending_);
  }
  look(chronicle_.counters);
  for (const auto& member : members_) member->end();
}

void Swarm::each_second(const std::function<void(const Counters&)>& look) {
  chronicle_.each_second();
  look(chronicle_.counters);
  if (chronicle_.status() == Status::kOk) return;
  end(history::Ending::kFailed,
      chronicle_.status() == Status::kStorageFull ? "the disk is full" : "the history cannot be written");
}

void Swarm::end(history::Ending why, std::string text) {
  {
    const std::lock_guard lock(mutex_);
    ending_ = {why, std::move(text)};
  }
  loop_.stop();
}

}  // namespace latchkey::boards::fleet::swarm
