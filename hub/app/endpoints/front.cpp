// SPDX-License-Identifier: Apache-2.0
#include "hub/app/endpoints/front.h"

#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "hub/brokers/front_config.h"
#include "hub/brokers/log_file.h"
#include "platform/files/descriptor.h"
#include "platform/files/folder.h"

namespace latchkey::hub::app {
namespace {

using registry::Nothing;
using registry::Outcome;
using registry::Reason;
using registry::refuse;

constexpr std::size_t kLogTail = 2000;
constexpr auto kFollowEvery = std::chrono::milliseconds(25);
constexpr timeval kControlPatience{2, 0};

std::vector<std::string> flags() { return {"-db", "-f"}; }  // in the foreground; the configuration's name follows

std::uint64_t most_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<std::uint64_t>(limit.rlim_max);
}

// Sends one line on the control socket; true once it is answered. HAProxy answers only when all its listeners stand.
bool command(const std::filesystem::path& socket, const std::string& line) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = socket.string();
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const files::Descriptor connection(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!connection) return false;
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    (void)::setsockopt(connection.get(), SOL_SOCKET, option, &kControlPatience, sizeof kControlPatience);
  }
  if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
  if (::send(connection.get(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return false;
  char answer[256];
  const ssize_t size = ::recv(connection.get(), answer, sizeof answer, 0);
  return size == 1 && answer[0] == '\n';  // anything else is a complaint
}

}  // namespace

Front::Front(const DataFolder& folder, Options options, std::function<bool(std::size_t)> open)
    : data_(folder), options_(std::move(options)), open_(std::move(open)), told_(options_.brokers.size()) {}

Front::~Front() { stop(); }

Outcome<Nothing> Front::check_program(const std::filesystem::path& haproxy) {
  if (::access(haproxy.c_str(), X_OK) == 0 && !std::filesystem::is_directory(haproxy)) return Nothing{};
  return refuse(Reason::kInvalidArgument,
                "several brokers behind one address need HAProxy, and there is none at " + haproxy.string() +
                    ": install Debian's package 'haproxy', name its program with --haproxy, or give each broker an "
                    "address of its own with --hub-front addresses");
}

std::string Front::config() const {
  brokers::FrontConfig config;
  config.address = options_.address.host;
  config.port = options_.address.port;
  if (!data_.broker_user().empty()) {
    const passwd* const user = ::getpwnam(data_.broker_user().c_str());
    if (user != nullptr) config.user = {user->pw_uid, user->pw_gid};
  }
  config.control = control();
  config.brokers = options_.brokers;
  config.descriptors = most_descriptors();
  return brokers::render(config);
}

Outcome<Nothing> Front::lay_out_files() const {
  // Not the brokers' user's: whoever can speak on the control socket decides where devices go.
  if (files::make_folder(folder(), 0700, ::geteuid())) return Nothing{};
  return refuse(Reason::kStorage, folder().string() + " cannot be made");
}

Outcome<Nothing> Front::start() {
  LATCHKEY_TRY_VOID(check_program(options_.haproxy));
  LATCHKEY_TRY_VOID(lay_out_files());
  brokers::Broker::Options process;
  process.name = kFrontFiles;
  process.executable = options_.haproxy;
  process.config_file = file(".conf");
  process.config = config();
  process.pid_file = file(".pid");
  process.log_file = file(".log");
  process.nonce = data_.nonce();
  process.flags = flags();
  process.listener = [this](brokers::BrokerEvent event) {
    ready_ = false;
    anew_ = true;
    if (event == brokers::BrokerEvent::kEnded) ++restarts_;
  };
  process_ = std::make_unique<brokers::Broker>(std::move(process));
  seen_ = process_.get();
  if (auto started = process_->start(); !started) {
    return refuse(Reason::kStorage,
                  options_.haproxy.string() + " cannot be started: " + std::string(to_string(started.error())));
  }
  following_ = std::jthread([this](const std::stop_token& end) { follow(end); });
  return Nothing{};
}

Outcome<Nothing> Front::wait_ready(int timeout_ms, const std::stop_token& end) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!ready_ && !process_->failing() && !end.stop_requested() && std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(kFollowEvery);
  }
  if (ready_ || end.stop_requested()) return Nothing{};
  if (process_->failing() && !is_free(options_.address)) {
    return refuse(Reason::kInvalidArgument,
                  "the address " + options_.address.text() +
                      " is in use by another program, or not ours to use: stop that program, or " + options_.advice);
  }
  return refuse(Reason::kInternal, "HAProxy at " + options_.address.text() + " does not come up. Its log ends with:\n" +
                                       brokers::LogFile(file(".log")).tail(kLogTail));
}

void Front::follow(const std::stop_token& end) {
  while (!end.stop_requested()) {
    if (tell_changes()) ready_ = true;
    std::this_thread::sleep_for(kFollowEvery);
  }
}

// True when it knows of every broker what holds now.
bool Front::tell_changes() {
  if (anew_.exchange(false)) {
    for (auto& told : told_) told.reset();
  }
  bool whole = true;
  for (std::size_t i = 0; i < told_.size(); ++i) {
    const bool open = open_(i);
    if (told_[i] == open) continue;
    if (command(control(), brokers::control_line(i, open))) {
      told_[i] = open;
    } else {
      whole = false;
    }
  }
  return whole && !anew_;
}

void Front::stop() {
  if (following_.joinable()) {
    following_.request_stop();
    following_.join();
  }
  if (process_) process_->stop();
  ready_ = false;
}

void Front::end_left_behind(const DataFolder& folder) {
  const auto stem = (folder.brokers() / kFrontFiles).string();
  brokers::Broker::end_left_behind(stem + ".pid", stem + ".conf", folder.nonce(), flags());
}

}  // namespace latchkey::hub::app
