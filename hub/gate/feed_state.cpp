// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/feed_state.h"

#include <openssl/rand.h>

#include <new>

namespace latchkey::hub::gate {

FeedState::FeedState() : current_(empty_state()) {}

FeedState::State FeedState::empty_state() {
  registry::TableSecret secret;
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) throw std::bad_alloc();
  State state;
  state.table = std::make_unique<registry::Table>(secret);
  return state;
}

bool FeedState::change(State& state, const wire::FeedChange& change, Touched& touched) {
  if (const auto* device = std::get_if<wire::DeviceRecord>(&change)) {
    state.table->upsert(device->id, {device->uuid, device->credential_id, device->enabled, device->policy});
    touched.devices.push_back(device->id);
  } else if (const auto* gone = std::get_if<wire::DeviceGone>(&change)) {
    state.table->erase(gone->id);
    touched.devices.push_back(gone->id);
  } else if (const auto* anchor = std::get_if<wire::AnchorAdded>(&change)) {
    if (state.trust.contains(anchor->ca, anchor->der)) return true;
    if (state.trust.contains(anchor->ca)) touched.issuers.push_back(anchor->ca);  // another certificate of that name
    return state.trust.add(anchor->ca, anchor->der);
  } else if (const auto* lost = std::get_if<wire::AnchorGone>(&change)) {
    if (state.trust.remove(lost->ca)) touched.issuers.push_back(lost->ca);
  } else if (const auto* clock = std::get_if<wire::ClockSet>(&change)) {
    state.clock = *clock;
  }
  return true;
}

bool FeedState::change_all(State& state, const wire::Batch& batch, Touched& touched) {
  try {
    for (const auto& one : batch.changes) {
      if (!change(state, one, touched)) return false;
    }
    state.trust.store();  // now, so that no connection has to build it
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

FeedState::Outcome FeedState::lost() {
  lost_ = true;
  staged_.reset();
  return Outcome::kNeedSnapshot;
}

void FeedState::renew_lease(const wire::Batch& batch) {
  if (batch.lease_end_ms != 0) lease_end_ms_ = batch.lease_end_ms;
}

FeedState::Outcome FeedState::begin_snapshot(const wire::Batch& batch) {
  staged_ = std::make_unique<State>(empty_state());
  staged_generation_ = batch.generation;
  staged_number_ = 0;
  return continue_snapshot(batch);
}

FeedState::Outcome FeedState::continue_snapshot(const wire::Batch& batch) {
  Touched ignored;
  if (!change_all(*staged_, batch, ignored)) return lost();
  staged_number_ = batch.number;
  if (!batch.snapshot_end) return Outcome::kStaged;
  current_ = std::move(*staged_);
  staged_.reset();
  generation_ = staged_generation_;
  applied_ = batch.number;
  complete_ = true;
  lost_ = false;
  renew_lease(batch);
  return Outcome::kReplaced;
}

FeedState::Outcome FeedState::increment(const wire::Batch& batch, Touched& touched) {
  if (!change_all(current_, batch, touched)) return lost();
  applied_ = batch.number;
  renew_lease(batch);
  return Outcome::kApplied;
}

FeedState::Outcome FeedState::apply(const wire::Batch& batch, Touched& touched) {
  if (staged_ != nullptr && batch.generation == staged_generation_) {
    if (batch.number >= 1 && batch.number <= staged_number_) return Outcome::kRepeated;
    return batch.number == staged_number_ + 1 ? continue_snapshot(batch) : lost();
  }
  if (complete_ && !lost_ && staged_ == nullptr && batch.generation == generation_) {
    if (batch.number >= 1 && batch.number <= applied_) return Outcome::kRepeated;
    return batch.number == applied_ + 1 ? increment(batch, touched) : lost();
  }
  return batch.number == 1 ? begin_snapshot(batch) : lost();
}

}  // namespace latchkey::hub::gate
