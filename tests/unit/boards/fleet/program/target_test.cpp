// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/target.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "platform/files/descriptor.h"
#include "tests/support/temporary_folder.h"

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;

class TargetTest : public testing::Test {
 protected:
  void write_endpoints(const std::string& dps, const std::string& hub) const {
    folder_.write("endpoints.json", R"({"dps":")" + dps + R"(","hub":")" + hub +
                                        R"(","idScope":"0ne1","caFile":"ca.pem","enrollmentKeyFile":"group.key"})");
  }
  const tests::TemporaryFolder folder_;
  std::string problem_;
};

// A port, listened on or only held.
struct Port {
  explicit Port(bool listens) : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    if (listens) ::listen(socket.get(), 4);
    text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  files::Descriptor socket;
  std::string text;
};

TEST_F(TargetTest, hub_is_found_by_its_data_folder) {
  const Port dps(true);
  const Port hub(true);
  write_endpoints(dps.text, hub.text);
  const auto target = find_target(folder_.path(), problem_);
  ASSERT_TRUE(target) << problem_;
  EXPECT_EQ(target->dps, dps.text);
  EXPECT_EQ(target->id_scope, "0ne1");
  EXPECT_TRUE(target->clock_document.empty());
  folder_.write("clock.json", "{}");
  EXPECT_THAT(find_target(folder_.path(), problem_)->clock_document, HasSubstr("clock.json"));
}

TEST_F(TargetTest, folder_without_a_hub_is_told_with_the_remedy) {
  EXPECT_EQ(find_target(folder_.path(), problem_).error(), Status::kNotFound);
  EXPECT_THAT(problem_, HasSubstr("latchkey --data"));
  folder_.write("endpoints.json", R"({"dps": 7})");
  EXPECT_EQ(find_target(folder_.path(), problem_).error(), Status::kNotFound);
  folder_.write("endpoints.json", "torn {");
  EXPECT_EQ(find_target(folder_.path(), problem_).error(), Status::kNotFound);
}

TEST_F(TargetTest, endpoint_that_does_not_answer_is_named) {
  const Port dps(true);
  const Port dead(false);
  write_endpoints(dps.text, dead.text);
  EXPECT_EQ(find_target(folder_.path(), problem_).error(), Status::kNotReady);
  EXPECT_THAT(problem_, HasSubstr("hub endpoint " + dead.text));
  write_endpoints(dead.text, dps.text);
  EXPECT_EQ(find_target(folder_.path(), problem_).error(), Status::kNotReady);
  EXPECT_THAT(problem_, HasSubstr("provisioning endpoint " + dead.text));
}

TEST_F(TargetTest, group_key_is_read_from_a_private_file_only) {
  const std::string good = "MDEyMzQ1Njc4OWFiY2RlZg==\n";  // 16 bytes
  EXPECT_EQ(read_group_key(folder_.write("good", good), problem_).size(), 16u);
  EXPECT_TRUE(read_group_key(folder_.write("open", good, 0644), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("chmod 600"));
  EXPECT_TRUE(read_group_key(folder_.write("short", "MDEy\n"), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("16 to 64"));
  EXPECT_THAT(problem_, testing::Not(HasSubstr("MDEy")));
  EXPECT_TRUE(read_group_key((folder_ / "missing").string(), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
