// SPDX-License-Identifier: Apache-2.0
// The server over a real socket, spoken to byte by byte.
#include "hub/management/server.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <mutex>
#include <thread>

#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

int connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
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
std::string talk(const std::string& path, const std::string& text) {
  const int descriptor = connect_to(path);
  if (descriptor < 0) return "no connection";
  (void)send(descriptor, text.data(), text.size(), MSG_NOSIGNAL);
  const auto answer = read_all(descriptor);
  close(descriptor);
  return answer;
}

std::string request(const std::string& line, const std::string& body = "", const std::string& more = "") {
  return line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more + "\r\n" + body;
}

class ServerTest : public testing::Test {
 protected:
  registry::Outcome<registry::Nothing> start(std::function<Response(const Request&)> handle = nullptr) {
    ServerOptions options;
    options.socket_path = path;
    options.owner_uid = geteuid();
    options.header_limit = 4096;
    options.body_limit = 10'000;
    options.connection_limit = 8;
    auto keep = [this](const Request& asked) {
      const std::lock_guard lock(mutex);
      requests.push_back(asked);
      return Response{200, R"({"ok":true})"};
    };
    auto started = Server::start(options, handle ? handle : keep, [this](const Caller& caller) {
      const std::lock_guard lock(mutex);
      refused.push_back(caller);
    });
    if (!started) return tl::unexpected<registry::Refusal>(started.error());
    server = std::move(*started);
    return registry::Nothing{};
  }

  tests::MemoryFolder folder;
  const std::string path = folder.file("run/management.sock");
  std::mutex mutex;
  std::vector<Request> requests;
  std::vector<Caller> refused;
  std::unique_ptr<Server> server;  // goes first: its threads use the others
};

TEST_F(ServerTest, request_arrives_whole_and_names_its_caller) {
  ASSERT_TRUE(start());
  const auto answer = talk(path, request("PUT /a/b?c=d", "{}"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("{\"ok\":true}"));
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, Method::kPut);
  EXPECT_EQ(requests[0].path, "/a/b");
  EXPECT_EQ(requests[0].query, "c=d");
  EXPECT_EQ(requests[0].body, "{}");
  EXPECT_EQ(requests[0].caller.uid, geteuid());
  EXPECT_EQ(requests[0].caller.kind, Caller::Kind::kOwner);
}

TEST_F(ServerTest, documents_alone_may_have_a_large_body) {
  ASSERT_TRUE(start());
  const std::string large(5'000'000, ' ');
  for (const auto* line : {"POST /identityValidations/x/documents", "POST /a/identityValidations/x/present?b=c"}) {
    EXPECT_THAT(talk(path, request(line, large)), StartsWith("HTTP/1.1 200 ")) << line;
  }
  EXPECT_EQ(requests.size(), 2u);
  // The length is refused before anything else is read.
  const std::string length = "Host: x\r\nContent-Length: 5000000\r\n\r\n";
  for (const auto* line : {"PUT /identityValidations/x/documents", "POST /documents",
                           "POST /identityValidations/x/renew", "POST /a?b=/identityValidations/x/documents"}) {
    EXPECT_THAT(talk(path, std::string(line) + " HTTP/1.1\r\n" + length), StartsWith("HTTP/1.1 413 ")) << line;
  }
  const std::string too_large = "Host: x\r\nContent-Length: 16777217\r\n\r\n";
  EXPECT_THAT(talk(path, "POST /identityValidations/x/documents HTTP/1.1\r\n" + too_large),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(requests.size(), 2u);
}

TEST_F(ServerTest, large_bodies_beyond_four_at_a_time_are_to_come_again) {
  ASSERT_TRUE(start());
  const std::string begun =
      "POST /identityValidations/x/documents HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n";
  std::vector<pollfd> open;
  for (int i = 0; i < 5; ++i) {
    open.push_back({connect_to(path), POLLIN, 0});
    ASSERT_GE(open.back().fd, 0);
    (void)send(open.back().fd, begun.data(), begun.size(), MSG_NOSIGNAL);
  }
  // One of them hears at once; the others are waited for.
  ASSERT_GT(poll(open.data(), open.size(), -1), 0);
  const auto first = std::find_if(open.begin(), open.end(), [](const pollfd& one) { return one.revents != 0; });
  const auto answer = read_all(first->fd);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 5\r\n"));
  close(first->fd);
  open.erase(first);
  const std::string rest(20'000, ' ');
  for (const auto& one : open) {
    (void)send(one.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
    char buffer[16] = {};
    ASSERT_GT(read(one.fd, buffer, sizeof buffer - 1), 0);
    EXPECT_THAT(std::string(buffer), StartsWith("HTTP/1.1 200"));
  }
  // Their connections are still open, and their bodies done with: there is room again.
  EXPECT_THAT(talk(path, request("POST /identityValidations/x/documents", rest)), StartsWith("HTTP/1.1 200 "));
  for (const auto& one : open) close(one.fd);
}

TEST_F(ServerTest, token_on_the_socket_makes_nobody_else_of_the_owner) {
  ASSERT_TRUE(start());
  talk(path, request("GET /a", "", "Authorization: Bearer lk1_" + std::string(43, 'A') + "\r\n"));
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].caller.kind, Caller::Kind::kOwner);
}

TEST_F(ServerTest, challenge_goes_out_as_its_field) {
  ASSERT_TRUE(start([](const Request&) { return Response{401, "{}", {}, R"(Bearer realm="latchkey")"}; }));
  const auto answer = talk(path, request("GET /a"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, HasSubstr("\r\nWWW-Authenticate: Bearer realm=\"latchkey\"\r\n"));
}

TEST_F(ServerTest, socket_is_0600_in_a_folder_of_0700) {
  ASSERT_TRUE(start());
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  ASSERT_EQ(stat(folder.file("run").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0700u);
}

TEST_F(ServerTest, connection_is_kept_for_more_requests) {
  ASSERT_TRUE(start());
  const std::string first = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto answer = talk(path, first + first + request("GET /2"));
  std::size_t count = 0;
  for (auto at = answer.find("200 OK"); at != std::string::npos; at = answer.find("200 OK", at + 1)) ++count;
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(requests.size(), 3u);
}

TEST_F(ServerTest, another_user_is_refused_and_reported) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  int go[2];
  int pipe_ends[2];
  ASSERT_EQ(pipe(go), 0);
  ASSERT_EQ(pipe(pipe_ends), 0);
  // Made before the server has threads: one of them might hold a lock at the fork, which the child would wait for.
  const pid_t child = fork();
  if (child == 0) {
    char word = 0;
    close(go[1]);
    if (read(go[0], &word, 1) != 1 || setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
    const auto answer = talk(path, request("GET /status"));
    (void)!write(pipe_ends[1], answer.data(), answer.size());
    _exit(0);
  }
  close(go[0]);
  const bool started = start().has_value();
  // What the modes of folder and socket forbid, as if an operator had opened them.
  const bool opened = chmod(folder.path().c_str(), 0711) == 0 && chmod(folder.file("run").c_str(), 0711) == 0 &&
                      chmod(path.c_str(), 0666) == 0;
  if (started && opened) (void)!write(go[1], "g", 1);
  close(go[1]);
  close(pipe_ends[1]);
  const auto answer = read_all(pipe_ends[0]);
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(started && opened);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer, HasSubstr("AuthorizationFailed"));
  server->stop();  // reports are written by the pool, which is done now
  EXPECT_TRUE(requests.empty());
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].uid, 65534u);
  EXPECT_EQ(refused[0].kind, Caller::Kind::kNobody);
}

TEST_F(ServerTest, body_over_the_limit_is_refused_before_it_is_read) {
  ASSERT_TRUE(start());
  EXPECT_THAT(talk(path, request("PUT /a", std::string(10'001, ' '))), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(talk(path, "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  const std::string chunk = "2710\r\n" + std::string(10'000, ' ') + "\r\n";
  EXPECT_THAT(
      talk(path, "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(requests.empty());
  EXPECT_THAT(talk(path, request("PUT /a", std::string(10'000, ' '))), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, header_over_the_limit_is_refused) {
  ASSERT_TRUE(start());
  EXPECT_THAT(talk(path, request("GET /a", "", "X: " + std::string(5000, 'x') + "\r\n")), StartsWith("HTTP/1.1 431 "));
  EXPECT_TRUE(requests.empty());
}

TEST_F(ServerTest, what_is_not_http_is_refused) {
  ASSERT_TRUE(start());
  for (const char* text : {"junk\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n"}) {
    EXPECT_THAT(talk(path, text), StartsWith("HTTP/1.1 400 ")) << text;
  }
  EXPECT_THAT(talk(path, request("BREW /pot")), StartsWith("HTTP/1.1 405 "));
  EXPECT_TRUE(requests.empty());
}

TEST_F(ServerTest, error_that_escapes_a_handler_is_a_500_without_its_text) {
  ASSERT_TRUE(start([](const Request&) -> Response { throw std::runtime_error("secret"); }));
  const auto answer = talk(path, request("GET /a"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_EQ(answer.find("secret"), std::string::npos);
}

TEST_F(ServerTest, slow_act_does_not_hold_up_another) {
  std::promise<void> release;
  auto released = release.get_future().share();
  ASSERT_TRUE(start([released](const Request& asked) {
    if (asked.path == "/slow") released.wait();
    return Response{200, "{}"};
  }));
  auto slow = std::async(std::launch::async, [this] { return talk(path, request("GET /slow")); });
  EXPECT_THAT(talk(path, request("GET /quick")), StartsWith("HTTP/1.1 200 "));
  release.set_value();
  EXPECT_THAT(slow.get(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, stop_lets_a_running_act_answer_and_removes_the_socket) {
  std::promise<void> entered;
  std::promise<void> release;
  ASSERT_TRUE(start([&](const Request&) {
    entered.set_value();
    release.get_future().wait();
    return Response{200, "{}"};
  }));
  const int idle = connect_to(path);
  auto running = std::async(std::launch::async, [this] { return talk(path, request("GET /act")); });
  entered.get_future().wait();
  auto stopped = std::async(std::launch::async, [this] { server->stop(); });
  EXPECT_EQ(read_all(idle), "");  // an idle connection is closed at once
  close(idle);
  release.set_value();
  EXPECT_THAT(running.get(), StartsWith("HTTP/1.1 200 "));
  stopped.get();
  EXPECT_EQ(access(path.c_str(), F_OK), -1);
}

TEST_F(ServerTest, connections_over_the_limit_are_closed_and_the_others_served) {
  ASSERT_TRUE(start());
  std::vector<int> held;
  for (int i = 0; i < 7; ++i) held.push_back(connect_to(path));
  EXPECT_THAT(talk(path, request("GET /a")), StartsWith("HTTP/1.1 200 "));
  for (int i = 0; i < 8; ++i) held.push_back(connect_to(path));
  EXPECT_EQ(read_all(held.back()), "");
  for (const int descriptor : held) close(descriptor);
}

TEST_F(ServerTest, path_that_does_not_fit_is_refused_with_its_length) {
  ServerOptions options;
  options.socket_path = folder.file(std::string(108, 'x'));
  const auto refusal = Server::start(options, nullptr, nullptr);
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().reason, Reason::kInvalidArgument);
  EXPECT_THAT(refusal.error().detail, HasSubstr("107"));
}

TEST_F(ServerTest, folder_that_is_open_to_others_is_refused) {
  ASSERT_EQ(mkdir(folder.file("run").c_str(), 0755), 0);
  ASSERT_EQ(chmod(folder.file("run").c_str(), 0755), 0);
  const auto refusal = start();
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().reason, Reason::kInvalidArgument);
}

TEST_F(ServerTest, socket_of_a_crashed_process_is_replaced_and_of_a_living_one_is_not) {
  ASSERT_EQ(mkdir(folder.file("run").c_str(), 0700), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const int left = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(left, 1), 0);
  const auto refusal = start();
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().reason, Reason::kAlreadyExists);
  close(left);
  EXPECT_TRUE(start());
  EXPECT_THAT(talk(path, request("GET /a")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, file_that_is_no_socket_is_left_alone) {
  ASSERT_EQ(mkdir(folder.file("run").c_str(), 0700), 0);
  fclose(fopen(path.c_str(), "w"));
  EXPECT_FALSE(start());
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
}

}  // namespace
}  // namespace latchkey::hub::management
