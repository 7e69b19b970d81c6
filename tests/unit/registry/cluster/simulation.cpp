// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/cluster/simulation.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace latchkey::registry::cluster::test {
namespace {

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kLeaseMs = 4'000;

}  // namespace

Simulation::Simulation(std::uint64_t seed, Bug bug) : bug_(bug), random_(seed) {
  for (int i = 0; i < kProcesses; ++i) {
    auto made = std::make_unique<Process>();
    made->clock_rate = std::uniform_real_distribution<double>(0.99, 1.01)(random_);
    made->clock_offset_ms = between(0, 1'000'000);
    processes_.push_back(std::move(made));
  }
}

Tally Simulation::run(std::int64_t until_us) {
  for (int i = 0; i < kProcesses; ++i) {
    at(i < kNames ? 0 : between(0, until_us), [this, i] { start(i); });
    at(between(0, 10'000), [this, i] { connect(i); });
  }
  at(kSecond, [this] { trouble(); });
  at(kSecond, [this] { revoke(static_cast<int>(between(0, kProcesses - 1))); });
  while (!events_.empty() && events_.top().when <= until_us) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.when;
    event.what();
  }
  return tally_;
}

void Simulation::at(Time when, std::function<void()> what) { events_.push({when, order_++, std::move(what)}); }

void Simulation::on_process(int number, Time when, std::function<void()> what) {
  at(when, [this, number, life = process(number).life, what = std::move(what)]() mutable {
    auto& one = process(number);
    if (one.life != life || !one.running) return;
    if (one.stopped_until > now_) return on_process(number, one.stopped_until, std::move(what));
    what();
  });
}

void Simulation::on_gate(int number, Time when, std::function<void()> what) {
  at(when, [this, number, life = process(number).gate.life, what = std::move(what)]() mutable {
    auto& gate = process(number).gate;
    if (gate.life != life) return;
    if (gate.stopped_until > now_) return on_gate(number, gate.stopped_until, std::move(what));
    what();
  });
}

std::int64_t Simulation::clock_ms(int number) const {
  const auto& one = *processes_[static_cast<std::size_t>(number)];
  return one.clock_offset_ms + static_cast<std::int64_t>(static_cast<double>(now_) * one.clock_rate / 1'000);
}

void Simulation::ask(int number, Act act, Hear heard, std::function<void()> failed) {
  process(number).busy = true;
  ask_alone(
      number, std::move(act),
      [this, number, heard = std::move(heard)](const Answer& answer) {
        process(number).busy = false;
        heard(answer);
      },
      [this, number, failed = std::move(failed)] {
        process(number).busy = false;
        if (failed) failed();
      });
}

void Simulation::ask_alone(int number, Act act, Hear heard, std::function<void()> failed) {
  const int life = process(number).life;
  at(now_ + delay(), [this, number, life, act = std::move(act), heard = std::move(heard), failed = std::move(failed)] {
    auto answer = std::make_shared<Answer>();
    if (!reachable(number)) {
      if (process(number).life == life)
        on_process(
            number, now_ + between(kSecond / 10, kSecond), failed ? failed : [] {});
      return;
    }
    act(*answer);  // even when whoever asked has ended meanwhile
    if (process(number).life != life) return;
    const Time back = now_ + delay();
    const bool lost = chance(0.02) || process(number).cut_off_until > back;
    if (lost)
      return on_process(
          number, now_ + between(kSecond / 10, 2 * kSecond), failed ? failed : [] {});
    on_process(number, back, [heard, answer] { heard(*answer); });
  });
}

Node* Simulation::own_row(int number, const Uuid& incarnation) {
  const auto found = rows_.nodes.find(name_of(number));
  if (found == rows_.nodes.end() || found->second.state != NodeState::kLive) return nullptr;
  return found->second.incarnation == incarnation ? &found->second : nullptr;
}

Uuid Simulation::new_incarnation() {
  Uuid made;
  ++incarnations_;
  std::memcpy(made.bytes.data(), &incarnations_, sizeof incarnations_);
  return made;
}

// The gate, if there is one, goes on as it is.
void Simulation::start(int number) {
  auto& one = process(number);
  if (one.running) return;
  ++one.life;
  one.running = true;
  one.busy = false;
  one.stopped_until = 0;
  one.member = std::make_unique<Membership>(Membership::Options{name_of(number), kLeaseMs}, one.kept);
  one.silence = {};
  one.fed = one.gate_has = one.confirmed = 0;
  one.grants.clear();
  on_process(number, now_ + 1'000, [this, number] { step(number); });
}

void Simulation::end(int number) {
  ++process(number).life;
  process(number).running = false;
}

void Simulation::step(int number) {
  on_process(number, now_ + between(20'000, 120'000), [this, number] { step(number); });
  auto& one = process(number);
  if (one.busy) return;
  if (!one.member->member()) return try_to_join(number);
  if (clock_ms(number) >= one.member->next_renewal_ms()) return renew(number);
  if (one.confirmed < (bug_ == Bug::kConfirmsWhatItRead ? one.fed : one.gate_has)) return confirm(number);
  follow(number);
}

void Simulation::try_to_join(int number) {
  ask(
      number, [this](Answer& answer) { answer.rows = rows_; },
      [this, number](const Answer& answer) {
        const auto row = answer.rows.nodes.find(name_of(number));
        decide_to_join(number, row == answer.rows.nodes.end() ? std::optional<Node>() : row->second);
      },
      {});
}

void Simulation::decide_to_join(int number, const std::optional<Node>& row) {
  auto& one = process(number);
  auto how = one.member->how_to_join(row, clock_ms(number));
  if (bug_ == Bug::kNameTakenAtOnce && how == Membership::Join::kWait) how = Membership::Join::kTakeOver;
  switch (how) {
    case Membership::Join::kInsert: return write_row(number, {});
    case Membership::Join::kTakeOver: return write_row(number, row);
    case Membership::Join::kGoOn: ++tally_.joins; return one.member->joined(row->incarnation);
    case Membership::Join::kWait: return;
    case Membership::Join::kRefuse: return end(number);
  }
}

void Simulation::write_row(int number, const std::optional<Node>& over) {
  const Uuid incarnation = new_incarnation();
  ask(
      number,
      [this, number, over, incarnation](Answer& answer) {
        const auto found = rows_.nodes.find(name_of(number));
        const bool there = found != rows_.nodes.end();
        if (there != over.has_value()) return;
        if (there && (found->second.incarnation != over->incarnation || found->second.beat != over->beat ||
                      found->second.state != over->state)) {
          return;
        }
        Node node;
        node.name = name_of(number);
        node.incarnation = incarnation;
        node.beat = there ? found->second.beat + 1 : 0;
        node.lease_ms = kLeaseMs;
        rows_.nodes[node.name] = node;
        durable();
        answer.done = true;
      },
      [this, number, incarnation](const Answer& answer) {
        if (!answer.done) return;
        ++tally_.joins;
        process(number).kept = incarnation;
        process(number).confirmed = 0;
        process(number).member->joined(incarnation);
      },
      {});
}

void Simulation::renew(int number) {
  auto& one = process(number);
  const auto sent_ms = clock_ms(number);
  const auto incarnation = one.member->incarnation();
  ask(
      number,
      [this, number, incarnation](Answer& answer) {
        Node* row = own_row(number, incarnation);
        if (row == nullptr) return;
        ++row->beat;
        if (bug_ != Bug::kBeatsNotDurable) durable();
        answer.rows.newest = rows_.newest;
        answer.done = true;
      },
      [this, number, sent_ms](const Answer& answer) {
        auto& renewed = process(number);
        if (!answer.done) {
          renewed.kept = {};
          renewed.grants.clear();
          return renewed.member->lost();
        }
        const auto from_ms = bug_ == Bug::kLeaseFromAnswer ? clock_ms(number) : sent_ms;
        renewed.grants.push_back(renewed.member->renewed(from_ms, answer.rows.newest));
        send_grants(number);
      },
      [this, number] { process(number).member->not_renewed(clock_ms(number)); });
}

void Simulation::follow(int number) {
  ask(
      number, [this](Answer& answer) { answer.rows = rows_; },
      [this, number](const Answer& answer) {
        auto& one = process(number);
        std::vector<Node> nodes;
        for (const auto& [name, node] : answer.rows.nodes) nodes.push_back(node);
        one.silence.seen(nodes, clock_ms(number));
        const auto own = answer.rows.nodes.find(name_of(number));
        if (own != answer.rows.nodes.end() && own->second.incarnation == one.member->incarnation()) {
          one.confirmed = std::min(one.confirmed, own->second.cut);  // a failover may have lost it
        }
        if (answer.rows.newest > one.fed || one.gate_has < one.fed) feed(number, answer.rows.newest, 0);
        send_grants(number);
      },
      {});
}

void Simulation::confirm(int number) {
  auto& one = process(number);
  const Sequence value = bug_ == Bug::kConfirmsWhatItRead ? one.fed : one.gate_has;
  const auto incarnation = one.member->incarnation();
  ask(
      number,
      [this, number, incarnation, value](Answer& answer) {
        Node* row = own_row(number, incarnation);
        if (row == nullptr) return;
        row->cut = row->applied = std::max(row->cut, value);  // not durable
        answer.done = true;
      },
      [this, number, value](const Answer& answer) {
        if (answer.done) process(number).confirmed = value;
      },
      {});
}

void Simulation::send_grants(int number) {
  auto& one = process(number);
  while (!one.grants.empty() && (one.grants.front().sequence <= one.fed || bug_ == Bug::kGrantOvertakes)) {
    feed(number, one.fed, one.grants.front().until_ms);
    one.grants.pop_front();
  }
}

// What is sent stays in the socket when the hub process ends.
void Simulation::feed(int number, Sequence known, std::int64_t lease_end_ms) {
  auto& one = process(number);
  one.fed = std::max(one.fed, known);
  one.gate.last_arrival = std::max(one.gate.last_arrival, now_ + delay());
  const int life = one.life;
  on_gate(number, one.gate.last_arrival, [this, number, life, known, lease_end_ms] {
    auto& fed = process(number);
    fed.gate.known = std::max(fed.gate.known, known);
    if (lease_end_ms != 0) {
      fed.gate.lease_end_ms = bug_ == Bug::kLeaseFromReceipt ? clock_ms(number) + kLeaseMs : lease_end_ms;
    }
    if (fed.life != life) return;
    on_process(number, now_ + between(100, 5'000),
               [this, number, known] { process(number).gate_has = std::max(process(number).gate_has, known); });
  });
}

void Simulation::revoke(int number) {
  at(now_ + between(50'000, kSecond), [this] { revoke(static_cast<int>(between(0, kProcesses - 1))); });
  if (!process(number).running || process(number).stopped_until > now_) return;
  auto known = std::make_shared<std::vector<std::string>>();
  if (bug_ == Bug::kNodesReadBefore) {
    for (const auto& [name, node] : rows_.nodes) {
      if (node.state == NodeState::kLive) known->push_back(name);
    }
  }
  ask_alone(
      number,
      [this](Answer& answer) {
        answer.rows.newest = ++rows_.newest;
        durable();
      },
      [this, number, known](const Answer& answer) {
        await_own_gate(number, {answer.rows.newest, *known});
      });
}

void Simulation::await_own_gate(int number, const Revoke& revoke) {
  if (process(number).gate_has >= revoke.sequence) return await_nodes(number, revoke);
  on_process(number, now_ + 20'000, [this, number, revoke] { await_own_gate(number, revoke); });
}

void Simulation::await_nodes(int number, const Revoke& revoke) {
  ask_alone(
      number, [this](Answer& answer) { answer.rows = rows_; },
      [this, number, revoke](const Answer& answer) { judge(number, revoke, answer.rows); },
      [this, number, revoke] { await_nodes(number, revoke); });
}

void Simulation::judge(int number, const Revoke& revoke, const Rows& rows) {
  auto& one = process(number);
  std::vector<Node> nodes;
  for (const auto& [name, node] : rows.nodes) nodes.push_back(node);
  one.silence.seen(nodes, clock_ms(number));
  bool enforced = true;
  for (const Node& node : nodes) {
    const bool own = node.name == name_of(number) && node.incarnation == one.member->incarnation();
    const bool unknown = bug_ == Bug::kNodesReadBefore &&
                         std::find(revoke.known.begin(), revoke.known.end(), node.name) == revoke.known.end();
    if (own || unknown || enforces(node, revoke.sequence, Confirmed::kCut)) continue;
    enforced = false;
    const auto early = bug_ == Bug::kNoDrift ? silence_ms(node.lease_ms) - node.lease_ms : 0;
    if (bug_ == Bug::kLostWithoutWaiting || one.silence.over(node, clock_ms(number) + early)) {
      declare_lost(number, node, revoke);
    }
  }
  if (!enforced) return on_process(number, now_ + 20'000, [this, number, revoke] { await_nodes(number, revoke); });
  acknowledged_ = std::max(acknowledged_, revoke.sequence);
  ++tally_.acknowledged;
}

void Simulation::declare_lost(int number, const Node& node, const Revoke&) {
  ask_alone(
      number,
      [this, node](Answer&) {
        const auto found = rows_.nodes.find(node.name);
        if (found == rows_.nodes.end() || found->second.state != NodeState::kLive) return;
        if (found->second.incarnation != node.incarnation) return;
        if (found->second.beat != node.beat && bug_ != Bug::kLostUnconditionally) return;
        found->second.state = NodeState::kLost;
        ++tally_.lost;
        durable();
      },
      [](const Answer&) {});
}

void Simulation::connect(int number) {
  at(now_ + between(1'000, 10'000), [this, number] { connect(number); });
  const auto& gate = process(number).gate;
  if (gate.stopped_until > now_) return;
  if (clock_ms(number) >= gate.lease_end_ms) {
    ++tally_.refusals;
    return;
  }
  ++tally_.accepts;
  if (gate.known < acknowledged_) ++tally_.violations;
}

void Simulation::trouble() {
  at(now_ + between(kSecond / 5, 3 * kSecond), [this] { trouble(); });
  const int number = static_cast<int>(between(0, kProcesses - 1));
  auto& one = process(number);
  const Time until = now_ + between(kSecond / 10, 10 * kSecond);
  switch (between(0, 7)) {
    case 0: one.cut_off_until = until; return;
    case 1: one.stopped_until = until; return;
    case 2: one.gate.stopped_until = until; return;
    case 3: end(number); return at(now_ + between(kSecond / 10, 2 * kSecond), [this, number] { start(number); });
    case 4:  // the machine: the folder stays, but may be anybody's copy now
      end(number);
      one.gate = Gate{one.gate.life + 1};
      one.kept = {};
      return at(until, [this, number] { start(number); });
    case 5:  // synchronous: nothing that is durable is lost
      rows_ = durable_;
      down_until_ = now_ + between(kSecond / 10, 3 * kSecond);
      ++tally_.failovers;
      return;
    case 6: return start(number);
    default: return;
  }
}

}  // namespace latchkey::registry::cluster::test
