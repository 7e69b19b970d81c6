// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/target.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "platform/files/descriptor.h"

namespace latchkey::boards::fleet::program {
namespace {

using testing::HasSubstr;

class TargetTest : public testing::Test {
 protected:
  TargetTest() {
    std::string name = testing::TempDir() + "target-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~TargetTest() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const auto file = (folder_ / name).string();
    std::ofstream(file) << text;
    ::chmod(file.c_str(), mode);
    return file;
  }
  void write_endpoints(const std::string& dps, const std::string& hub) const {
    write("endpoints.json", R"({"dps":")" + dps + R"(","hub":")" + hub +
                                R"(","idScope":"0ne1","caFile":"ca.pem","enrollmentKeyFile":"group.key"})");
  }
  std::filesystem::path folder_;
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
  const auto target = find_target(folder_, problem_);
  ASSERT_TRUE(target) << problem_;
  EXPECT_EQ(target->dps, dps.text);
  EXPECT_EQ(target->id_scope, "0ne1");
  EXPECT_TRUE(target->clock_document.empty());
  write("clock.json", "{}");
  EXPECT_THAT(find_target(folder_, problem_)->clock_document, HasSubstr("clock.json"));
}

TEST_F(TargetTest, folder_without_a_hub_is_told_with_the_remedy) {
  EXPECT_EQ(find_target(folder_, problem_).error(), Status::kNotFound);
  EXPECT_THAT(problem_, HasSubstr("latchkey --data"));
  write("endpoints.json", R"({"dps": 7})");
  EXPECT_EQ(find_target(folder_, problem_).error(), Status::kNotFound);
  write("endpoints.json", "torn {");
  EXPECT_EQ(find_target(folder_, problem_).error(), Status::kNotFound);
}

TEST_F(TargetTest, endpoint_that_does_not_answer_is_named) {
  const Port dps(true);
  const Port dead(false);
  write_endpoints(dps.text, dead.text);
  EXPECT_EQ(find_target(folder_, problem_).error(), Status::kNotReady);
  EXPECT_THAT(problem_, HasSubstr("hub endpoint " + dead.text));
  write_endpoints(dead.text, dps.text);
  EXPECT_EQ(find_target(folder_, problem_).error(), Status::kNotReady);
  EXPECT_THAT(problem_, HasSubstr("provisioning endpoint " + dead.text));
}

TEST_F(TargetTest, group_key_is_read_from_a_private_file_only) {
  const std::string good = "MDEyMzQ1Njc4OWFiY2RlZg==\n";  // 16 bytes
  EXPECT_EQ(read_group_key(write("good", good), problem_).size(), 16u);
  EXPECT_TRUE(read_group_key(write("open", good, 0644), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("chmod 600"));
  EXPECT_TRUE(read_group_key(write("short", "MDEy\n"), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("16 to 64"));
  EXPECT_THAT(problem_, testing::Not(HasSubstr("MDEy")));
  EXPECT_TRUE(read_group_key((folder_ / "missing").string(), problem_).empty());
  EXPECT_THAT(problem_, HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace latchkey::boards::fleet::program
