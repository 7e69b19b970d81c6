// SPDX-License-Identifier: Apache-2.0
// The other end of a feeder: takes batches, applies them in order as a gate does, and acknowledges when it is told to.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "hub/link/feeder.h"

namespace latchkey::hub::link::test {

inline constexpr int kPatienceMs = 10'000;

class FakeGate {
 public:
  enum class Acks { kAtOnce, kAppliedOnly, kNever };

  bool take(const wire::Batch& batch) {
    std::unique_lock lock(mutex_);
    if (!linked_) return false;
    held_ = holding_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !holding_; });
    batches_.push_back(batch);
    apply(batch);
    changed_.notify_all();
    const auto acks = acks_;
    lock.unlock();
    if (acks != Acks::kNever && feeder != nullptr) {
      feeder->acknowledged({batch.generation, batch.number, acks == Acks::kAtOnce ? batch.number : 0, false});
    }
    return true;
  }

  void set_acks(Acks acks) {
    const std::lock_guard lock(mutex_);
    acks_ = acks;
  }
  void set_linked(bool linked) {
    const std::lock_guard lock(mutex_);
    linked_ = linked;
  }
  // The next batch gets no further than to its door, and whoever sends it waits there, until go_on().
  void hold() {
    const std::lock_guard lock(mutex_);
    holding_ = true;
  }
  void go_on() {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    changed_.notify_all();
  }
  // Says what it would have said of the last batch.
  void acknowledge(bool cut) {
    wire::Ack ack;
    {
      const std::lock_guard lock(mutex_);
      ack = {batches_.back().generation, batches_.back().number, cut ? batches_.back().number : 0, false};
    }
    feeder->acknowledged(ack);
  }
  bool wait(const std::function<bool(const FakeGate&)>& holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(kPatienceMs), [&] { return holds(*this); });
  }
  std::vector<wire::Batch> batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

  // Within wait(): what a gate would hold now.
  const std::vector<wire::Batch>& seen() const { return batches_; }
  const std::map<std::string, wire::DeviceRecord>& devices() const { return devices_; }
  std::size_t anchors() const { return anchors_.size(); }
  const wire::ClockSet& clock() const { return clock_; }
  int snapshots() const { return snapshots_; }
  int gaps() const { return gaps_; }
  bool held() const { return held_; }

  Feeder* feeder = nullptr;  // set before it starts

 private:
  void apply(const wire::Batch& batch) {
    if (batch.number == 1) {
      generation_ = batch.generation;
      devices_.clear();
      anchors_.clear();
    } else if (batch.generation != generation_ || batch.number != number_ + 1) {
      ++gaps_;
    }
    number_ = batch.number;
    for (const auto& change : batch.changes) {
      if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) devices_[device->id] = *device;
      if (const auto* gone = std::get_if<wire::DeviceGone>(&change)) devices_.erase(gone->id);
      if (const auto* added = std::get_if<wire::AnchorAdded>(&change)) anchors_.insert(added->ca);
      if (const auto* off = std::get_if<wire::AnchorGone>(&change)) anchors_.erase(off->ca);
      if (const auto* set = std::get_if<wire::ClockSet>(&change)) clock_ = *set;
    }
    if (batch.snapshot_end) ++snapshots_;
  }

  mutable std::mutex mutex_;  // guards the rest
  std::condition_variable changed_;
  Acks acks_ = Acks::kAtOnce;
  bool linked_ = true;
  bool holding_ = false;
  bool held_ = false;  // a batch waits, or did
  std::vector<wire::Batch> batches_;
  std::map<std::string, wire::DeviceRecord> devices_;
  std::set<Uuid> anchors_;
  wire::ClockSet clock_;
  std::uint64_t generation_ = 0;
  std::uint64_t number_ = 0;
  int snapshots_ = 0;
  int gaps_ = 0;
};

}  // namespace latchkey::hub::link::test
