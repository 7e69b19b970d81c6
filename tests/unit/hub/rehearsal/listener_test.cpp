// SPDX-License-Identifier: Apache-2.0
#include "hub/rehearsal/listener.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace latchkey::hub::rehearsal {
namespace {

namespace beast = boost::beast;
using tcp = boost::asio::ip::tcp;
using registry::Reason;

class ListenerTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return folder.path() / "admin.secret"; }
  auto start(const std::string& host = "127.0.0.1") {
    return Listener::start(host, 0, file(), [this](const AdminRequest& request) {
      asked.push_back(request.method + " " + request.path + " " + request.body);
      return AdminReply{200, "{}"};
    });
  }
  std::string secret() const {
    std::ifstream in(file());
    std::string line;
    std::getline(in, line);
    return line;
  }
  static int get(std::uint16_t port, const std::string& authorization) {
    boost::asio::io_context io;
    beast::tcp_stream stream(io);
    stream.connect(tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), port));
    beast::http::request<beast::http::empty_body> request{beast::http::verb::get, "/rehearsal/clock", 11};
    request.set(beast::http::field::host, "localhost");
    if (!authorization.empty()) request.set(beast::http::field::authorization, authorization);
    beast::http::write(stream, request);
    beast::flat_buffer buffer;
    beast::http::response<beast::http::string_body> response;
    beast::http::read(stream, buffer, response);
    return static_cast<int>(response.result_int());
  }

  tests::MemoryFolder folder;
  std::vector<std::string> asked;
};

TEST_F(ListenerTest, whoever_shows_the_secret_is_heard_and_nobody_else) {
  const auto listener = start();
  ASSERT_TRUE(listener) << listener.error().detail;
  const auto port = (*listener)->port();
  const auto right = secret();
  ASSERT_EQ(right.size(), 64u);
  auto wrong = right;
  wrong.back() = wrong.back() == '0' ? '1' : '0';
  const std::vector<std::string> fields = {std::string(),
                                           "Bearer",
                                           "Bearer ",
                                           "Bearer " + wrong,
                                           "Bearer " + right + "0",
                                           "Bearer " + right.substr(0, 63),
                                           "Basic " + right,
                                           right};
  for (const auto& field : fields) {
    EXPECT_EQ(get(port, field), 401) << field;
  }
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(get(port, "Bearer " + right), 200);
  EXPECT_EQ(asked, std::vector<std::string>{"GET /rehearsal/clock "});
}

TEST_F(ListenerTest, secret_is_for_its_owner_alone_and_stays) {
  ASSERT_TRUE(start());
  struct stat found {};
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600u);
  const auto before = secret();
  ASSERT_TRUE(start());
  EXPECT_EQ(secret(), before);
}

TEST_F(ListenerTest, secret_that_others_can_read_is_refused) {
  ASSERT_TRUE(start());
  ASSERT_EQ(::chmod(file().c_str(), 0640), 0);
  const auto refused = start();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::kStorage);
}

TEST_F(ListenerTest, secret_that_is_short_is_refused) {
  std::ofstream(file()) << "1234\n";
  ASSERT_EQ(::chmod(file().c_str(), 0600), 0);
  EXPECT_FALSE(start());
}

TEST_F(ListenerTest, it_is_for_this_machine_alone) {
  for (const char* host : {"0.0.0.0", "192.0.2.1", "::", "localhost"}) {
    const auto refused = start(host);
    ASSERT_FALSE(refused) << host;
    EXPECT_EQ(refused.error().reason, Reason::kInvalidArgument) << host;
  }
}

}  // namespace
}  // namespace latchkey::hub::rehearsal
