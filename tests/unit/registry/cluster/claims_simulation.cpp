// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/registry/cluster/claims_simulation.h"

#include <algorithm>
#include <utility>

namespace latchkey::registry::cluster::test {
namespace {

constexpr std::int64_t kRoundMs = 50;
constexpr std::int64_t kTroubleMs = 20'000;      // of a cycle; then all is calm
constexpr std::int64_t kSettleMs = 12'000;       // longer than any answer takes
constexpr std::int64_t kSurelyOlderMs = 10'000;  // whatever held it up, it was claimed by then

std::string device_name(std::int64_t number) { return "dev-" + std::to_string(number); }

}  // namespace

ClaimSimulation::ClaimSimulation(std::uint64_t seed, ClaimBug bug, bool goes_back)
    : bug_(bug), goes_back_(goes_back), random_(seed) {
  for (int number = 0; number < kNodes; ++number) {
    nodes_.push_back(std::make_unique<Node>());
    node(number).incarnation = new_incarnation();
    restart(number);
  }
}

Uuid ClaimSimulation::new_incarnation() {
  Uuid made;
  made.bytes[0] = static_cast<std::uint8_t>(++incarnations_ >> 8);
  made.bytes[1] = static_cast<std::uint8_t>(incarnations_);
  return made;
}

void ClaimSimulation::at(Time when, std::function<void()> what) { events_.push({when, ++order_, std::move(what)}); }

// Not if it has ended meanwhile, and later if it stands still.
void ClaimSimulation::on_process(int number, Time when, std::function<void()> what) {
  at(when, [this, number, life = node(number).life, what = std::move(what)] {
    auto& one = node(number);
    if (one.life != life) return;
    if (now_ < one.stopped_until) return on_process(number, one.stopped_until, what);
    what();
  });
}

void ClaimSimulation::ask(int number, Act act, std::function<void()> heard, std::function<void()> failed) {
  const Time there = now_ + delay();
  const bool lost_before = chance(0.003);
  const bool lost_behind = chance(0.003);
  at(there, [this, number, life = node(number).life, act = std::move(act), heard = std::move(heard),
             failed = std::move(failed), lost_before, lost_behind] {
    const bool reached = now_ >= down_until_ && (calm_ || !lost_before);
    if (reached) act(rows_);
    if (node(number).life != life) return;
    const bool answered = reached && (calm_ || !lost_behind);
    on_process(number, now_ + delay(), answered ? heard : failed);
  });
}

void ClaimSimulation::again(int number, Time pause) {
  on_process(number, now_ + pause, [this, number] { round(number); });
}

void ClaimSimulation::failed(int number) {
  node(number).troubled = now_;
  node(number).begun = bug_ == ClaimBug::kBelievesItself && node(number).begun;
  again(number, 200);
}

void ClaimSimulation::round(int number) { node(number).begun ? follow(number) : begin(number); }

void ClaimSimulation::begin(int number) {
  auto newest = std::make_shared<ClaimNumber>();
  auto own = std::make_shared<std::vector<ClaimRow>>();
  const auto as = node(number).incarnation;
  const bool all_told = node(number).all_told;
  ask(
      number, [newest](Rows& rows) { *newest = rows.counter; },
      [=, this] {
        ask(
            number,
            [=](Rows& rows) {
              for (const auto& [device, row] : rows.rows) {
                if (row.node == as) own->push_back(row);
              }
            },
            [=, this] {
              node(number).claims->begin(as, *newest, *own, all_told, now_);
              node(number).begun = as == node(number).incarnation && all_told == node(number).all_told;
              node(number).begun ? follow(number) : again(number, kRoundMs);
            },
            [=, this] { failed(number); });
      },
      [=, this] { failed(number); });
}

void ClaimSimulation::follow(int number) {
  auto counter = std::make_shared<ClaimNumber>();
  auto behind = std::make_shared<std::vector<ClaimRow>>();
  ask(
      number,
      [=, newest = node(number).claims->newest()](Rows& rows) {
        *counter = rows.counter;
        if (rows.counter <= newest) return;
        for (const auto& [device, row] : rows.rows) {
          if (row.number > newest) behind->push_back(row);
        }
      },
      [=, this] {
        auto& one = node(number);
        if (*counter < one.claims->newest() && bug_ != ClaimBug::kBelievesItself) return begin(number);
        end(number, one.claims->seen(*behind, *counter, now_));
        if (bug_ == ClaimBug::kWaitingIsEnded) end_waiting(number, *behind);
        claim(number);
      },
      [=, this] { failed(number); });
}

void ClaimSimulation::end_waiting(int number, const std::vector<ClaimRow>& rows) {
  auto& one = node(number);
  for (const auto& row : rows) {
    for (const auto& [connection, session] : one.gate) {
      if (row.node == one.incarnation || !(session.place == row.place)) continue;
      if (one.seated.count(connection) == 0) end(number, {{"hub", connection}});
    }
  }
}

void ClaimSimulation::write(Rows& rows, int number, const Claim& claim, ClaimNumber row) {
  auto& place = rows.rows[claim.place.device];
  const auto lives = [&](const Uuid& incarnation) {
    return std::any_of(nodes_.begin(), nodes_.end(), [&](const auto& one) { return one->incarnation == incarnation; });
  };
  const bool vacant = place.number == 0 || place.node == node(number).incarnation || !lives(place.node);
  if (vacant || place.number <= claim.over || bug_ == ClaimBug::kLateTakesWhatever) {
    place = {claim.place, node(number).incarnation, row};
  }
}

void ClaimSimulation::claim(int number) {
  const auto batch = std::make_shared<ClaimBatch>(node(number).claims->take(now_));
  if (batch->empty()) return again(number, kRoundMs);
  const auto taken = std::make_shared<std::vector<ClaimRow>>();
  const auto first = std::make_shared<ClaimNumber>();
  const auto take_numbers = [=](Rows& rows) {
    *first = rows.counter;
    rows.counter += static_cast<ClaimNumber>(batch->claims.size());
  };
  const auto write_rows = [=, this](Rows& rows) {
    for (const auto& place : batch->vacated) {
      const auto found = rows.rows.find(place.device);
      if (found != rows.rows.end() && found->second.node == node(number).incarnation) rows.rows.erase(found);
    }
    auto row = *first;
    for (const auto& claim : batch->claims) write(rows, number, claim, ++row);
    for (const auto& [device, one] : rows.rows) {
      if (one.number > *first && one.number <= row) taken->push_back(one);
    }
  };
  const auto heard = [=, this] {
    auto& one = node(number);
    for (const auto& claim : batch->claims) {
      for (const auto& row : *taken) {
        if (row.place == claim.place) one.seated[claim.connection] = row.number;
      }
    }
    end(number, one.claims->done(*batch, *taken));
    again(number, kRoundMs);
  };
  const auto lost = [=, this] {
    if (bug_ == ClaimBug::kUnknownIsDone) {
      std::vector<ClaimRow> made_up;
      auto row = *first;
      for (const auto& claim : batch->claims) made_up.push_back({claim.place, node(number).incarnation, ++row});
      end(number, node(number).claims->done(*batch, made_up));
      return again(number, 200);
    }
    node(number).claims->undone(*batch);
    failed(number);
  };
  if (bug_ == ClaimBug::kNumbersBeforeCommit) {
    return ask(
        number, take_numbers, [=, this] { ask(number, write_rows, heard, lost); }, lost);
  }
  ask(
      number,
      [=](Rows& rows) {
        take_numbers(rows);
        write_rows(rows);
      },
      heard, lost);
}

void ClaimSimulation::end(int number, const std::vector<Claims::Ending>& endings) {
  auto& one = node(number);
  for (const auto& ending : endings) {
    const auto found = one.gate.find(ending.connection);
    if (found == one.gate.end()) continue;
    const auto session = found->second;
    const auto& all = came_[session.place.device];
    const bool newest_by_far = std::all_of(all.begin(), all.end(), [&](const auto& other) {
      return other.first == ending.connection || other.second + kSurelyOlderMs < session.since;
    });
    if (newest_by_far && one.troubled < session.since && was_down_ < session.since) ++tally_.for_older;
    ++tally_.ended;
    if (one.linked) at(now_ + between(0, 5), [=, this] { close(number, ending.connection); });
  }
}

void ClaimSimulation::open(int number, const std::string& device) {
  auto& one = node(number);
  for (const auto& [connection, session] : std::map(one.gate)) {
    if (session.place.device == device) close(number, connection);  // its broker pushes it out
  }
  const auto connection = ++connections_;
  const Session session{{"hub", device}, now_};
  one.gate[connection] = session;
  came_[device][connection] = now_;
  ++tally_.sessions;
  tell(number, connection, session);
}

void ClaimSimulation::tell(int number, std::uint64_t connection, const Session& session) {
  auto& one = node(number);
  if (!one.running || !one.linked) return;
  on_process(number, now_ + 1, [=, this] {
    const bool ended = node(number).claims->opened({session.place, connection, session.since});
    if (ended && bug_ != ClaimBug::kOrderIsNotRepeated) close(number, connection);
  });
}

void ClaimSimulation::close(int number, std::uint64_t connection) {
  auto& one = node(number);
  if (one.gate.erase(connection) == 0 || !one.running || !one.linked) return;
  on_process(number, now_ + 1, [=, this] { node(number).claims->closed(connection); });
}

// A hub process that is new: its gate tells what lives there.
void ClaimSimulation::restart(int number) {
  auto& one = node(number);
  ++one.life;
  one.running = one.linked = true;
  one.begun = one.all_told = false;
  one.stopped_until = 0;
  one.troubled = now_;
  one.claims = std::make_unique<Claims>(now_);
  one.seated.clear();
  for (const auto& [connection, session] : one.gate) tell(number, connection, session);
  on_process(number, now_ + 2, [=, this] {
    node(number).all_told = true;
    node(number).begun = false;
  });
  again(number, 3);
}

void ClaimSimulation::trouble() {
  const int number = static_cast<int>(between(0, kNodes - 1));
  auto& one = node(number);
  switch (between(0, 5)) {
    case 0:  // the hub process ends, and comes back
      if (!one.running) break;
      ++tally_.restarts;
      one.running = false;
      one.troubled = now_;
      ++one.life;
      at(now_ + between(100, 5'000), [=, this] { restart(number); });
      break;
    case 1:  // or stands still
      one.stopped_until = now_ + between(100, 4'000);
      one.troubled = one.stopped_until;
      break;
    case 2:  // the broker ends
      for (const auto& [connection, session] : std::map(one.gate)) close(number, connection);
      break;
    case 3:  // the link to it breaks: what is said meanwhile is lost, and what lives is told again
      if (!one.running || !one.linked) break;
      one.linked = false;
      at(now_ + between(1, 300), [=, this, life = one.life] {
        auto& back = node(number);
        if (back.life != life) return;
        back.linked = true;
        const auto lives = back.gate;
        on_process(number, now_ + 1, [=, this] {
          auto& claims = *node(number).claims;
          for (const auto& [connection, came] : came_) {
            for (const auto& [closed, since] : came) {
              if (lives.count(closed) == 0 && node(number).gate.count(closed) == 0) claims.closed(closed);
            }
          }
        });
        for (const auto& [connection, session] : lives) tell(number, connection, session);
      });
      break;
    case 4:  // the database is gone for a while; what comes back may lack what was not durable
      if (now_ < down_until_) break;
      ++tally_.outages;
      down_until_ = now_ + between(100, 3'000);
      was_down_ = down_until_;
      if (goes_back_) rows_ = durable_;
      break;
    case 5:  // the node is lost, and joins anew
      one.incarnation = new_incarnation();
      one.begun = false;
      one.troubled = now_;
      break;
  }
}

void ClaimSimulation::traffic() {
  const int number = static_cast<int>(between(0, kNodes - 1));
  if (chance(0.7)) return open(number, device_name(between(1, kDevices)));
  auto& gate = node(number).gate;
  if (!gate.empty()) close(number, std::next(gate.begin(), between(0, static_cast<Time>(gate.size()) - 1))->first);
}

void ClaimSimulation::run_until(Time until) {
  while (!events_.empty() && events_.top().when <= until) {
    const auto event = events_.top();
    events_.pop();
    now_ = event.when;
    event.what();
  }
  now_ = until;
}

void ClaimSimulation::check_calm(bool all_came) {
  for (int device = 1; device <= kDevices; ++device) {
    int lives = 0;
    for (const auto& one : nodes_) {
      for (const auto& [connection, session] : one->gate) lives += session.place.device == device_name(device) ? 1 : 0;
    }
    if (lives > 1) ++tally_.twins;
    if (all_came && lives == 0) ++tally_.nobody;
  }
}

ClaimTally ClaimSimulation::run(int cycles) {
  for (int cycle = 0; cycle < cycles; ++cycle) {
    calm_ = false;
    const Time over = now_ + kTroubleMs;
    while (now_ < over) {
      run_until(now_ + between(1, 400));
      traffic();
      if (chance(0.05)) durable_ = rows_;
      if (chance(0.05)) trouble();
    }
    calm_ = true;
    run_until(now_ + kSettleMs);
    check_calm(false);
    for (int device = 1; device <= kDevices; ++device) {
      for (int number = 0; number < kNodes; ++number) {
        at(now_ + between(0, 50), [=, this] { open(number, device_name(device)); });
      }
    }
    run_until(now_ + kSettleMs);
    check_calm(true);
    came_.clear();
    for (int number = 0; number < kNodes; ++number) {
      for (const auto& [connection, session] : node(number).gate) {
        came_[session.place.device][connection] = session.since;
      }
    }
  }
  return tally_;
}

}  // namespace latchkey::registry::cluster::test
