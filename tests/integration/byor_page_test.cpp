// SPDX-License-Identifier: Apache-2.0
// docs/byor.md, run: its commands in order, in one folder, against one hub. A block marked "sh" has to succeed, one
// marked "sh refused" has to end with the exit status for refusals, and one marked "ini NAME" is that file.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/integration/hub_cohort.h"
#include "tests/support/page.h"

namespace latchkey::tests {
namespace {

constexpr int kRefused = 4;

class ByorPage : public HubTest<ByorPage> {
 protected:
  void TearDown() override {  // its device, if it did not come to the end
    const auto pid = read_text(hub().work() / "agent.pid");
    if (!pid.empty()) signal_process(std::stoi(pid), SIGKILL);
  }
  static Finished shell(const std::string& text) {
    const std::string setup = "set -e; cd '" + hub().work().string() + "'; PATH='" LATCHKEY_BIN ":'\"$PATH\"; " +
                              "export LATCHKEY_DATA='" + hub().data().string() + "'; SCOPE='" + hub().id_scope() +
                              "'; DPS='" + hub().dps_host() + ":" + std::to_string(hub().dps_port()) + "'; CA='" +
                              hub().ca_file() + "'\n";
    return run({"/bin/sh", "-c", setup + text}, 300'000);
  }
};

TEST_F(ByorPage, every_command_does_what_the_page_says) {
  hub().set_clock(0);
  int done = 0;
  int refused = 0;
  for (const Block& block : blocks_of(read_text(LATCHKEY_BYOR_PAGE))) {
    if (block.mark.rfind("ini ", 0) == 0) std::ofstream(hub().work() / block.mark.substr(4)) << block.text;
    if (block.mark != "sh" && block.mark != "sh refused") continue;
    const auto finished = shell(block.text);
    const int wanted = block.mark == "sh" ? 0 : kRefused;
    ASSERT_EQ(finished.exit_status, wanted) << block.text << finished.out << finished.err;
    ++(wanted == 0 ? done : refused);
  }
  EXPECT_EQ(done, 7);
  EXPECT_EQ(refused, 4);
}

}  // namespace
}  // namespace latchkey::tests
