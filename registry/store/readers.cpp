// SPDX-License-Identifier: Apache-2.0
#include "registry/store/readers.h"

namespace latchkey::registry::store {
namespace {

// Connections kept open when idle. More are opened under load and closed afterwards.
constexpr std::size_t kIdleLimit = 48;

}  // namespace

Readers::View::~View() {
  if (database_ == nullptr) return;
  database_->end_read();
  readers_->give_back(std::move(database_));
}

Outcome<Readers::View> Readers::view() {
  std::unique_ptr<Database> database;
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      database = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (database == nullptr) {
    LATCHKEY_TRY(opened, Database::open(path_, Database::Access::kReadOnly));
    database = std::move(opened);
  }
  LATCHKEY_TRY_VOID(database->begin_read());
  return View(this, std::move(database));
}

void Readers::give_back(std::unique_ptr<Database> database) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleLimit) idle_.push_back(std::move(database));
}

}  // namespace latchkey::registry::store
