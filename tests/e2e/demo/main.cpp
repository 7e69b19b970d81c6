// SPDX-License-Identifier: Apache-2.0
// latchkey-demo: the life of five devices, played on real parts. Exit status 0 only if every step was as expected.
#include <exception>
#include <iostream>
#include <string>

#include "tests/e2e/demo/stage.h"

int main(int argc, char** argv) {
  using namespace latchkey::demo;
  const std::string out = argc > 1 ? argv[1] : "out/demo";
  const std::string key_profile = argc > 2 ? argv[2] : "ec-p256";
  std::cout << "Latchkey demo: a hub, two Mosquitto brokers and five devices on this machine's loopback addresses.\n"
               "No device and no broker is simulated; the clock is.\n";
  Story story;
  try {
    Stage stage(key_profile);
    stage.set_up();
    stage.add_agents();
    for (const auto& act : {act_provision, act_revoke_device, act_revoke_and_disable, act_disable, act_revoke_policy,
                            act_delete_policy, act_delete_credential, act_renew_and_expire}) {
      act(stage, story);
    }
    act_firmware(key_profile, story);
  } catch (const std::exception& error) {
    std::cerr << "latchkey-demo: " << error.what() << "\n";
    return 1;
  }
  story.print_table();
  const auto report = std::filesystem::path(out) / "report.json";
  story.write_report(report, key_profile);
  std::cout << "The same as JSON: " << report.string() << "\n";
  return story.ok() ? 0 : 1;
}
