// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/up_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

namespace latchkey::tests {

using nlohmann::json;

std::string built(const std::string& program) { return std::string(LATCHKEY_BIN) + "/" + program; }

bool eventually(const std::function<bool()>& holds, int timeout_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

// A zombie that nobody has collected does nothing any more.
bool alive(pid_t pid) {
  const auto stat = read_text("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

mode_t mode_of(const std::filesystem::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

Listener::Listener(const std::string& host, int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  const int yes = 1;
  ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  // Any free one: below the ports that the kernel gives to outgoing connections (32768 and up, ip(7)), so that it stays
  // free for whom it is meant when this listener has gone.
  std::random_device random;
  bool bound = false;
  for (int attempt = 0; !bound && attempt < (port == 0 ? 100 : 1); ++attempt) {
    port_ = port == 0 ? 16'384 + static_cast<int>(random() % 16'384) : port;
    address.sin_port = htons(static_cast<std::uint16_t>(port_));
    bound = ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  if (!bound || ::listen(fd_, 4) != 0) port_ = 0;
}

Listener::~Listener() { ::close(fd_); }

Up::Up(std::filesystem::path data, std::vector<std::string> before)
    : data_(std::move(data)), before_(std::move(before)) {
  if (!before_.empty()) ::chmod(work_.path().c_str(), 0777);  // the other user tells its endpoints there
}

std::vector<std::string> Up::command(std::vector<std::string> options) const {
  auto all = before_;
  for (const auto& one : {built("latchkey"), std::string("--data"), data_.string(), std::string("up"),
                          std::string("--endpoints-file"), (work_.path() / "endpoints.json").string()}) {
    all.push_back(one);
  }
  all.insert(all.end(), options.begin(), options.end());
  return all;
}

void Up::launch(std::vector<std::string> options) {
  std::filesystem::remove(work_.path() / "endpoints.json");
  process_ = std::make_unique<Subprocess>(command(std::move(options)), work_.path() / "log");
}

bool Up::start(std::vector<std::string> options) {
  launch(std::move(options));
  return eventually([&] { return std::filesystem::exists(work_.path() / "endpoints.json") || !process_->running(); },
                    60'000) &&
         process_->running();
}

Finished Up::refused(std::vector<std::string> options) const { return run(command(std::move(options)), 60'000); }

int Up::signal_and_wait(int number) {
  process_->signal(number);
  return process_->wait(60'000);
}

Finished Up::cli(std::vector<std::string> arguments) const {
  auto all = before_;
  for (const auto& one : {built("latchkey"), std::string("--data"), data_.string()}) all.push_back(one);
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(all);
}

json Up::endpoints() const { return json::parse(read_text(work_.path() / "endpoints.json")); }

std::pair<pid_t, pid_t> Up::broker_pids() const {
  std::pair<pid_t, pid_t> pids{-1, -1};
  const auto status = json::parse(cli({"-o", "json", "status"}).out, nullptr, false);
  if (!status.is_object()) return pids;
  for (const auto& gate : status.at("gates")) {
    (gate.at("endpoint") == "dps" ? pids.first : pids.second) = gate.at("brokerPid");
  }
  return pids;
}

}  // namespace latchkey::tests
