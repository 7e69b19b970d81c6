// SPDX-License-Identifier: Apache-2.0
#include "hub/link/feeder.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace latchkey::hub::link {
namespace {

constexpr std::size_t kBatchChanges = 1000;
constexpr std::uint64_t kWindow = 64;  // batches under way at the most
// To begin anew costs the more, the slower a gate is: one that takes this long for a batch does nothing at all.
constexpr int kWindowMs = 30'000;
constexpr std::size_t kMostGrants = 16;  // a gate that is so far behind has a later one coming
constexpr auto kPause = std::chrono::milliseconds(20);

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overload(Fs...) -> Overload<Fs...>;

wire::FeedChange to_wire(registry::ChangeBody body) {
  return std::visit(
      Overload{
          [](registry::DeviceState&& device) -> wire::FeedChange {
            return wire::DeviceRecord{std::move(device.id), device.uuid, device.credential_id, device.enabled,
                                      device.policy_number};
          },
          [](registry::DeviceGone&& gone) -> wire::FeedChange { return wire::DeviceGone{std::move(gone.id)}; },
          [](registry::AnchorAdded&& added) -> wire::FeedChange {
            return wire::AnchorAdded{added.ca, std::move(added.der)};
          },
          [](registry::AnchorGone&& gone) -> wire::FeedChange { return wire::AnchorGone{gone.ca}; },
      },
      std::move(body));
}

std::uint64_t random_generation() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device() | 1;
}

}  // namespace

Feeder::Feeder(registry::Registry* registry, std::string hub_name, Send send)
    : registry_(registry), hub_name_(std::move(hub_name)), send_(std::move(send)) {}

Feeder::~Feeder() { stop(); }

void Feeder::start() {
  if (registry_ != nullptr) {
    committed(registry_->newest_sequence());
  }
  thread_ = std::thread([this] { run(); });
}

void Feeder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    progress_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Feeder::gate_up() {
  const std::lock_guard lock(mutex_);
  up_ = true;
  snapshot_wanted_ = true;
  work_.notify_all();
}

void Feeder::gate_down() {
  const std::lock_guard lock(mutex_);
  up_ = false;
  ready_ = false;
  progress_.notify_all();  // a sender that waits for window gives up
}

void Feeder::process_started() {
  const std::lock_guard lock(mutex_);
  alive_ = true;
  applied_ = cut_ = 0;
  ready_ = false;
  has_state_ = ending_;
}

void Feeder::process_adopted() {
  process_started();
  const std::lock_guard lock(mutex_);
  has_state_ = true;
}

// Its link is gone with it, whether or not that was noticed: what is on its way is nothing to the next process.
void Feeder::process_ended() {
  const std::lock_guard lock(mutex_);
  alive_ = false;
  up_ = false;
  ready_ = false;
  progress_.notify_all();
}

void Feeder::committed(registry::Sequence newest) {
  const std::lock_guard lock(mutex_);
  newest_ = std::max(newest_, newest);
  work_.notify_all();
}

void Feeder::set_clock(const wire::ClockSet& clock) {
  const std::lock_guard lock(mutex_);
  clock_ = clock;
  ++clock_version_;
  work_.notify_all();
}

void Feeder::need_lease() { lease_ = {0, 0}; }

void Feeder::grant(registry::Sequence sequence, std::uint64_t until_boot_ms) {
  const std::lock_guard lock(mutex_);
  newest_ = std::max(newest_, sequence);
  grants_.push_back({sequence, until_boot_ms});
  if (grants_.size() > kMostGrants) grants_.pop_front();
  work_.notify_all();
}

void Feeder::drop_grants() {
  const std::lock_guard lock(mutex_);
  grants_.clear();
}

// What may be told to a gate that knows that much. False when there is nothing new.
bool Feeder::take_grants(registry::Sequence known) {
  const std::lock_guard lock(mutex_);
  bool taken = false;
  while (!grants_.empty() && grants_.front().sequence <= known) {
    lease_ = grants_.front();
    grants_.pop_front();
    taken = true;
  }
  return taken;
}

void Feeder::acknowledged(const wire::Ack& ack) {
  const std::lock_guard lock(mutex_);
  if (ack.need_snapshot) {
    // about an older generation it says nothing that the running snapshot does not answer
    if (ack.generation != 0 && ack.generation != current_generation_) return;
    snapshot_wanted_ = true;
    work_.notify_all();
    return;
  }
  if (ack.generation != current_generation_) return;
  acked_applied_ = std::max(acked_applied_, ack.applied);
  acked_cut_ = std::max(acked_cut_, ack.cut);
  advance();
}

void Feeder::advance() {
  while (!applied_marks_.empty() && applied_marks_.front().number <= acked_applied_) {
    applied_ = applied_marks_.front().sequence;
    applied_clock_ = applied_marks_.front().clock;
    ready_ = true;
    applied_marks_.pop_front();
  }
  while (!cut_marks_.empty() && cut_marks_.front().number <= acked_cut_) {
    cut_ = cut_marks_.front().sequence;
    cut_marks_.pop_front();
  }
  progress_.notify_all();
}

void Feeder::mark(registry::Sequence sequence, std::uint64_t clock) {
  const std::lock_guard lock(mutex_);
  const Mark mark{number_, sequence, clock};
  applied_marks_.push_back(mark);
  cut_marks_.push_back(mark);
  advance();
}

bool Feeder::reached(registry::Sequence sequence, Progress progress) const {
  return (progress == Progress::kApplied ? applied_ : cut_) >= sequence;
}

bool Feeder::wait(registry::Sequence sequence, Progress progress, int timeout_ms) {
  std::unique_lock lock(mutex_);
  // Nobody is there to be cut off by a gate that serves nobody; but a grant is of use only where a gate has it.
  const auto done = [&] {
    return reached(sequence, progress) || (serves_nobody() && (!alive_ || progress == Progress::kCut));
  };
  progress_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return stopping_ || done(); });
  if (reached(sequence, progress)) return true;
  if (!serves_nobody() || (stopping_ && !done())) return false;
  owed_ = std::max(owed_, sequence);
  newest_ = std::max(newest_, sequence);
  return true;
}

bool Feeder::wait_clock(int timeout_ms) {
  std::unique_lock lock(mutex_);
  const auto wanted = clock_version_;
  progress_.wait_for(lock, std::chrono::milliseconds(timeout_ms),
                     [&] { return stopping_ || (ready_ && applied_clock_ >= wanted); });
  return ready_ && applied_clock_ >= wanted;
}

bool Feeder::wait_clock_or_end(int timeout_ms) {
  std::unique_lock lock(mutex_);
  const auto wanted = clock_version_;
  const auto done = [&] { return serves_nobody() || (ready_ && applied_clock_ >= wanted); };
  progress_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [&] { return stopping_ || done(); });
  return done();
}

Feeder::State Feeder::state() const {
  const std::lock_guard lock(mutex_);
  return {alive_, up_, ready_, acked_applied_, applied_, cut_};
}

bool Feeder::relevant(const registry::ChangeBody& body) const {
  return std::visit(Overload{
                        [this](const registry::DeviceState& device) { return device.namespace_uuid == namespace_; },
                        [this](const registry::DeviceGone& gone) { return gone.namespace_uuid == namespace_; },
                        [this](const registry::AnchorAdded& added) { return added.hub == hub_; },
                        [this](const registry::AnchorGone& gone) { return gone.hub == hub_; },
                    },
                    body);
}

// False: the snapshot starts anew.
bool Feeder::wait_for_room() {
  std::unique_lock lock(mutex_);
  const bool room = progress_.wait_for(lock, std::chrono::milliseconds(kWindowMs), [this] {
    return stopping_ || !up_ || snapshot_wanted_ || number_ + 1 - acked_applied_ <= kWindow;
  });
  if (stopping_ || !up_ || snapshot_wanted_) return false;
  snapshot_wanted_ = !room;
  return room;
}

// Sends the batch once the window has room, and empties it. False: the snapshot starts anew.
bool Feeder::send(wire::Batch& batch) { return wait_for_room() && hand_over(batch); }

bool Feeder::hand_over(wire::Batch& batch) {
  batch.generation = generation_;
  batch.number = ++number_;
  const bool sent = send_(batch);
  batch.changes.clear();
  return sent;
}

// What was on its way may be lost: only a snapshot leaves no gap. Without a gate the next one asks by itself.
bool Feeder::start_anew() {
  const std::lock_guard lock(mutex_);
  snapshot_wanted_ = up_;
  return false;
}

// The version of the clock with which it begins.
std::uint64_t Feeder::begin_generation(wire::Batch& batch) {
  generation_ = random_generation();
  number_ = 0;
  const std::lock_guard lock(mutex_);
  snapshot_wanted_ = false;
  ready_ = false;
  current_generation_ = generation_;
  acked_applied_ = acked_cut_ = 0;
  applied_marks_.clear();
  cut_marks_.clear();
  batch.changes.emplace_back(clock_);
  return clock_version_;
}

bool Feeder::read_snapshot(wire::Batch& batch, registry::Sequence& sequence) {
  // Anew each time: a rehearsal that begins anew makes another hub of that name.
  if (const auto hub = registry_->find_hub(hub_name_)) {
    hub_ = hub->uuid;
    namespace_ = hub->namespace_uuid;
  }
  bool going = true;
  const auto snapshot = registry_->snapshot(hub_, [&](registry::ChangeBody body) {
    if (!going) return;
    batch.changes.push_back(to_wire(std::move(body)));
    if (batch.changes.size() >= kBatchChanges) going = send(batch);
  });
  if (!snapshot || !going) return false;
  sequence = *snapshot;
  return true;
}

// Adds what came behind `sequence`, which goes on. False: the registry has forgotten some of it.
bool Feeder::read_changes(wire::Batch& batch, registry::Sequence& sequence) {
  registry::Sequence newest;  // taken before the read: the read then shows at least that much
  {
    const std::lock_guard lock(mutex_);
    newest = newest_;
  }
  auto changes = registry_->changes_after(sequence, kBatchChanges);
  if (!changes) return false;
  for (auto& change : *changes) {
    sequence = change.sequence;
    if (relevant(change.body)) batch.changes.push_back(to_wire(std::move(change.body)));
  }
  if (changes->empty()) sequence = std::max(sequence, newest);
  return true;
}

// Whether a snapshot up to that change has what is owed. If so it ends with this batch, by the clock as it is now.
bool Feeder::may_end(wire::Batch& batch, registry::Sequence sequence, std::uint64_t& clock) {
  const std::lock_guard lock(mutex_);
  if (registry_ != nullptr && sequence < owed_) return false;
  if (clock != clock_version_) batch.changes.emplace_back(clock_);
  clock = clock_version_;
  has_state_ = ending_ = true;  // from here on whoever asks has to wait
  return true;
}

bool Feeder::feed_snapshot() {
  wire::Batch batch;
  std::uint64_t clock = begin_generation(batch);
  registry::Sequence sequence = 0;
  if (registry_ != nullptr && !read_snapshot(batch, sequence)) return start_anew();
  for (;;) {
    if (!wait_for_room()) return start_anew();
    if (may_end(batch, sequence, clock)) break;
    if (batch.changes.size() >= kBatchChanges && !hand_over(batch)) return start_anew();
    if (!read_changes(batch, sequence)) return start_anew();
  }
  batch.snapshot_end = true;
  take_grants(sequence);
  batch.lease_end_ms = lease_end(sequence);
  const bool sent = hand_over(batch);
  {
    const std::lock_guard lock(mutex_);
    ending_ = false;
    progress_.notify_all();
  }
  if (!sent) return start_anew();
  fed_ = sequence;
  fed_clock_ = clock;
  mark(sequence, clock);
  return true;
}

bool Feeder::feed_increment() {
  wire::Batch batch;
  std::uint64_t clock;
  {
    const std::lock_guard lock(mutex_);
    clock = clock_version_;
    if (clock != fed_clock_) batch.changes.emplace_back(clock_);
  }
  registry::Sequence sequence = fed_;
  if (registry_ != nullptr && !read_changes(batch, sequence)) return start_anew();  // pruned
  const bool renewed = take_grants(sequence);
  batch.lease_end_ms = lease_end(sequence);
  if ((renewed || !batch.changes.empty()) && !send(batch)) return start_anew();
  fed_ = sequence;
  fed_clock_ = clock;
  mark(sequence, clock);
  return true;
}

void Feeder::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    work_.wait(lock, [this] {
      const bool granted = !grants_.empty() && grants_.front().sequence <= fed_;
      return stopping_ || (up_ && (snapshot_wanted_ || granted || newest_ > fed_ || clock_version_ != fed_clock_));
    });
    if (stopping_) return;
    const bool snapshot = snapshot_wanted_;
    lock.unlock();
    const bool fed = snapshot ? feed_snapshot() : feed_increment();
    lock.lock();
    if (!fed) work_.wait_for(lock, kPause, [this] { return stopping_; });  // a database that fails is not hammered
  }
}

}  // namespace latchkey::hub::link
