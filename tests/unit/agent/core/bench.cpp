// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/agent/core/bench.h"

#include "agent/core/key_maker.h"

namespace latchkey::test {

using namespace agent;

namespace {

constexpr const char* kName = "dev-1";
constexpr UnixMs kLifetime = 7'200'000;

Config bench_config() {
  Config config;
  config.registration_id = kName;
  config.id_scope = "0ne00TEST";
  config.dps = {"dps.example", 8883};
  config.symmetric_key_size = 32;
  config.telemetry_interval_ms = 10'000;
  config.slow_retry_ms = 100'000;
  config.failures_before_provisioning = 5;
  return config;
}

TestAuthority& authority() {
  static TestAuthority shared;
  return shared;
}

// A few real keys, made once: the walk is about the machine.
void take_pooled_key(MadeKey& out) {
  static std::array<MadeKey, 4> pool;
  static std::size_t next = 0;
  if (pool[0].csr_size == 0) {
    require(crypto::init().has_value(), "crypto::init");
    for (MadeKey& made : pool) require(FreshKeyMaker().make(crypto::Curve::kP256, kName, made).has_value(), "key");
  }
  const MadeKey& chosen = pool[next++ % pool.size()];
  out.key.bytes = chosen.key.bytes;
  out.key.size = chosen.key.size;
  out.key.curve = chosen.key.curve;
  out.csr = chosen.csr;
  out.csr_size = chosen.csr_size;
}

std::string rid_of(std::string_view topic) {
  const std::size_t at = topic.find("$rid=") + 5;
  return std::string(topic.substr(at, topic.find('&', at) - at));
}

}  // namespace

Bench::Bench(Coverage* coverage, std::uint64_t seed) : entropy_(seed), coverage_(coverage) {
  require(crypto::init().has_value(), "crypto::init");
  core = std::make_unique<Core>(bench_config(), entropy_, room);
}

void Bench::check_slot_write(ports::Item item, RecordState written) {
  if (item == ports::Item::kPendingKey) return;
  const Slot slot = item == ports::Item::kSlotA ? Slot::kA : Slot::kB;
  const Credential* here = core->slots().get(slot);
  const Credential* there = core->slots().get(agent::other(slot));
  if (written != RecordState::kStaged || here == nullptr || here->state != RecordState::kProven) return;
  EXPECT_TRUE(there != nullptr && there->state == RecordState::kProven && there->generation > here->generation)
      << "the newest proven credential would be written over";
}

void Bench::check(const Actions& actions, bool was_stopping) {
  int slots_touched = 0;
  for (const Action& action : actions) {
    if (was_stopping) {
      EXPECT_TRUE(std::holds_alternative<Disconnect>(action) || std::holds_alternative<Report>(action))
          << "after stop only the end of the session is asked for";
    }
    if (const auto* wanted = std::get_if<MakeKey>(&action)) {
      key_ticket = wanted->ticket;
    } else if (const auto* store = std::get_if<Store>(&action)) {
      EXPECT_LE(store->bytes.size(), kMaxRecord);
      const auto record = parse_record(store->bytes);
      ASSERT_TRUE(record.has_value());
      check_slot_write(store->item, record->state);
      slots_touched += store->item != ports::Item::kPendingKey;
      store_ticket = store->ticket;
    } else if (const auto* mark = std::get_if<MarkRecord>(&action)) {
      EXPECT_NE(mark->item, ports::Item::kPendingKey);
      ++slots_touched;
      mark_ticket = mark->ticket;
    } else if (const auto* erase = std::get_if<Erase>(&action)) {
      EXPECT_EQ(erase->item, ports::Item::kPendingKey) << "no identity is ever erased";
    } else if (const auto* connect = std::get_if<Connect>(&action)) {
      EXPECT_EQ(link, Link::kDown) << "one connect at a time";
      link = Link::kConnecting;
      closing = false;
      subscribes = 0;
      to_dps = connect->request.host == "dps.example";
    } else if (std::holds_alternative<Disconnect>(action)) {
      EXPECT_NE(link, Link::kDown);
      closing = true;
    } else if (std::holds_alternative<Subscribe>(action)) {
      EXPECT_TRUE(link == Link::kUp && !closing);
      ++subscribes;
    } else if (const auto* publish = std::get_if<Publish>(&action)) {
      EXPECT_TRUE(link == Link::kUp && !closing);
      const std::string body(publish->payload);
      if (!member(body, "csr").empty()) csr_ = member(body, "csr");
      if (publish->topic.find("$dps/") == 0) register_rid_ = rid_of(publish->topic);
      if (publish->topic.find("issueCertificate") != std::string_view::npos) renewal_rid_ = rid_of(publish->topic);
    }
  }
  EXPECT_LE(slots_touched, 1) << "never both slots";
  EXPECT_FALSE(actions.overflow());
}

void Bench::step(const Event& event) {
  const State before = state();
  if (std::holds_alternative<LinkUp>(event) && link == Link::kConnecting) link = Link::kUp;
  if (std::holds_alternative<LinkEnded>(event)) {
    link = Link::kDown;
    closing = false;
  }
  const Actions& actions = core->step(event, now);
  const auto trigger = core->last_trigger();
  if (coverage_ != nullptr && trigger) {
    coverage_->used[static_cast<std::size_t>(before)][static_cast<std::size_t>(*trigger)] = true;
  }
  SCOPED_TRACE(std::string(to_string(before)) + " on " + std::string(trigger ? to_string(*trigger) : "nothing") +
               " to " + std::string(to_string(state())));
  check(actions, stopping_);
  if (std::holds_alternative<Stop>(event)) stopping_ = true;
  EXPECT_EQ(core->summary().broken_promises, 0u);
  EXPECT_EQ(core->summary().connected && link != Link::kUp, false);
}

void Bench::key_made(std::uint32_t ticket) {
  MadeKey made;
  take_pooled_key(made);
  step(KeyMade{ticket, &made});
}

void Bench::dps(int status, const std::string& body, const std::string& tail) {
  const std::string topic = "$dps/registrations/res/" + std::to_string(status) + "/?$rid=" + register_rid_ + tail;
  step(Message{topic, ByteView(body)});
}

void Bench::renewal(int status, const std::string& body) {
  const std::string topic = "$iothub/credentials/res/" + std::to_string(status) + "/?$rid=" + renewal_rid_;
  step(Message{topic, ByteView(body)});
}

std::string Bench::assigned() {
  LeafOptions options;
  options.not_before = now.wall - 300'000;
  options.not_after = now.wall + kLifetime;
  std::vector<std::string> chain;
  if (!csr_.empty()) chain = authority().issue(csr_, options);
  return assigned_body("hub.example", kName, chain);
}

std::string Bench::issued_chain_body() {
  LeafOptions options;
  options.not_before = now.wall - 300'000;
  options.not_after = now.wall + kLifetime;
  return certificates_body(csr_.empty() ? std::vector<std::string>() : authority().issue(csr_, options));
}

bool Bench::cooperate() {
  if (state() == State::kOff) {
    step(Start{});
  } else if (key_ticket != 0) {
    key_made(std::exchange(key_ticket, 0));
  } else if (store_ticket != 0) {
    step(Stored{std::exchange(store_ticket, 0), Status::kOk});
  } else if (mark_ticket != 0) {
    step(Stored{std::exchange(mark_ticket, 0), Status::kOk});
  } else if (closing) {
    step(LinkEnded{ports::LinkFailure::kLost, 0});
  } else if (link == Link::kConnecting) {
    step(LinkUp{false});
  } else if (subscribes > 0) {
    --subscribes;
    step(Subscribed{true});
  } else if (state() == State::kDpsRegistering) {
    dps(202, R"({"operationId":"5.op","status":"assigning"})");
  } else if (state() == State::kDpsPolling) {
    dps(200, assigned());
  } else if (state() == State::kRenewAsking) {
    renewal(202, R"({"correlationId":"c"})");
  } else if (state() == State::kRenewAccepted) {
    renewal(200, issued_chain_body());
  } else if (state() == State::kStopped) {
    return false;
  } else {
    const ports::MonotonicMs wake = core->wake_at();
    pass(wake > now.monotonic ? wake - now.monotonic : 1);
    step(Timer{});
  }
  return true;
}

bool Bench::cooperate_until(State wanted, int most_steps) {
  for (int i = 0; i < most_steps && state() != wanted; ++i) {
    if (!cooperate()) break;
  }
  return state() == wanted;
}

bool Bench::reach(State wanted) {
  switch (wanted) {
    case State::kOff: return true;
    case State::kStopped: step(Stop{}); return state() == wanted;
    case State::kDpsWait:
      if (!cooperate_until(State::kDpsConnecting)) return false;
      step(LinkEnded{ports::LinkFailure::kUnreachable, 0});
      return state() == wanted;
    case State::kDpsRegisterWait:
      if (!cooperate_until(State::kDpsRegistering)) return false;
      dps(429, "{}");
      return state() == wanted;
    case State::kSlowWait:
      if (!cooperate_until(State::kDpsRegistering)) return false;
      dps(401, R"({"errorCode":401002,"message":"no"})");
      return cooperate_until(wanted);
    case State::kHubWait:
      if (!cooperate_until(State::kLive)) return false;
      step(LinkEnded{ports::LinkFailure::kLost, 0});
      return state() == wanted;
    case State::kRenewMakingKey:
    case State::kRenewStoringKey:
    case State::kRenewAsking:
    case State::kRenewAccepted:
    case State::kRenewStoring:
      if (!cooperate_until(State::kLive)) return false;
      pass(static_cast<std::uint64_t>(kLifetime) * 9 / 10);
      return cooperate_until(wanted);
    default: return cooperate_until(wanted);
  }
}

}  // namespace latchkey::test
