// SPDX-License-Identifier: Apache-2.0
// The host's TCP as a board's network would offer it: polled, never waiting. Every connection goes to 127.0.0.1,
// whatever host is named, so that a test may ask for a name that the server does not have.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "platform/tls/byte_stream.h"

namespace latchkey::test {

class TcpStream final : public tls::ByteStream {
 public:
  ~TcpStream() override { close(); }

  bool open(std::string_view, std::uint16_t port) override {
    close();
    descriptor_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int done = ::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ended_ = done != 0 && errno != EINPROGRESS;
    opening_ = true;
    return descriptor_ >= 0;
  }
  Condition condition() const override {
    if (descriptor_ < 0 || ended_) return Condition::kClosed;
    if (!opening_) return Condition::kOpen;
    pollfd waiting{descriptor_, POLLOUT, 0};
    if (poll(&waiting, 1, 0) <= 0) return Condition::kOpening;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    ended_ = error != 0;
    opening_ = false;
    return ended_ ? Condition::kClosed : Condition::kOpen;
  }
  std::size_t send(ByteView bytes) override {
    if (full) return 0;
    const ssize_t count = ::send(descriptor_, bytes.data(), std::min(bytes.size(), piece), MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) ended_ = true;
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  std::size_t receive(MutableBytes out) override {
    const ssize_t count = recv(descriptor_, out.data(), std::min(out.size(), piece), 0);
    if (count == 0 || (count < 0 && errno != EAGAIN)) ended_ = true;
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  void close() override {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  std::size_t piece = 1 << 16;  // most bytes moved at a time: small pieces are what a radio has
  bool full = false;            // takes nothing to send

 private:
  int descriptor_ = -1;
  mutable bool opening_ = false;
  mutable bool ended_ = false;
};

}  // namespace latchkey::test
