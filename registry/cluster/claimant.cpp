// SPDX-License-Identifier: Apache-2.0
#include "registry/cluster/claimant.h"

#include <chrono>
#include <utility>

#include "registry/cluster/claim_rows.h"

namespace latchkey::registry::cluster {
namespace {

constexpr std::size_t kMostRows = 2'000;  // of one look
constexpr int kAgainMs = 200;             // behind a failure

}  // namespace

Claimant::Claimant(Options options, Claims& claims, End end)
    : options_(std::move(options)), claims_(claims), end_(std::move(end)) {}

void Claimant::start() {
  thread_ = std::thread([this] { run(); });
}

void Claimant::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void Claimant::serve_as(const Uuid& incarnation) {
  const std::lock_guard lock(mutex_);
  incarnation_ = incarnation;
}

void Claimant::all_told() {
  const std::lock_guard lock(mutex_);
  all_told_ = true;
}

// What fails is said by the cluster's thread, which speaks to the same database.
void Claimant::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto incarnation = incarnation_;
    const bool all_told = all_told_;
    lock.unlock();
    const auto more = incarnation.is_zero() ? Outcome<bool>(false) : round(incarnation, all_told);
    if (!more) database_.reset();
    const int pause_ms = !more ? kAgainMs : *more ? 0 : options_.pause_ms;
    lock.lock();
    wake_.wait_for(lock, std::chrono::milliseconds(pause_ms), [this] { return stopping_; });
  }
}

// True: more waits than one batch takes.
Outcome<bool> Claimant::round(const Uuid& incarnation, bool all_told) {
  if (database_ == nullptr) {
    LATCHKEY_TRY(opened, store::Database::open(options_.store, store::Database::Access::kReadWrite));
    database_ = std::move(opened);
    begun_as_ = {};
  }
  if (begun_as_ != incarnation || begun_with_all_ != all_told) LATCHKEY_TRY_VOID(begin(incarnation, all_told));
  LATCHKEY_TRY_VOID(follow());
  return claim();
}

Outcome<Nothing> Claimant::begin(const Uuid& incarnation, bool all_told) {
  if (all_told && !begun_with_all_) LATCHKEY_TRY_VOID(forget_void_claims(*database_));
  LATCHKEY_TRY(newest, newest_claim(*database_));  // before the rows: what comes in between is seen twice
  LATCHKEY_TRY(own, claims_of(*database_, incarnation));
  claims_.begin(incarnation, newest, own, all_told, options_.now_ms());
  begun_as_ = incarnation;
  begun_with_all_ = all_told;
  return Nothing{};
}

Outcome<Nothing> Claimant::follow() {
  LATCHKEY_TRY(newest, newest_claim(*database_));
  if (newest < claims_.newest()) LATCHKEY_TRY_VOID(begin(begun_as_, begun_with_all_));
  while (claims_.newest() < newest) {
    LATCHKEY_TRY(rows, claims_behind(*database_, claims_.newest(), kMostRows));
    const auto until = rows.size() == kMostRows ? rows.back().number : newest;
    end(claims_.seen(rows, until, options_.now_ms()));
  }
  return Nothing{};
}

Outcome<bool> Claimant::claim() {
  const auto batch = claims_.take(options_.now_ms());
  if (batch.empty()) return false;
  const auto taken = write_claims(*database_, begun_as_, batch);
  if (!taken) {
    claims_.undone(batch);
    return fail(taken.error());
  }
  end(claims_.done(batch, *taken));
  return batch.full();
}

void Claimant::end(const std::vector<Claims::Ending>& endings) {
  for (const auto& ending : endings) end_(ending);
}

}  // namespace latchkey::registry::cluster
