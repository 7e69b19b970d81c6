// SPDX-License-Identifier: Apache-2.0
// The server over TCP, spoken to byte by byte. What it has in common with the one over a Unix socket is tested with
// management's (tests/unit/hub/management/server_test.cpp).
#include "hub/http/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <mutex>

namespace latchkey::hub::http {
namespace {

using registry::Reason;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

int connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return descriptor;
  close(descriptor);
  return -1;
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t count = 0; (count = read(descriptor, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return text;
}

// Sends everything, takes everything until the server closes.
std::string talk(std::uint16_t port, const std::string& text) {
  const int descriptor = connect_to(port);
  if (descriptor < 0) return "no connection";
  (void)send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
  const auto answer = read_all(descriptor);
  close(descriptor);
  return answer;
}

std::string request(const std::string& line, const std::string& more = "") {
  return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + more + "\r\n";
}

class TcpServer : public testing::Test {
 protected:
  void start(std::function<Response(const Request&)> handle, std::optional<Response> turn_away = std::nullopt) {
    Handlers handlers;
    handlers.handle = std::move(handle);
    if (turn_away) handlers.turn_away = [turn_away](const Peer&) { return turn_away; };
    handlers.turned_away = [this](const Peer& peer) {
      const std::scoped_lock lock(mutex);
      refused.push_back(peer);
    };
    auto started = Server::listen_tcp("127.0.0.1", 0, {}, std::move(handlers));
    ASSERT_TRUE(started) << started.error().detail;
    server = *std::move(started);
  }
  std::string ask(const std::string& text) { return talk(server->port(), text); }

  std::mutex mutex;
  std::vector<Peer> refused;
  std::unique_ptr<Server> server;  // goes first: its threads use the others
};

TEST_F(TcpServer, request_arrives_with_method_path_query_fields_and_peer) {
  Request seen;
  start([&](const Request& asked) {
    seen = asked;
    return Response{200, "text/x", "hello", {{"X-Answer", "42"}}};
  });
  const auto answer = ask(request("BREW /pot%20a?sugar=1", "X-Ask: 7\r\nx-ask: 8\r\n"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Content-Type: text/x\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Answer: 42\r\n"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n\r\nhello"));
  EXPECT_EQ(seen.method, "BREW");
  EXPECT_EQ(seen.path, "/pot%20a");
  EXPECT_EQ(seen.query, "sugar=1");
  EXPECT_EQ(seen.field("x-ASK"), "7");
  EXPECT_EQ(seen.field("absent"), "");
  EXPECT_EQ(seen.peer.uid, std::nullopt);
  EXPECT_THAT(seen.peer.address, StartsWith("127.0.0.1:"));
}

TEST_F(TcpServer, head_is_answered_with_the_length_and_without_the_content) {
  start([](const Request&) { return Response{200, "text/x", "hello"}; });
  const auto answer = ask("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + request("GET /"));
  const auto end = answer.find("\r\n\r\n");
  ASSERT_NE(end, std::string::npos);
  EXPECT_THAT(answer.substr(0, end), HasSubstr("Content-Length: 5"));
  EXPECT_THAT(answer.substr(end + 4), StartsWith("HTTP/1.1 200 OK\r\n")) << "the next answer follows at once";
}

TEST_F(TcpServer, answers_without_content_say_no_length) {
  for (const int status : {204, 304}) {
    start([status](const Request&) { return Response{status, "", "", {{"ETag", "\"a\""}}}; });
    const auto answer = ask(request("GET /"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(status)));
    EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
    EXPECT_THAT(answer, HasSubstr("ETag: \"a\"\r\n"));
  }
}

TEST_F(TcpServer, faults_are_plain_text_unless_the_handlers_word_them) {
  start([](const Request&) -> Response { throw std::runtime_error("secret"); });
  const auto answer = ask(request("GET /"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("secret")));
  EXPECT_THAT(ask("junk\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(request("GET /" + std::string(20'000, 'x'))), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(ask(request("POST /", "Content-Length: 99999999\r\n")), StartsWith("HTTP/1.1 413 "));
}

TEST_F(TcpServer, peer_that_is_turned_away_hears_why_and_no_handler_hears_of_it) {
  bool handled = false;
  start(
      [&](const Request&) {
        handled = true;
        return Response{};
      },
      Response{403, "text/plain", "no"});
  EXPECT_THAT(ask(request("GET /")), StartsWith("HTTP/1.1 403 "));
  server->stop();  // reports are written by the pool, which is done now
  EXPECT_FALSE(handled);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_THAT(refused[0].address, StartsWith("127.0.0.1:"));
}

TEST_F(TcpServer, stop_lets_a_running_handler_answer) {
  std::promise<void> entered;
  std::promise<void> release;
  start([&](const Request&) {
    entered.set_value();
    release.get_future().wait();
    return Response{200, "text/x", "done"};
  });
  auto answer = std::async(std::launch::async, [this] { return ask(request("GET /")); });
  entered.get_future().wait();
  auto stopped = std::async(std::launch::async, [this] { server->stop(); });
  release.set_value();
  EXPECT_THAT(answer.get(), HasSubstr("done"));
  stopped.get();
  server->stop();  // twice does no harm
  EXPECT_EQ(connect_to(server->port()), -1);
}

TEST_F(TcpServer, port_that_is_taken_is_refused) {
  start([](const Request&) { return Response{}; });
  const auto second = Server::listen_tcp("127.0.0.1", server->port(), {}, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::kOperationInProgress) << "who has it may leave";
  EXPECT_THAT(second.error().detail, HasSubstr(std::to_string(server->port())));
}

TEST_F(TcpServer, address_of_another_machine_is_refused) {
  const auto started = Server::listen_tcp("192.0.2.1", 0, {}, {});  // RFC 5737: nobody's
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, Reason::kInvalidArgument);
}

TEST_F(TcpServer, name_in_place_of_an_address_is_refused) {
  for (const char* host : {"localhost", "", "127.0.0.1.5", "::g"}) {
    const auto started = Server::listen_tcp(host, 0, {}, {});
    ASSERT_FALSE(started) << host;
    EXPECT_EQ(started.error().reason, Reason::kInvalidArgument);
  }
}

}  // namespace
}  // namespace latchkey::hub::http
