// SPDX-License-Identifier: Apache-2.0
#include "registry/store/readers.h"

#include <chrono>
#include <limits>

#include "registry/store/location.h"

namespace latchkey::registry::store {
namespace {

// Connections kept open when idle. More are opened under load and closed afterwards.
constexpr std::size_t kIdleLimit = 48;
constexpr std::chrono::seconds kPatience(10);

}  // namespace

Readers::View::~View() {
  if (database_ == nullptr) return;
  database_->end_read();
  readers_->give_back(std::move(database_));
}

Readers::Readers(std::string location)
    : path_(std::move(location)),
      most_(is_postgres_url(path_) ? kMostOfPostgres : std::numeric_limits<std::size_t>::max()) {}

Outcome<Readers::View> Readers::view() {
  LATCHKEY_TRY(database, take());
  View view(this, std::move(database));  // which gives it back
  LATCHKEY_TRY_VOID((*view).begin_read());
  return view;
}

Outcome<std::unique_ptr<Database>> Readers::take() {
  std::unique_ptr<Database> database;
  {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, kPatience, [this] { return lent_ < most_; })) {
      return refuse(Reason::kStorage, "storage: no connection to the database came free");
    }
    ++lent_;
    if (!idle_.empty()) {
      database = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (database != nullptr) return database;
  auto opened = Database::open(path_, Database::Access::kReadOnly);
  if (!opened) give_back(nullptr);
  return opened;
}

void Readers::give_back(std::unique_ptr<Database> database) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (database != nullptr && idle_.size() < kIdleLimit) idle_.push_back(std::move(database));
  }
  if (most_ != std::numeric_limits<std::size_t>::max()) freed_.notify_one();
}

}  // namespace latchkey::registry::store
