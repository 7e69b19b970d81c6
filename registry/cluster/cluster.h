// SPDX-License-Identifier: Apache-2.0
// This node among those that share its registry: one thread with a connection of its own that joins, renews, confirms
// and follows what the others commit. What it decides by is membership.h and silence.h; why that is enough stands in
// docs/consistency.md.
//
// Threads: all functions from any thread. Events are called on the cluster's thread, one at a time; they must not block
// for long and must not call stop() or wait().
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "registry/cluster/ear.h"
#include "registry/cluster/membership.h"
#include "registry/cluster/pace.h"
#include "registry/store/sql.h"

namespace latchkey::registry::cluster {

class Cluster {
 public:
  struct Options {
    std::string store;           // as store::Database::open takes it
    Membership::Options member;  // name and lease
    Uuid kept;                   // of Membership
    std::string address;         // what devices are told
    std::string version;         // of this program
    // Of a clock that gates share and that does not stop in suspend; another one in tests.
    std::function<std::int64_t()> now_ms;
    int poll_ms = 20;          // how often it looks by itself
    int hurried_ms = 10;       // the same while somebody waits
    int patience_ms = 20'000;  // how long wait() does for a node that lives and does not confirm
    int told_ms = 200;         // how often it looks by itself, hurried or not, where the database tells of commits
    // What this node has to say of its devices; empty: nothing. Called on the cluster's thread.
    std::function<Load()> load = {};
  };
  struct Events {
    // Before the first lease of that incarnation: whoever cannot keep it durably refuses, and this node does not join.
    std::function<Outcome<Nothing>(const Uuid& incarnation)> joined;
    std::function<void(const Membership::Grant&)> granted;  // for every gate
    std::function<void()> lost;                             // grants that were not sent are void
    std::function<void(Sequence newest)> committed;         // by whomever
    std::function<void()> changed;                          // shared_edition() is another one
    std::function<void(const Node& own)> seen;              // its own row, each time that it was read
    std::function<void(const std::string& why)> not_told;   // by the database, of commits: once
    // Behind each look of a member: what passes between the nodes beside, by this database; `others` may serve devices
    // now. True: there will be more soon.
    std::function<Outcome<bool>(store::Database& database, const std::vector<std::string>& others)> passes = {};
  };
  Cluster(Options options, Events events);
  ~Cluster() { stop(); }

  // Joins, which takes as long as somebody else's lease on that name lasts. kAlreadyExists: a node of that name lives.
  // kStorage: the database cannot be spoken to. kShuttingDown: stop().
  Outcome<Nothing> start();
  // Ends the thread; its leases end by themselves.
  void stop();
  // When this node serves nobody any more: nobody has to wait for it. Behind stop().
  Outcome<Nothing> leave();

  // What all gates of this node have: to be told to the others.
  void confirm(Sequence sequence, Confirmed confirmed);
  // Looks at once for what others committed or confirmed.
  void hurry();

  // True once every other node has confirmed the change, or serves nobody. kEnforcementTimeout after `patience_ms`
  // with a node that lives and says nothing; kStorage when the registry cannot be read for as long; kShuttingDown.
  Outcome<Nothing> wait(Sequence sequence, Confirmed confirmed);

  // Whether this node is the one that does what one is to do for all. Never two at one moment: another one takes over
  // when this one's row is not live any more, and by then its leases have ended.
  bool on_duty() const;
  // Names this incarnation among all that there ever were; empty: it is not a member.
  std::string mark() const;

  struct State {
    bool member = false;
    std::int64_t lease_end_ms = 0;  // 0: it never had one
    bool draining = false;
    std::string duty;         // whose mark it is that has the duties, by the last look: see on_duty()
    std::string trouble;      // why it is not a member, or could not speak to the registry last; empty: it is and could
    std::vector<Node> nodes;  // as they were read last
  };
  State state() const;
  const std::string& name() const { return options_.member.name; }

 private:
  struct Wish {
    Sequence sequence;
    Confirmed confirmed;
  };
  void run();
  std::int64_t step();
  Outcome<Nothing> open();
  Outcome<Nothing> act();
  Outcome<Nothing> join();
  Outcome<Nothing> enter(const std::optional<Node>& over);
  Outcome<Nothing> renew();
  Outcome<Nothing> tell();
  Outcome<Nothing> tell_load();
  Outcome<Nothing> look();
  Outcome<Nothing> mind_duty();
  Outcome<bool> is_gone(const std::string& mark);
  Outcome<Nothing> declare_lost(const std::vector<Node>& nodes);
  bool own(const Node& node) const;
  bool waited_for(const Node& node) const;
  Outcome<Nothing> pass();
  void take_place(const Uuid& incarnation);
  void lose_place();
  void report(const Outcome<Nothing>& outcome);
  int look_every_ms() const;
  void say_not_told(const std::string& why);

  const Options options_;
  const Events events_;
  std::thread thread_;

  // The thread's alone, and start()'s before it.
  std::unique_ptr<store::Database> database_;
  Membership member_;
  Silence silence_;
  Sequence newest_ = 0;
  std::int64_t edition_ = -1;  // none was read yet
  bool more_ = false;          // as Events::passes said last
  Sequence told_applied_ = 0;
  Sequence told_cut_ = 0;
  Ear ear_;  // others ring
  Pace pace_;
  bool said_not_told_ = false;
  Load told_load_;
  std::int64_t next_load_ms_ = 0;
  std::int64_t next_duty_ms_ = 0;

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable stopped_;
  std::condition_variable looked_;
  bool stopping_ = false;
  Uuid incarnation_;
  Sequence applied_ = 0;
  Sequence cut_ = 0;
  std::vector<const Wish*> wishes_;
  std::uint64_t looks_begun_ = 0;
  std::uint64_t look_ = 0;  // the one that state_.nodes are of
  State state_;
};

}  // namespace latchkey::registry::cluster
