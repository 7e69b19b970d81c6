// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/processors.h"

#include <algorithm>
#include <cmath>

namespace latchkey::boards::fleet::forecast {
namespace {

constexpr double kDone = 0.5;  // half of the engine's microsecond

}  // namespace

bool Station::next(Job& job) {
  for (auto* queue : {&conversations_, &newcomers_}) {
    while (!queue->empty()) {
      job = queue->front();
      queue->pop_front();
      if (job.who == nullptr && queue == &newcomers_) --idle_work_;
      if (job.who == nullptr || job.who->still_wants(job.ticket, job.step)) return true;
    }
  }
  return false;
}

void Station::post(const Job& job, Kind kind) {
  (kind == Kind::kConversation ? conversations_ : newcomers_).push_back(job);
  if (job.who == nullptr && kind == Kind::kNewcomer) ++idle_work_;
  if (busy_ == threads_) return;
  Job first;
  if (!next(first)) return;
  ++busy_;
  processors_.begin(*this, first);
}

double Processors::rate() const {
  const auto busy = static_cast<double>(running_.size());
  return busy <= cores_ ? 1.0 : cores_ / busy;
}

void Processors::pass_time() {
  const auto passed = static_cast<double>(engine_.now() - passed_);
  passed_ = engine_.now();
  if (running_.empty()) return;
  clock_ += passed * rate();
  worked_us_ += passed * rate() * static_cast<double>(running_.size());
}

void Processors::begin(Station& station, const Station::Job& job) {
  pass_time();
  station.worked_us_ += job.work_us;
  running_.push_back({clock_ + job.work_us, &station, job});
  plan();
}

void Processors::plan() {
  ++planned_;  // what was planned before is void
  if (running_.empty()) return;
  double soonest = running_.front().until;
  for (const auto& one : running_) soonest = std::min(soonest, one.until);
  const double wait = std::max(0.0, (soonest - clock_) / rate());
  engine_.at(engine_.now() + static_cast<TimeUs>(std::llround(wait)), *this, planned_);
}

void Processors::on_event(std::uint64_t number) {
  if (number != planned_) return;
  pass_time();
  std::vector<Running> ended;
  for (auto it = running_.begin(); it != running_.end();) {
    if (it->until > clock_ + kDone) {
      ++it;
      continue;
    }
    ended.push_back(*it);
    it = running_.erase(it);
  }
  for (const auto& one : ended) {
    Station& station = *one.station;
    --station.busy_;
    Station::Job job;
    if (station.next(job)) {
      ++station.busy_;
      begin(station, job);
    }
  }
  plan();
  for (const auto& one : ended) {
    if (one.job.who != nullptr) one.job.who->served(one.job.ticket, one.job.step);
  }
}

}  // namespace latchkey::boards::fleet::forecast
