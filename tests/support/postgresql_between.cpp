// SPDX-License-Identifier: Apache-2.0
#include "tests/support/postgresql_between.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace latchkey::tests {
namespace {

constexpr const char* kSocket = "/.s.PGSQL.5432";

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw std::runtime_error("too long for a socket: " + path);
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int unix_socket() {
  const int made = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made < 0) throw std::runtime_error("socket");
  return made;
}

bool send_all(int to, const char* data, std::size_t size) {
  while (size > 0) {
    const auto sent = ::send(to, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

// How long the message is that `text` begins with: a type, but for the first one, and then a length that counts
// itself. 0: not told yet.
std::size_t message_size(const std::string& text, bool first) {
  const std::size_t type = first ? 0 : 1;
  if (text.size() < type + 4) return 0;
  std::size_t length = 0;
  for (std::size_t i = type; i < type + 4; ++i) length = length << 8 | static_cast<unsigned char>(text[i]);
  return type + length;
}

// Away with whole messages as they are there, in other words.
class Clerk {
 public:
  Clerk(const std::string& word, const std::string& other) : word_(word), other_(other) {}
  bool pass(const char* data, std::size_t size, int to) {
    waiting_.append(data, size);
    for (;;) {
      const std::size_t whole = message_size(waiting_, first_);
      if (whole == 0 || waiting_.size() < whole) return true;
      std::string message = waiting_.substr(0, whole);
      waiting_.erase(0, whole);
      first_ = false;
      for (auto at = message.find(word_); at != std::string::npos; at = message.find(word_, at + 1)) {
        message.replace(at, word_.size(), other_);
      }
      if (!send_all(to, message.data(), message.size())) return false;
    }
  }

 private:
  const std::string& word_;
  const std::string& other_;
  std::string waiting_;
  bool first_ = true;
};

}  // namespace

PostgresBetween::PostgresBetween(const PostgresServer& server, std::string word, std::string other)
    : target_(server.socket()), word_(std::move(word)), other_(std::move(other)) {
  if (word_.size() != other_.size()) throw std::runtime_error("words of different lengths");
  folder_ = "/tmp/latchkey-between-XXXXXX";
  if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  listener_ = unix_socket();
  const auto address = address_of(folder_ + kSocket);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("bind");
  }
  end_ = ::eventfd(0, EFD_CLOEXEC);
  server_ = std::thread([this] { serve(); });
}

PostgresBetween::~PostgresBetween() {
  ::eventfd_write(end_, 1);
  server_.join();
  for (auto& carrier : carriers_) carrier.join();
  ::close(listener_);
  ::close(end_);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string PostgresBetween::url(const std::string& database, const std::string& more) const {
  return "postgresql:///" + database + "?host=" + folder_ + "&port=5432&user=" + PostgresServer::kUser + more;
}

void PostgresBetween::serve() {
  for (;;) {
    std::array<pollfd, 2> files = {{{end_, POLLIN, 0}, {listener_, POLLIN, 0}}};
    ::poll(files.data(), files.size(), -1);
    if (files[0].revents != 0) return;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0) carriers_.emplace_back([this, client] { carry(client); });
  }
}

void PostgresBetween::carry(int client) {
  const int server = unix_socket();
  const auto address = address_of(target_);
  Clerk clerk(word_, other_);
  bool open = ::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  std::array<char, 16'384> data;
  while (open) {
    std::array<pollfd, 3> files = {{{end_, POLLIN, 0}, {client, POLLIN, 0}, {server, POLLIN, 0}}};
    ::poll(files.data(), files.size(), -1);
    open = files[0].revents == 0;
    if (open && files[1].revents != 0) {
      const auto size = ::recv(client, data.data(), data.size(), 0);
      open = size > 0 && clerk.pass(data.data(), static_cast<std::size_t>(size), server);
    }
    if (open && files[2].revents != 0) {
      const auto size = ::recv(server, data.data(), data.size(), 0);
      open = size > 0 && send_all(client, data.data(), static_cast<std::size_t>(size));
    }
  }
  ::close(client);
  ::close(server);
}

}  // namespace latchkey::tests
