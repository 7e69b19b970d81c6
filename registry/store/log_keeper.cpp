// SPDX-License-Identifier: Apache-2.0
#include "registry/store/log_keeper.h"

#include <utility>

namespace latchkey::registry::store {

Outcome<std::unique_ptr<LogKeeper>> LogKeeper::start(Database& writer, Options options) {
  LATCHKEY_TRY(own, Database::open(writer.path(), Database::Access::kReadWrite));
  return std::unique_ptr<LogKeeper>(new LogKeeper(writer, std::move(own), options));
}

LogKeeper::LogKeeper(Database& writer, std::unique_ptr<Database> own, Options options)
    : writer_(writer), own_(std::move(own)), options_(options) {
  writer_.watch_log([this](std::size_t pages) { grown(pages); });
  thread_ = std::thread([this] { loop(); });
}

LogKeeper::~LogKeeper() {
  writer_.watch_log({});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

// A fold that fails is tried again when the log has grown; the commits that it holds are durable as they are.
void LogKeeper::grown(std::size_t pages) {
  {
    const std::lock_guard lock(mutex_);
    if (pages < pages_) folded_ = 0;  // the log began anew
    pages_ = pages;
    if (pages < folded_ + options_.every) return;
  }
  if (pages >= options_.most) {
    static_cast<void>(writer_.fold_log());
  } else {
    changed_.notify_one();
  }
}

void LogKeeper::loop() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || (pages_ >= folded_ + options_.every && pages_ < options_.most); });
    if (stopping_) return;
    folded_ = pages_;
    lock.unlock();
    static_cast<void>(own_->fold_log());
    lock.lock();
  }
}

}  // namespace latchkey::registry::store
