// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgresql.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include "tests/support/temporary_folder.h"

namespace latchkey::tests {
namespace {

const std::string kPrograms = "/usr/lib/postgresql/15/bin/";
constexpr std::chrono::minutes kPatience(3);

// The user that the server runs under when root starts it: PostgreSQL refuses to be root.
const passwd* other_user() {
  if (::geteuid() != 0) return nullptr;
  const passwd* user = ::getpwnam("postgres");
  return user != nullptr ? user : ::getpwnam("nobody");
}

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool found = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(socket);
  if (!found) throw std::runtime_error("no free port");
  return ntohs(address.sin_port);
}

void wait_for_success(pid_t pid, const std::string& what) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error(what);
  }
}

}  // namespace

PostgresServer::PostgresServer() {
  if (!std::filesystem::exists(kPrograms + "initdb")) throw std::runtime_error("the package postgresql-15 is needed");
  make_folder();
  const std::string password = folder_ + "/password";
  std::ofstream(password) << kPassword << "\n";
  wait_for_success(spawn({kPrograms + "initdb", "--pgdata=" + folder_ + "/data", "--username=" + std::string(kUser),
                          "--pwfile=" + password, "--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8",
                          "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en", "--no-sync"},
                         "initdb.log"),
                   "initdb: see " + folder_ + "/initdb.log");
  start();
}

PostgresServer::~PostgresServer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void PostgresServer::make_folder() {
  folder_ = (memory_or_disk() / "latchkey-postgresql-XXXXXX").string();
  if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  if (const auto* user = other_user(); user != nullptr && ::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0) {
    throw std::runtime_error("chown " + folder_);
  }
}

pid_t PostgresServer::spawn(const std::vector<std::string>& arguments, const std::string& log) const {
  std::vector<char*> words;
  for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  const std::string log_file = folder_ + "/" + log;
  const passwd* const user = other_user();
  const uid_t uid = user == nullptr ? 0 : user->pw_uid;
  const gid_t gid = user == nullptr ? 0 : user->pw_gid;
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  const int out = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (out < 0 || ::dup2(out, 1) < 0 || ::dup2(out, 2) < 0 || ::chdir("/") != 0) ::_exit(126);
  if (user != nullptr && (::setgroups(0, nullptr) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) ::_exit(126);
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after a test that crashed nobody is left
  ::execv(words[0], words.data());
  ::_exit(127);
}

void PostgresServer::start(const std::vector<std::string>& settings) {
  if (port_ == 0) port_ = free_port();
  std::vector<std::string> words = {kPrograms + "postgres", "-D", folder_ + "/data", "-k", folder_, "-p",
                                    std::to_string(port_)};
  for (const char* setting :
       {"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200",
        "shared_buffers=32MB", "max_wal_senders=0", "wal_level=minimal", "max_wal_size=4GB"}) {
    words.insert(words.end(), {"-c", setting});
  }
  for (const auto& setting : settings) words.insert(words.end(), {"-c", setting});
  pid_ = spawn(words, "postgres.log");
  if (pid_ < 0) throw std::runtime_error("fork");
  wait_until_ready();
}

// The server says "ready" in its file when it takes connections.
void PostgresServer::wait_until_ready() const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    std::ifstream file(pid_file());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (text.find("ready") != std::string::npos && std::stol(text) == pid_) return;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) throw std::runtime_error("postgres ended: " + log_text());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("postgres is not ready: " + log_text());
}

void PostgresServer::stop() {
  if (pid_ <= 1) return;
  ::kill(pid_, SIGQUIT);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::string PostgresServer::log_text() const {
  std::ifstream file(folder_ + "/postgres.log");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string PostgresServer::url(const std::string& database, const std::string& more) const {
  return "postgresql:///" + database + "?host=" + folder_ + "&port=" + std::to_string(port_) + "&user=" + kUser + more;
}

std::string PostgresServer::tcp_url(const std::string& database, const std::string& password) const {
  return "postgresql://" + std::string(kUser) + ":" + password + "@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

}  // namespace latchkey::tests
