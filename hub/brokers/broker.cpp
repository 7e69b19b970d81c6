// SPDX-License-Identifier: Apache-2.0
#include "hub/brokers/broker.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <sstream>
#include <utility>

#include "platform/files/file.h"

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

std::vector<std::string> arguments_of(std::vector<std::string> flags, const std::filesystem::path& config_file) {
  flags.push_back(config_file.string());
  return flags;
}

void end(Process& process) {
  process.signal(SIGTERM);
  if (process.wait_end(kStopMs)) return;
  process.signal(SIGKILL);
  process.wait_end(-1);
}

}  // namespace

Broker::Broker(Options options)
    : options_(std::move(options)), config_hash_(hash_of(options_.config)), log_(options_.log_file) {}

Broker::~Broker() { stop(); }

std::vector<std::string> Broker::arguments() const { return arguments_of(options_.flags, options_.config_file); }

Result<void> Broker::start() {
  auto event = adopt_or_spawn();
  if (!event) return fail(event.error());
  emit(*event);
  watch_ = std::thread([this] { watch(); });
  return {};
}

Result<BrokerEvent> Broker::adopt_or_spawn() {
  if (const auto note = read_pid_note(options_.pid_file); note && note->nonce == options_.nonce) {
    if (auto found = Process::find(note->pid, note->start_time); found && found->runs_with(arguments())) {
      if (note->config_hash == config_hash_) {
        const std::lock_guard lock(mutex_);
        process_ = std::move(*found);
        return BrokerEvent::kAdopted;
      }
      end(*found);
    }
  }
  LATCHKEY_TRY_VOID(files::replace_file(options_.config_file, options_.config, files::kPublicFile));
  LATCHKEY_TRY_VOID(spawn());
  return BrokerEvent::kStarted;
}

Result<void> Broker::spawn() {
  log_.bound();
  std::vector<std::string> command{options_.executable.string()};
  for (auto& argument : arguments()) command.push_back(std::move(argument));
  auto process = Process::start(command, options_.log_file, [this](const Process& made) {
    return write_pid_note(options_.pid_file, {made.pid(), made.start_time(), options_.nonce, config_hash_});
  });
  if (!process) {
    std::error_code ignored;
    std::filesystem::remove(options_.pid_file, ignored);
    return fail(process.error());
  }
  const std::lock_guard lock(mutex_);
  process_ = std::move(*process);
  down_ = false;
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
    log_.bound();
    if (ended) {
      emit(BrokerEvent::kEnded);
      const bool quick = std::chrono::steady_clock::now() - began < kQuickEnd;
      quick_ends_ = quick ? quick_ends_ + 1 : 0;
      delay = quick ? std::min(delay * 2, kRestartMax) : std::chrono::milliseconds(50);
    }
    lock.lock();
    if (!ended) continue;
    ++ended_;
    down_ = true;
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
  if (down_) return;  // killing what is gone ends nothing: waiting for it would take until the next one's death
  const auto before = ended_;
  process_.signal(SIGKILL);
  changed_.wait(lock, [this, before] { return stopping_ || ended_ != before; });
}

bool Broker::left_behind(const std::filesystem::path& pid_file, const std::string& nonce) {
  const auto note = read_pid_note(pid_file);
  return note && note->nonce == nonce && Process::find(note->pid, note->start_time);
}

void Broker::end_left_behind(const std::filesystem::path& pid_file, const std::filesystem::path& config_file,
                             const std::string& nonce, std::vector<std::string> flags) {
  const auto note = read_pid_note(pid_file);
  if (!note || note->nonce != nonce) return;
  auto found = Process::find(note->pid, note->start_time);
  if (found && found->runs_with(arguments_of(std::move(flags), config_file))) end(*found);
}

pid_t Broker::pid() const {
  const std::lock_guard lock(mutex_);
  return process_.pid();
}

}  // namespace latchkey::hub::brokers
