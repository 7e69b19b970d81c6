// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/claims.h"

#include <algorithm>
#include <functional>

namespace latchkey::registry::cluster {
namespace {

constexpr std::size_t kMostHistory = 1'024;  // twenty seconds, if something was new with each look
constexpr std::int64_t kAtOnceMs = 1'000;

}  // namespace

std::size_t Claims::PlaceHash::operator()(const Place& place) const {
  const std::hash<std::string> hash;
  return hash(place.device) * 31 + hash(place.hub);
}

// The newest claim that had been seen before then: whatever begins at that time is newer.
ClaimNumber Claims::seen_by(std::int64_t time_ms) const {
  const auto later =
      std::partition_point(history_.begin(), history_.end(), [&](const auto& entry) { return entry.first < time_ms; });
  return later == history_.begin() ? 0 : std::prev(later)->second;
}

Claims::Seats::value_type* Claims::find(std::uint64_t connection) {
  const auto found = connections_.find(connection);
  return found == connections_.end() ? nullptr : found->second;
}

void Claims::wait(Seat& seat) {
  seat.state = State::kWaits;
  waiting_.push_back(seat.connection);
}

bool Claims::opened(const Session& session) {
  const std::lock_guard lock(mutex_);
  auto& place = *seats_.try_emplace(session.place).first;
  auto& seat = place.second;
  if (seat.connection == session.connection) return seat.state == State::kEnded;
  if (std::pair(session.since_ms, session.connection) < std::pair(seat.since_ms, seat.connection)) return false;
  connections_.erase(seat.connection);
  connections_[session.connection] = &place;
  vacated_.erase(session.place);
  seat = Seat{session.connection, session.since_ms};
  seat.late = session.since_ms < began_ms_;
  seat.over = seen_by(session.since_ms);
  wait(seat);
  return false;
}

void Claims::closed(std::uint64_t connection) {
  const std::lock_guard lock(mutex_);
  const auto* const place = find(connection);
  if (place == nullptr) return;
  if (place->second.state != State::kEnded) vacated_.insert(place->first);
  connections_.erase(connection);
  seats_.erase(Place(place->first));
}

ClaimBatch Claims::take(std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  ClaimBatch batch;
  while (!waiting_.empty() && batch.claims.size() < ClaimBatch::kMost) {
    auto* const place = find(waiting_.front());
    waiting_.pop_front();
    if (place == nullptr || place->second.state != State::kWaits) continue;
    auto& seat = place->second;
    const bool at_once = !seat.late && now_ms - seat.since_ms < kAtOnceMs;
    batch.claims.push_back({place->first, seat.connection, at_once ? Claim::kWhatever : seat.over});
    seat.state = State::kClaimed;
    seat.late = true;
  }
  while (!vacated_.empty() && batch.vacated.size() < ClaimBatch::kMost) {
    batch.vacated.push_back(std::move(vacated_.extract(vacated_.begin()).value()));
  }
  return batch;
}

std::vector<Claims::Ending> Claims::done(const ClaimBatch& batch, const std::vector<ClaimRow>& taken) {
  std::unordered_map<Place, ClaimNumber, PlaceHash> numbers;
  for (const auto& row : taken) numbers.emplace(row.place, row.number);
  const std::lock_guard lock(mutex_);
  std::vector<Ending> endings;
  for (const auto& claim : batch.claims) {
    auto* const place = find(claim.connection);
    if (place == nullptr) continue;  // it was closed, or another one came here
    auto& seat = place->second;
    const auto number = numbers.find(claim.place);
    if (number != numbers.end()) {
      seat.state = State::kSeated;
      seat.number = number->second;
    } else {
      seat.state = State::kEnded;
      endings.push_back({claim.place.hub, claim.connection});
    }
  }
  return endings;
}

void Claims::undone(const ClaimBatch& batch) {
  const std::lock_guard lock(mutex_);
  for (const auto& claim : batch.claims) {
    if (auto* const place = find(claim.connection)) wait(place->second);
  }
  for (const auto& place : batch.vacated) {
    if (seats_.count(place) == 0) vacated_.insert(place);
  }
}

std::vector<Claims::Ending> Claims::seen(const std::vector<ClaimRow>& rows, ClaimNumber newest, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  std::vector<Ending> endings;
  for (const auto& row : rows) {
    if (row.node == node_) continue;
    const auto found = seats_.find(row.place);
    if (found == seats_.end()) continue;
    auto& seat = found->second;
    if (seat.state != State::kSeated || seat.number > row.number) continue;
    seat.state = State::kEnded;
    endings.push_back({row.place.hub, seat.connection});
  }
  note(std::max(newest_, newest), now_ms);
  return endings;
}

void Claims::note(ClaimNumber newest, std::int64_t now_ms) {
  newest_ = newest;
  if (!history_.empty() && history_.back().second == newest) return;
  history_.emplace_back(now_ms, newest);
  if (history_.size() > kMostHistory) history_.pop_front();
}

void Claims::begin(const Uuid& node, ClaimNumber newest, const std::vector<ClaimRow>& own, bool all_told,
                   std::int64_t now_ms) {
  std::unordered_map<Place, ClaimNumber, PlaceHash> numbers;
  for (const auto& row : own) numbers.emplace(row.place, row.number);
  const std::lock_guard lock(mutex_);
  node_ = node;
  const bool back = newest < newest_;
  if (back) history_.clear();
  note(newest, now_ms);
  for (auto& [place, seat] : seats_) {
    if (back) seat.over = 0;
    if (seat.state != State::kSeated) continue;
    const auto row = numbers.find(place);
    if (row == numbers.end() || row->second != seat.number) wait(seat);
  }
  if (!all_told) return;
  for (const auto& row : own) {
    const auto found = seats_.find(row.place);
    if (found == seats_.end() || found->second.state == State::kEnded) vacated_.insert(row.place);
  }
}

ClaimNumber Claims::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

}  // namespace latchkey::registry::cluster
