// SPDX-License-Identifier: Apache-2.0
// Nodes, their gates and a database on paper, with everything that may go wrong between them: clocks that drift by 1 %,
// answers that are late or lost before or behind what they answer, hub processes and brokers that are stopped, nodes
// that end and come back, a failover that loses what was not durable. Nodes decide by registry/cluster; the rest is the
// world as docs/consistency.md has it. One random seed gives one run.
//
// The promise that it watches: nobody is let in by a state that lacks a change whose enforcement was acknowledged.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "registry/cluster/membership.h"

namespace latchkey::registry::cluster::test {

// What is planted: each breaks the promise, and has to be found.
enum class Bug : std::uint8_t {
  kNone,
  kLeaseFromAnswer,      // the lease counts from when the renewal's answer came
  kLeaseFromReceipt,     // or from when the gate had it
  kGrantOvertakes,       // a grant does not wait for the changes before it
  kLostWithoutWaiting,   // a node that does not confirm is set to lost at once
  kLostUnconditionally,  // whatever its beat is by now
  kNoDrift,              // silence is taken to be as long as the lease
  kBeatsNotDurable,      // a failover may lose a renewal that was answered
  kNameTakenAtOnce,      // another folder takes a name that is not its own
  kNodesReadBefore,      // the nodes to wait for were read before the change was
  kConfirmsWhatItRead,   // a node confirms what it has read, not what its gates have
};

struct Tally {
  int violations = 0;
  int accepts = 0;
  int refusals = 0;
  int acknowledged = 0;
  int lost = 0;
  int joins = 0;
  int failovers = 0;
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Bug bug);
  Tally run(std::int64_t until_us);

 private:
  using Time = std::int64_t;  // microseconds of the world
  struct Gate {               // a broker; outlives its hub process
    int life = 0;
    Sequence known = 0;
    std::int64_t lease_end_ms = 0;
    Time stopped_until = 0;
    Time last_arrival = 0;  // of what was sent to it: all of that comes in order
  };
  struct Process {  // a hub process with its data folder
    int life = 0;
    bool running = false;
    bool busy = false;  // a statement of its own thread is under way: it has one connection
    Time stopped_until = 0;
    Uuid kept;  // in the data folder
    std::unique_ptr<Membership> member;
    Silence silence;
    Sequence fed = 0;       // sent to the gate
    Sequence gate_has = 0;  // that it said so
    Sequence confirmed = 0;
    std::deque<Membership::Grant> grants;
    Gate gate;
    double clock_rate = 1;
    std::int64_t clock_offset_ms = 0;
    Time cut_off_until = 0;  // from the database
  };
  struct Rows {
    std::map<std::string, Node> nodes;
    Sequence newest = 0;
  };
  struct Revoke {
    Sequence sequence = 0;
    std::vector<std::string> known;  // Bug::kNodesReadBefore
  };
  // What a statement reads, filled in at the database.
  struct Answer {
    bool done = false;
    Rows rows;
  };
  using Act = std::function<void(Answer&)>;
  using Hear = std::function<void(const Answer&)>;

  void at(Time when, std::function<void()> what);
  // Not if it has ended meanwhile, and later if it is stopped.
  void on_process(int number, Time when, std::function<void()> what);
  void on_gate(int number, Time when, std::function<void()> what);
  Time between(Time low, Time high) { return std::uniform_int_distribution<Time>(low, high)(random_); }
  bool chance(double likely) { return std::uniform_real_distribution<double>(0, 1)(random_) < likely; }
  Time delay() { return chance(0.02) ? between(1'000, 4'000'000) : between(100, 5'000); }
  std::int64_t clock_ms(int number) const;
  Process& process(int number) { return *processes_[static_cast<std::size_t>(number)]; }
  std::string name_of(int number) const { return "node-" + std::to_string(number % kNames); }
  bool reachable(int number) { return now_ >= down_until_ && now_ >= process(number).cut_off_until; }

  // A statement: `act` happens at the database, then `heard` at the process; or `failed` does, with or without `act`.
  void ask(int number, Act act, Hear heard, std::function<void()> failed);
  void ask_alone(int number, Act act, Hear heard, std::function<void()> failed = {});
  Node* own_row(int number, const Uuid& incarnation);
  void durable() { durable_ = rows_; }
  Uuid new_incarnation();

  void start(int number);
  void end(int number);
  void step(int number);
  void try_to_join(int number);
  void decide_to_join(int number, const std::optional<Node>& row);
  void write_row(int number, const std::optional<Node>& over);
  void renew(int number);
  void follow(int number);
  void confirm(int number);
  void feed(int number, Sequence known, std::int64_t lease_end_ms);
  void send_grants(int number);
  void revoke(int number);
  void await_own_gate(int number, const Revoke& revoke);
  void await_nodes(int number, const Revoke& revoke);
  void judge(int number, const Revoke& revoke, const Rows& rows);
  void declare_lost(int number, const Node& node, const Revoke& revoke);
  void connect(int number);
  void trouble();

  const Bug bug_;
  std::mt19937_64 random_;
  static constexpr int kNames = 3;
  static constexpr int kProcesses = 5;  // the last two have the names of the first two
  struct Event {
    Time when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  Time now_ = 0;
  Rows rows_;
  Rows durable_;
  Time down_until_ = 0;
  std::uint64_t incarnations_ = 0;
  std::vector<std::unique_ptr<Process>> processes_;
  Sequence acknowledged_ = 0;  // the newest change whose enforcement was
  Tally tally_;
};

}  // namespace latchkey::registry::cluster::test
