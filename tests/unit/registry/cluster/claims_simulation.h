// SPDX-License-Identifier: Apache-2.0
// Nodes with their gates, devices that come to several of them, and the database's table of claims, on paper: answers
// that are late or lost before or behind what they answer, hub processes that stand still or are started again, brokers
// that end, nodes that are lost, a database that goes away and comes back. Nodes decide by registry/cluster/claims.h;
// the rest is the world. One random seed gives one run.
//
// What it watches: when all is calm, no device has two sessions; a device that comes to all nodes at once keeps exactly
// one; and no session is ended for one that is seconds older, unless its own node was in trouble.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <vector>

#include "registry/cluster/claims.h"

namespace latchkey::registry::cluster::test {

// What is planted: each breaks what is watched, and has to be found.
enum class ClaimBug : std::uint8_t {
  kNone,
  kNumbersBeforeCommit,  // numbers are given in a transaction of their own: they do not follow the order of commits
  kWaitingIsEnded,       // somebody else's number ends a session that has none yet
  kLateTakesWhatever,    // one that is told again takes its place from whomever
  kUnknownIsDone,        // a transaction without an answer is taken to be committed
  kBelievesItself,       // behind an outage nobody looks whether its claims still stand
  kOrderIsNotRepeated,   // a session that was to be ended and is told again lives on
};

struct ClaimTally {
  int twins = 0;      // devices with two sessions when all was calm
  int nobody = 0;     // devices without a session, although they came to every node
  int for_older = 0;  // sessions that were ended for an older one
  int sessions = 0;
  int ended = 0;
  int outages = 0;
  int restarts = 0;
};

class ClaimSimulation {
 public:
  ClaimSimulation(std::uint64_t seed, ClaimBug bug, bool goes_back);
  ClaimTally run(int cycles);

 private:
  using Time = std::int64_t;  // milliseconds of the world
  struct Session {
    Place place;
    Time since = 0;
  };
  struct Node {
    int life = 0;
    bool running = true;
    bool all_told = false;
    bool linked = true;  // orders reach the gate
    Uuid incarnation;
    bool begun = false;
    Time stopped_until = 0;
    Time troubled = 0;  // last
    std::unique_ptr<Claims> claims;
    std::map<std::uint64_t, Session> gate;        // lives there
    std::map<std::uint64_t, ClaimNumber> seated;  // what was answered
  };
  struct Rows {
    std::map<std::string, ClaimRow> rows;  // by device
    ClaimNumber counter = 0;
  };
  using Act = std::function<void(Rows&)>;

  void at(Time when, std::function<void()> what);
  void on_process(int number, Time when, std::function<void()> what);
  // `act` happens at the database, then `heard` at the process; or `failed`, with or without `act`.
  void ask(int number, Act act, std::function<void()> heard, std::function<void()> failed);
  Time between(Time low, Time high) { return std::uniform_int_distribution<Time>(low, high)(random_); }
  bool chance(double likely) { return std::uniform_real_distribution<double>(0, 1)(random_) < likely; }
  Time delay() { return !calm_ && chance(0.02) ? between(1, 1'000) : between(0, 4); }
  Node& node(int number) { return *nodes_[static_cast<std::size_t>(number)]; }

  Uuid new_incarnation();

  void round(int number);
  void begin(int number);
  void follow(int number);
  void end_waiting(int number, const std::vector<ClaimRow>& rows);
  void claim(int number);
  void write(Rows& rows, int number, const Claim& claim, ClaimNumber row);
  void failed(int number);
  void again(int number, Time pause);
  void end(int number, const std::vector<Claims::Ending>& endings);
  void open(int number, const std::string& device);
  void close(int number, std::uint64_t connection);
  void tell(int number, std::uint64_t connection, const Session& session);
  void restart(int number);
  void trouble();
  void traffic();
  void run_until(Time until);
  void check_calm(bool all_came);

  const ClaimBug bug_;
  const bool goes_back_;
  std::mt19937_64 random_;
  static constexpr int kNodes = 3;
  static constexpr int kDevices = 30;
  struct Event {
    Time when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const Event& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  Time now_ = 10'000;
  Rows rows_;
  Rows durable_;
  Time down_until_ = 0;
  Time was_down_ = 0;
  bool calm_ = false;
  std::uint64_t connections_ = 0;
  unsigned incarnations_ = 0;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<std::string, std::map<std::uint64_t, Time>> came_;  // by device: all of its sessions
  ClaimTally tally_;
};

}  // namespace latchkey::registry::cluster::test
