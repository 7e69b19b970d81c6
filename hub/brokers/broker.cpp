// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/broker.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

#include "hub/brokers/files.h"

namespace latchkey::hub::brokers {
namespace {

constexpr int kWatchMs = 100;
constexpr int kStopMs = 5000;
constexpr auto kQuickEnd = std::chrono::seconds(1);
constexpr auto kRestartMax = std::chrono::milliseconds(5000);

std::string hash_of(const std::string& text) {
  std::ostringstream out;
  out << std::hex << std::hash<std::string>{}(text);
  return out.str();
}

void end(Process& process) {
  process.signal(SIGTERM);
  if (process.wait_end(kStopMs)) return;
  process.signal(SIGKILL);
  process.wait_end(-1);
}

}  // namespace

Broker::Broker(Options options) : options_(std::move(options)), config_hash_(hash_of(options_.config)) {}

Broker::~Broker() { stop(); }

Result<void> Broker::start() {
  auto event = adopt_or_spawn();
  if (!event) return fail(event.error());
  emit(*event);
  watch_ = std::thread([this] { watch(); });
  return {};
}

Result<BrokerEvent> Broker::adopt_or_spawn() {
  if (const auto note = read_pid_note(options_.pid_file); note && note->nonce == options_.nonce) {
    if (auto found = Process::find(note->pid, note->start_time)) {
      if (note->config_hash == config_hash_) {
        const std::lock_guard lock(mutex_);
        process_ = std::move(*found);
        return BrokerEvent::kAdopted;
      }
      end(*found);
    }
  }
  LATCHKEY_TRY_VOID(write_file(options_.config_file, options_.config, 0644));
  LATCHKEY_TRY_VOID(spawn());
  return BrokerEvent::kStarted;
}

Result<void> Broker::spawn() {
  LATCHKEY_TRY(process, Process::start({options_.executable.string(), "-c", options_.config_file.string()}));
  LATCHKEY_TRY_VOID(
      write_pid_note(options_.pid_file, {process.pid(), process.start_time(), options_.nonce, config_hash_}));
  const std::lock_guard lock(mutex_);
  process_ = std::move(process);
  return {};
}

void Broker::watch() {
  auto delay = std::chrono::milliseconds(50);
  auto began = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Process* const process = &process_;
    lock.unlock();
    const bool ended = process->wait_end(kWatchMs);
    if (ended) {
      emit(BrokerEvent::kEnded);
      const bool quick = std::chrono::steady_clock::now() - began < kQuickEnd;
      quick_ends_ = quick ? quick_ends_ + 1 : 0;
      delay = quick ? std::min(delay * 2, kRestartMax) : std::chrono::milliseconds(50);
    }
    lock.lock();
    if (!ended) continue;
    ++ended_;
    changed_.notify_all();
    changed_.wait_for(lock, delay, [this] { return stopping_; });
    if (stopping_) break;
    lock.unlock();
    emit(BrokerEvent::kStarted);  // before it can serve anybody
    if (!spawn()) emit(BrokerEvent::kEnded);
    began = std::chrono::steady_clock::now();
    lock.lock();
  }
}

void Broker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (!watch_.joinable()) return;
  watch_.join();
  if (process_.running()) end(process_);
  std::error_code ignored;
  std::filesystem::remove(options_.pid_file, ignored);
  emit(BrokerEvent::kEnded);
}

void Broker::fence() {
  std::unique_lock lock(mutex_);
  const auto before = ended_;
  process_.signal(SIGKILL);
  changed_.wait(lock, [this, before] { return stopping_ || ended_ != before; });
}

pid_t Broker::pid() const {
  const std::lock_guard lock(mutex_);
  return process_.pid();
}

}  // namespace latchkey::hub::brokers
