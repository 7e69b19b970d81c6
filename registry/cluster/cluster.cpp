// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/cluster.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "registry/cluster/internal/random.h"
#include "registry/cluster/rows.h"
#include "registry/store/changes.h"

namespace latchkey::registry::cluster {
namespace {

constexpr std::int64_t kAgainMs = 200;  // behind a failure
// Between two words about devices that come and go: for people, and not worth more than a commit a second.
constexpr std::int64_t kLoadEveryMs = 1'000;
constexpr std::int64_t kDutyEveryMs = 1'000;

}  // namespace

Cluster::Cluster(Options options, Events events)
    : options_(std::move(options)), events_(std::move(events)), member_(options_.member, options_.kept) {}

bool Cluster::own(const Node& node) const { return node.name == name() && node.incarnation == member_.incarnation(); }

Outcome<Nothing> Cluster::open() {
  if (database_ != nullptr) return Nothing{};
  LATCHKEY_TRY(opened, store::Database::open(options_.store, store::Database::Access::kReadWrite));
  database_ = std::move(opened);
  if (auto listens = database_->listen(); !listens) say_not_told(listens.error().detail);
  ear_.heard();  // what was committed before
  return Nothing{};
}

Outcome<Nothing> Cluster::start() {
  for (;;) {
    LATCHKEY_TRY_VOID(open());
    LATCHKEY_TRY_VOID(join());
    if (member_.member()) break;
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, std::chrono::milliseconds(options_.poll_ms), [this] { return stopping_; });
    if (stopping_) return refuse(Reason::kShuttingDown, "stopped while joining");
  }
  LATCHKEY_TRY_VOID(renew());
  LATCHKEY_TRY_VOID(look());
  if (events_.passes) LATCHKEY_TRY_VOID(pass());
  thread_ = std::thread([this] { run(); });
  return Nothing{};
}

void Cluster::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stopped_.notify_all();
    looked_.notify_all();
  }
  ear_.ring();
  if (thread_.joinable()) thread_.join();
}

Outcome<Nothing> Cluster::leave() {
  if (!member_.member()) return Nothing{};
  LATCHKEY_TRY_VOID(open());
  LATCHKEY_TRY(left, leave_node(*database_, name(), member_.incarnation()));
  static_cast<void>(left);
  lose_place();
  return Nothing{};
}

void Cluster::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      const std::chrono::milliseconds early(pace_.wait_ms(options_.now_ms()));
      if (stopped_.wait_for(lock, early, [this] { return stopping_; })) return;
    }
    pace_.began(options_.now_ms());
    const std::int64_t until_ms = step();
    ear_.rest(database_.get(), until_ms - options_.now_ms());
  }
}

// One round; answers when the next is due.
std::int64_t Cluster::step() {
  const auto done = act();
  report(done);
  const std::int64_t now_ms = options_.now_ms();
  if (done) {
    const std::int64_t look_ms = now_ms + look_every_ms();
    return member_.member() ? std::min(look_ms, member_.next_renewal_ms()) : look_ms;
  }
  database_.reset();  // whatever is wrong with it, the next connection may find the next primary
  member_.not_renewed(now_ms);
  return now_ms + kAgainMs;
}

int Cluster::look_every_ms() const {
  if (more_) return options_.hurried_ms;
  if (database_->listening() && !ear_.deaf()) return options_.told_ms;
  const std::lock_guard lock(mutex_);
  return wishes_.empty() ? options_.poll_ms : options_.hurried_ms;
}

void Cluster::say_not_told(const std::string& why) {
  if (!std::exchange(said_not_told_, true) && events_.not_told) events_.not_told(why);
}

Outcome<Nothing> Cluster::act() {
  LATCHKEY_TRY_VOID(open());
  if (!member_.member()) LATCHKEY_TRY_VOID(join());
  if (member_.member() && options_.now_ms() >= member_.next_renewal_ms()) LATCHKEY_TRY_VOID(renew());
  if (member_.member()) LATCHKEY_TRY_VOID(tell());
  if (member_.member()) LATCHKEY_TRY_VOID(tell_load());
  LATCHKEY_TRY_VOID(look());
  LATCHKEY_TRY_VOID(mind_duty());
  return member_.member() && events_.passes ? pass() : Nothing{};
}

Outcome<Nothing> Cluster::join() {
  LATCHKEY_TRY(row, find_node(*database_, name()));
  switch (member_.how_to_join(row, options_.now_ms())) {
    case Membership::Join::kInsert: return enter({});
    case Membership::Join::kTakeOver: return enter(row);
    case Membership::Join::kGoOn: {
      take_place(row->incarnation);
      told_applied_ = row->applied;
      told_cut_ = row->cut;
      return Nothing{};
    }
    case Membership::Join::kWait: return Nothing{};
    case Membership::Join::kRefuse: break;
  }
  return refuse(Reason::kAlreadyExists, "a node named '" + name() + "' lives, at " + row->address +
                                            ": give this one another name with --node, or stop the other");
}

// The incarnation is kept before it is anybody's: a process that ends between the two has a name for nothing.
Outcome<Nothing> Cluster::enter(const std::optional<Node>& over) {
  Node node;
  node.name = name();
  node.incarnation = random_uuid();
  node.lease_ms = options_.member.lease_ms;
  node.address = options_.address;
  node.version = options_.version;
  if (events_.joined) LATCHKEY_TRY_VOID(events_.joined(node.incarnation));
  LATCHKEY_TRY(entered, over ? take_over_node(*database_, *over, node) : insert_node(*database_, node));
  if (!entered) return Nothing{};  // somebody was faster: to be looked at anew
  take_place(node.incarnation);
  told_applied_ = told_cut_ = 0;
  return Nothing{};
}

Outcome<Nothing> Cluster::renew() {
  const std::int64_t sent_ms = options_.now_ms();
  LATCHKEY_TRY(newest, renew_node(*database_, name(), member_.incarnation()));
  if (!newest) {
    lose_place();
    return Nothing{};
  }
  const auto grant = member_.renewed(sent_ms, *newest);
  {
    const std::lock_guard lock(mutex_);
    state_.lease_end_ms = member_.lease_end_ms();
  }
  if (events_.granted) events_.granted(grant);
  return Nothing{};
}

// Also when a failover has lost what was told before: look() sees it.
Outcome<Nothing> Cluster::tell() {
  Sequence applied;
  Sequence cut;
  {
    const std::lock_guard lock(mutex_);
    applied = applied_;
    cut = cut_;
  }
  if (applied <= told_applied_ && cut <= told_cut_) return Nothing{};
  LATCHKEY_TRY(live, confirm_node(*database_, name(), member_.incarnation(), applied, cut));
  if (!live) {
    lose_place();
    return Nothing{};
  }
  told_applied_ = applied;
  told_cut_ = cut;
  return Nothing{};
}

// That it is drained is told at once: somebody may wait to stop this node.
Outcome<Nothing> Cluster::tell_load() {
  if (!options_.load) return Nothing{};
  const Load load = options_.load();
  if (load == told_load_) return Nothing{};
  if (load.drained == told_load_.drained && options_.now_ms() < next_load_ms_) return Nothing{};
  LATCHKEY_TRY(live, note_load(*database_, name(), member_.incarnation(), load));
  if (!live) {
    lose_place();
    return Nothing{};
  }
  told_load_ = load;
  next_load_ms_ = options_.now_ms() + kLoadEveryMs;
  return Nothing{};
}

Outcome<Nothing> Cluster::look() {
  std::uint64_t number;
  {
    const std::lock_guard lock(mutex_);
    number = ++looks_begun_;
  }
  LATCHKEY_TRY(newest, store::newest_change(*database_));
  LATCHKEY_TRY(edition, shared_edition(*database_));
  LATCHKEY_TRY(nodes, list_nodes(*database_));
  silence_.seen(nodes, options_.now_ms());
  ear_.looked(newest != newest_ || edition != edition_, options_.now_ms());
  if (database_->listening() && ear_.deaf()) say_not_told("it takes LISTEN, and tells nothing");
  if (newest != newest_ && events_.committed) events_.committed(newest);
  newest_ = newest;
  if (edition != edition_ && events_.changed) events_.changed();
  edition_ = edition;
  for (const Node& node : nodes) {
    if (!own(node)) continue;
    told_applied_ = std::min(told_applied_, node.applied);
    told_cut_ = std::min(told_cut_, node.cut);
    told_load_ = {node.sessions, node.drained};  // also when a failover, or whoever drains anew, took it back
    if (events_.seen) events_.seen(node);
  }
  LATCHKEY_TRY_VOID(declare_lost(nodes));
  const std::lock_guard lock(mutex_);
  const auto mine = std::find_if(nodes.begin(), nodes.end(), [this](const Node& node) { return own(node); });
  state_.member = member_.member();
  state_.draining = mine != nodes.end() && mine->draining;
  state_.nodes = std::move(nodes);
  look_ = number;
  looked_.notify_all();
  return Nothing{};
}

Outcome<Nothing> Cluster::mind_duty() {
  if (!member_.member() || options_.now_ms() < next_duty_ms_) return Nothing{};
  next_duty_ms_ = options_.now_ms() + kDutyEveryMs;
  const std::string ours = mark_of(name(), member_.incarnation());
  LATCHKEY_TRY(holder, duty_holder(*database_));
  if (holder != ours) {
    LATCHKEY_TRY(gone, is_gone(holder));
    if (gone) {
      LATCHKEY_TRY(taken, take_duty(*database_, holder, ours));
      if (taken) holder = ours;
    }
  }
  const std::lock_guard lock(mutex_);
  state_.duty = std::move(holder);
  return Nothing{};
}

// Its row is read behind what it holds, so it was there. One that was set to lost never has that mark again. A silent
// one is lost for this, too: else its duties would be nobody's until somebody waits for it.
Outcome<bool> Cluster::is_gone(const std::string& mark) {
  if (mark.empty()) return true;
  LATCHKEY_TRY(node, find_node(*database_, mark.substr(0, mark.find(' '))));
  if (!node || node->state != NodeState::kLive || mark_of(node->name, node->incarnation) != mark) return true;
  if (!silence_.over(*node, options_.now_ms())) return false;
  return lose_node(*database_, *node);
}

Outcome<Nothing> Cluster::declare_lost(const std::vector<Node>& nodes) {
  for (const Node& node : nodes) {
    if (own(node) || !waited_for(node) || !silence_.over(node, options_.now_ms())) continue;
    LATCHKEY_TRY(lost, lose_node(*database_, node));
    static_cast<void>(lost);
    ear_.ring();  // the next look tells what came of it
  }
  return Nothing{};
}

bool Cluster::waited_for(const Node& node) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(wishes_.begin(), wishes_.end(),
                     [&](const Wish* wish) { return !enforces(node, wish->sequence, wish->confirmed); });
}

Outcome<Nothing> Cluster::pass() {
  std::vector<std::string> others;
  for (const Node& node : state_.nodes) {  // which this thread alone writes
    if (own(node) || node.state != NodeState::kLive || silence_.over(node, options_.now_ms())) continue;
    others.push_back(node.name);
  }
  LATCHKEY_TRY(more, events_.passes(*database_, others));
  more_ = more;
  return Nothing{};
}

void Cluster::take_place(const Uuid& incarnation) {
  member_.joined(incarnation);
  const std::lock_guard lock(mutex_);
  state_.member = true;
  incarnation_ = incarnation;
}

void Cluster::lose_place() {
  member_.lost();
  ear_.ring();  // to join anew
  if (events_.lost) events_.lost();
  const std::lock_guard lock(mutex_);
  state_.member = false;
  state_.duty.clear();
  incarnation_ = {};
}

void Cluster::report(const Outcome<Nothing>& outcome) {
  const std::lock_guard lock(mutex_);
  state_.member = member_.member();
  state_.trouble = !outcome            ? outcome.error().detail
                   : !member_.member() ? "not a member: another node found it silent, or has its name"
                                       : std::string();
}

void Cluster::confirm(Sequence sequence, Confirmed confirmed) {
  const std::lock_guard lock(mutex_);
  auto& value = confirmed == Confirmed::kApplied ? applied_ : cut_;
  if (sequence <= value) return;
  value = sequence;
  ear_.ring();
}

void Cluster::hurry() { ear_.ring(); }

// Only a look that was begun behind the change counts: it shows every node that joined before it.
Outcome<Nothing> Cluster::wait(Sequence sequence, Confirmed confirmed) {
  const Wish wish{sequence, confirmed};
  std::unique_lock lock(mutex_);
  const std::uint64_t from = looks_begun_ + 1;
  wishes_.push_back(&wish);
  ear_.ring();
  const auto silent = [&]() -> const Node* {
    const auto found = std::find_if(state_.nodes.begin(), state_.nodes.end(), [&](const Node& node) {
      const bool ours = node.name == name() && node.incarnation == incarnation_;
      return !ours && !enforces(node, sequence, confirmed);
    });
    return found == state_.nodes.end() ? nullptr : &*found;
  };
  const bool done = looked_.wait_for(lock, std::chrono::milliseconds(options_.patience_ms),
                                     [&] { return stopping_ || (look_ >= from && silent() == nullptr); });
  wishes_.erase(std::find(wishes_.begin(), wishes_.end(), &wish));
  if (stopping_) return refuse(Reason::kShuttingDown, "the hub is stopping");
  if (done) return Nothing{};
  if (look_ < from) return refuse(Reason::kStorage, "committed, but the other nodes could not be asked");
  return refuse(Reason::kEnforcementTimeout,
                "committed, but node '" + silent()->name + "' lives and has not confirmed it");
}

bool Cluster::on_duty() const {
  const std::lock_guard lock(mutex_);
  return state_.member && state_.duty == mark_of(name(), incarnation_) && options_.now_ms() < state_.lease_end_ms;
}

std::string Cluster::mark() const {
  const std::lock_guard lock(mutex_);
  return state_.member ? mark_of(name(), incarnation_) : std::string();
}

Cluster::State Cluster::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

}  // namespace latchkey::registry::cluster
