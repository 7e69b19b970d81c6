// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/platform/posix/test_servers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/unit/platform/test_certificates.h"

namespace latchkey::test {
namespace {

struct BoundSocket {
  int descriptor;
  std::uint16_t port;
};

BoundSocket bind_loopback() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  require(bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
  return {descriptor, ntohs(address.sin_port)};
}

}  // namespace

ClosedPort::ClosedPort() {
  const BoundSocket bound = bind_loopback();
  descriptor_ = bound.descriptor;
  port_ = bound.port;
}

ClosedPort::~ClosedPort() { close(descriptor_); }

MosquittoBroker::MosquittoBroker(const tests::TemporaryFolder& folder, const std::string& settings) {
  // Somebody else may take the port between the look and the broker's own bind: then try another.
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = ClosedPort().port();
    const std::string text =
        "user root\nlog_dest stderr\nlog_type information\nlog_type error\nconnection_messages false\n" +
        std::string("listener ") + std::to_string(port_) + " 127.0.0.1\n" + settings;
    if (start(folder.write("mosquitto.conf", text))) return;
    kill();
  }
  throw std::runtime_error("mosquitto does not start");
}

bool MosquittoBroker::start(const std::string& configuration) {
  int ends[2];
  require(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execl("/usr/sbin/mosquitto", "mosquitto", "-c", configuration.c_str(), nullptr);
    _exit(127);
  }
  close(ends[1]);
  log_ = ends[0];  // stays open, so that the broker can go on writing
  std::string said;
  char buffer[512];
  while (said.find(" running") == std::string::npos) {
    const ssize_t got = read(log_, buffer, sizeof buffer);
    if (got <= 0) return false;
    said.append(buffer, static_cast<std::size_t>(got));
  }
  return true;
}

void MosquittoBroker::kill() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (log_ >= 0) close(log_);
  pid_ = -1;
  log_ = -1;
}

LoopbackServer::LoopbackServer(std::function<void(int)> serve) : serve_(std::move(serve)) {
  const BoundSocket bound = bind_loopback();
  listener_ = bound.descriptor;
  port_ = bound.port;
  require(listen(listener_, 8) == 0, "listen");
  thread_ = std::thread([this] {
    for (;;) {
      const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      serve_(connection);
      close(connection);
    }
  });
}

LoopbackServer::~LoopbackServer() {
  shutdown(listener_, SHUT_RDWR);  // wakes accept
  thread_.join();
  close(listener_);
}

void serve_tls(int socket, const TlsServer& server, const std::function<void(SSL*)>& talk) {
  std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>> context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_max_proto_version(context.get(), server.highest_version);
  require(SSL_CTX_use_certificate_chain_file(context.get(), server.certificate.c_str()) == 1, "certificate");
  require(SSL_CTX_use_PrivateKey_file(context.get(), server.key.c_str(), SSL_FILETYPE_PEM) == 1, "key");
  if (!server.client_ca.empty()) {
    require(SSL_CTX_load_verify_locations(context.get(), server.client_ca.c_str(), nullptr) == 1, "client CA");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  std::unique_ptr<SSL, Freer<SSL_free>> tls(SSL_new(context.get()));
  SSL_set_fd(tls.get(), socket);
  if (SSL_accept(tls.get()) == 1) {
    talk(tls.get());
    SSL_shutdown(tls.get());
  } else {
    char rest[1024];
    [[maybe_unused]] const ssize_t got = recv(socket, rest, sizeof rest, 0);
  }
  ERR_clear_error();
}

}  // namespace latchkey::test
