// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/exporter.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "boards/fleet/history/writer.h"
#include "platform/files/descriptor.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(MetricsAddress, is_a_loopback_address_with_a_port) {
  const auto v4 = parse_metrics_address("127.0.0.1:9465");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->host, "127.0.0.1");
  EXPECT_EQ(v4->port, 9465);
  const auto v6 = parse_metrics_address("[::1]:0");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->port, 0);
}

TEST(MetricsAddress, anything_else_is_refused) {
  for (const char* text :
       {"", "9465", ":9465", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:94x", "0.0.0.0:1",
        "192.0.2.1:1", "::1:1", "[::]:1", "[127.0.0.1]:1", "localhost:1", "[2001:db8::1]:1"}) {
    EXPECT_FALSE(parse_metrics_address(text)) << text;
  }
}

// The whole answer to one request; empty when nobody is there.
std::string ask(std::uint16_t port, const std::string& request) {
  const files::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
  const std::string text = request + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size())) return "";
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::recv(socket.get(), buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(got));
  }
  return answer;
}

std::uint16_t port_of(const std::string& url) {
  return static_cast<std::uint16_t>(std::stoi(url.substr(std::string("http://127.0.0.1:").size())));
}

TEST(Exporter, serves_what_the_histories_say_by_now) {
  const tests::MemoryFolder folder;
  std::atomic<history::TimeUs> now{0};
  const auto exporter = Exporter::start({"127.0.0.1", 0}, folder.path(), 1, [&] { return now.load(); });
  ASSERT_NE(exporter, nullptr);
  EXPECT_THAT(exporter->url(), StartsWith("http://127.0.0.1:"));
  const auto port = port_of(exporter->url());
  EXPECT_THAT(ask(port, "GET /metrics"), HasSubstr("latchkey_fleet_devices 0\n"));  // before there is a history
  history::RunBegun run;
  run.devices = 7;
  auto parent = history::Writer::create(history::file_of(folder.path(), 0), run);
  run.worker = 1;
  auto worker = history::Writer::create(history::file_of(folder.path(), 1), run);
  worker->write(1'000, 3, history::Connecting{history::Service::kHub, 2});
  worker->write(2'000, 3, history::Connected{history::Service::kHub, 2});
  worker->flush();
  now = 60'000'000;  // both are silent: nobody is waited for
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(120);
  std::string answer;
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer = ask(port, "GET /metrics");
  } while (answer.find("sessions{generation=\"2\"} 1\n") == std::string::npos &&
           std::chrono::steady_clock::now() < give_up);
  EXPECT_THAT(answer, HasSubstr("200 OK"));
  EXPECT_THAT(answer, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(answer, HasSubstr("latchkey_fleet_devices 7\n"));
  EXPECT_THAT(answer, HasSubstr("latchkey_fleet_sessions{generation=\"2\"} 1\n"));
}

TEST(Exporter, there_is_one_page_and_it_is_only_to_be_read) {
  const tests::MemoryFolder folder;
  const auto exporter = Exporter::start({"127.0.0.1", 0}, folder.path(), 1, [] { return history::TimeUs{0}; });
  ASSERT_NE(exporter, nullptr);
  const auto port = port_of(exporter->url());
  EXPECT_THAT(ask(port, "GET /"), HasSubstr(" 404 "));
  EXPECT_THAT(ask(port, "POST /metrics"), HasSubstr(" 405 "));
}

TEST(Exporter, address_that_is_taken_is_told) {
  const tests::MemoryFolder folder;
  const auto now = [] { return history::TimeUs{0}; };
  const auto first = Exporter::start({"127.0.0.1", 0}, folder.path(), 1, now);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(Exporter::start({"127.0.0.1", port_of(first->url())}, folder.path(), 1, now), nullptr);
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
