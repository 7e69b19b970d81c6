// SPDX-License-Identifier: Apache-2.0
#include "hub/signing/service/journal.h"

namespace latchkey::hub::signing {

using registry::Nothing;
using registry::Reason;
using registry::refuse;
using registry::signing::Operation;
using registry::signing::OperationEnd;
using registry::signing::OperationStatus;

Journal::Journal(registry::signing::OperationRows& rows, Ended ended)
    : rows_(rows), ended_(std::move(ended)), thread_([this] { loop(); }) {}

Journal::~Journal() { close(); }

void Journal::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  queued_.notify_all();
  const std::lock_guard lock(join_);
  if (thread_.joinable()) thread_.join();
}

Answer<Nothing> Journal::start(Begin& begin) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return refuse(Reason::kShuttingDown, "the signing service is closing");
    begins_.push_back(&begin);
  }
  queued_.notify_one();
  return Nothing{};
}

Answer<Nothing> Journal::wait(Begin& begin) {
  Begin::Waiter& waiter = *begin.waiter_;
  std::unique_lock lock(waiter.mutex);
  waiter.changed.wait(lock, [&waiter] { return waiter.answered; });
  return std::move(begin.answer_);
}

void Journal::end(OperationEnd end) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;  // still open in the registry: the next start signs it
    ends_.push_back(std::move(end));
  }
  queued_.notify_one();
}

void Journal::loop() {
  for (;;) {
    std::vector<Begin*> begins;
    std::vector<OperationEnd> ends;
    {
      std::unique_lock lock(mutex_);
      queued_.wait(lock, [this] { return closing_ || !begins_.empty() || !ends_.empty(); });
      begins.swap(begins_);
      ends.swap(ends_);
    }
    if (begins.empty() && ends.empty()) return;
    store(begins, ends);
  }
}

void Journal::store(const std::vector<Begin*>& begins, std::vector<OperationEnd>& ends) {
  std::vector<const Operation*> operations;
  operations.reserve(begins.size());
  for (const Begin* begin : begins) operations.push_back(&begin->operation_);
  const auto stored = rows_.write(operations, ends);
  for (OperationEnd& end : ends) {
    if (!stored) end = {end.number, OperationStatus::kFailed, {}, {}, "the result could not be stored", end.ended};
    ended_(end);
  }
  for (Begin* begin : begins) {
    if (!stored) begin->answer_ = fail(stored.error());
    const auto waiter = begin->waiter_;
    {
      const std::lock_guard lock(waiter->mutex);
      waiter->answered = true;  // from here on the operation, which lives on its caller's stack, may be gone
    }
    waiter->changed.notify_one();  // outside the lock, which the one that is woken takes first of all
  }
}

}  // namespace latchkey::hub::signing
