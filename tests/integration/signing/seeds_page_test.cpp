// SPDX-License-Identifier: Apache-2.0
// docs/seeds.md, run: its commands in order, in one folder, against one hub with its signing service. A block marked
// "sh" has to succeed, each command of it; one marked "sh refused" or "sh not found" ends with that exit status.
#include <gmock/gmock.h>

#include <map>
#include <sstream>

#include "tests/support/contoso.h"
#include "tests/support/page.h"

namespace latchkey::tests {
namespace {

constexpr int kShellMs = 500'000;  // RSA keys are made, on a machine that may do much else

// Every command that the seeds print, spelled as there but for what stands around it in print: "`" and line breaks.
const char* const kPrinted[] = {
    "az login",
    "az version",
    "az upgrade [--all {false, true}] [--allow-preview {false, true}] [--yes]",
    "az account set -s <subscription ID>",
    "az provider register --namespace \"Microsoft.CodeSigning\"",
    "az provider show --namespace \"Microsoft.CodeSigning\"",
    "az extension add --name trustedsigning",
    "az group create --name MyResourceGroup --location EastUS",
    "az trustedsigning create -n MyAccount -l eastus -g MyResourceGroup --sku Basic",
    "az trustedsigning create -n MyAccount -l eastus -g MyResourceGroup --sku Premium",
    "az trustedsigning show -g MyResourceGroup -n MyAccount",
    "az trustedsigning -h",
    "az trustedsigning show -n MyAccount  -g MyResourceGroup",
    "az trustedsigning update -n MyAccount -g MyResourceGroup --tags \"key1=value1 key2=value2\"",
    "az trustedsigning list -g MyResourceGroup",
    "az trustedsigning certificate-profile create -g MyResourceGroup --a account-name MyAccount -n MyProfile "
    "--profile-type PublicTrust --identity-validation-id xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    "az trustedsigning certificate-profile create -g MyResourceGroup --account-name MyAccount -n MyProfile "
    "--profile-type PublicTrust --identity-validation-id xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx --include-street true",
    "az trustedsigning certificate-profile show -g myRG --account-name MyAccount -n  MyProfile",
    "az trustedsigning certificate-profile create -\u2013help",
    "az trustedsigning certificate-profile list -g MyResourceGroup --account-name MyAccount",
    "az trustedsigning certificate-profile show -g MyResourceGroup --account-name MyAccount -n MyProfile",
    "az trustedsigning certificate-profile delete -g MyResourceGroup --account-name MyAccount -n MyProfile",
    "az trustedsigning delete -n MyAccount -g MyResourceGroup",
};

class SeedsPage : public testing::Test {
 protected:
  Finished shell(const std::string& text) {
    const std::string setup = "set -e; cd '" + hub.work().string() + "'; PATH='" LATCHKEY_BIN ":'\"$PATH\"; " +
                              "export LATCHKEY_DATA='" + hub.data().string() + "'\n";
    return run({"/bin/sh", "-c", setup + text}, kShellMs);
  }
  Hub hub{hub_that_signs()};
};

TEST_F(SeedsPage, every_command_runs) {
  hub.start();
  const std::map<std::string, int> wanted = {{"sh", 0}, {"sh not found", 3}, {"sh refused", 4}};
  std::map<std::string, int> run_of;
  for (const Block& block : blocks_of(read_text(LATCHKEY_SEEDS_PAGE))) {
    ASSERT_TRUE(wanted.contains(block.mark)) << block.mark;
    const auto finished = shell(block.text);
    ASSERT_EQ(finished.exit_status, wanted.at(block.mark)) << block.text << finished.out << finished.err;
    ++run_of[block.mark];
  }
  EXPECT_EQ(run_of["sh"], 11);
  EXPECT_EQ(run_of["sh not found"], 1);
  EXPECT_EQ(run_of["sh refused"], 2);
}

// A printed command is a line of its own, and the next line that is no comment is a command of ours.
TEST(SeedsPageAlone, every_printed_command_has_its_counterpart) {
  std::map<std::string, std::string> ours;
  std::string printed;
  for (const Block& block : blocks_of(read_text(LATCHKEY_SEEDS_PAGE))) {
    std::istringstream lines(block.text);
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind("# az ", 0) == 0) {
        EXPECT_TRUE(printed.empty()) << printed;
        printed = line.substr(2);
      } else if (line.rfind('#', 0) != 0) {
        if (!printed.empty()) ours[printed] = line;
        printed.clear();
      }
    }
    EXPECT_TRUE(printed.empty()) << printed;
  }
  for (const char* command : kPrinted) EXPECT_THAT(ours[command], testing::StartsWith("latchkey ")) << command;
  EXPECT_EQ(ours.size(), std::size(kPrinted)) << "a command that no seed prints";
}

}  // namespace
}  // namespace latchkey::tests
