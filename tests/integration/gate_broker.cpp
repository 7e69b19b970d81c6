// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/gate_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/integration/gate_pki.h"

namespace latchkey::tests {
namespace {

// Below the ports that the kernel gives to outgoing connections (32768 and up, ip(7)): until the broker listens, a
// client of the test beside this one could take such a port.
std::uint16_t free_port() {
  std::random_device random;
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto port = static_cast<std::uint16_t>(16'384 + random() % 16'384);
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool free = bind(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(probe);
    if (free) return port;
  }
  throw std::runtime_error("no free port");
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file < 0 || write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("cannot write " + path.string());
  }
  close(file);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

Broker::Broker(const std::string& endpoint, const std::vector<std::string>& options) {
  char name[] = "/tmp/latchkey-gate-XXXXXX";
  if (mkdtemp(name) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = name;
  port_ = free_port();
  const Identity ca = make_ca("test server");
  write_file(folder_ / "server.pem", ca.certificate_pem());
  write_file(folder_ / "server.key", ca.key_pem());
  write_configuration(endpoint, options);
  start();
  try {
    await_listening();
  } catch (...) {
    clean_up();
    throw;
  }
}

Broker::~Broker() { clean_up(); }

void Broker::clean_up() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Broker::write_configuration(const std::string& endpoint, const std::vector<std::string>& options) {
  const std::string me = geteuid() == 0 ? "user root\n" : "";  // the folder and the module are the tester's
  std::string text = me +
                     "persistence false\n"
                     "log_dest file " +
                     (folder_ / "log").string() +
                     "\n"
                     "log_type error\nlog_type warning\nlog_type notice\nlog_type information\n"
                     "connection_messages false\n"
                     "per_listener_settings false\n"
                     "allow_anonymous true\n"
                     "allow_zero_length_clientid false\n"
                     "set_tcp_nodelay true\n"
                     "max_inflight_messages 0\n"
                     "max_queued_messages 1000000\n"
                     "listener 0 " +
                     socket() +
                     "\n"
                     "listener " +
                     std::to_string(port_) +
                     " 127.0.0.1\n"
                     "max_qos 1\n"
                     "certfile " +
                     (folder_ / "server.pem").string() +
                     "\n"
                     "keyfile " +
                     (folder_ / "server.key").string() +
                     "\n"
                     "require_certificate false\n"
                     "plugin " LATCHKEY_GATE
                     "\n"
                     "plugin_opt_endpoint " +
                     endpoint +
                     "\n"
                     "plugin_opt_socket " +
                     socket() + "\n";
  for (const std::string& line : options) text += line + "\n";
  write_file(folder_ / "broker.conf", text);
}

void Broker::start() {
  const std::string configuration = (folder_ / "broker.conf").string();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that dies leaves no broker behind
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    execlp(LATCHKEY_MOSQUITTO, "mosquitto", "-c", configuration.c_str(), nullptr);
    _exit(127);
  }
}

void Broker::await_listening() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (log().find(" running") != std::string::npos) return;  // said when all listeners stand
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("the broker ended at start: " + log());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  throw std::runtime_error("the broker does not listen: " + log());
}

// Every kill() is guarded: -1 would stand for every process of this user.
void Broker::reload() const {
  if (pid_ > 0) kill(pid_, SIGHUP);
}

int Broker::stop() {
  if (pid_ <= 0) throw std::logic_error("the broker does not run");
  kill(pid_, SIGTERM);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string Broker::log() const { return read_file(folder_ / "log"); }

std::uint64_t Broker::resident() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t size = 0;
  std::uint64_t pages = 0;
  file >> size >> pages;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace latchkey::tests
