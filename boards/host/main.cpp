// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdio>

#include "boards/host/agent_program.h"

int main(int argc, char** argv) {
  using namespace latchkey::boards::host;
  const auto parsed = parse_options(argc, argv);
  if (const auto* exit = std::get_if<Exit>(&parsed)) {
    std::fprintf(exit->status == 0 ? stdout : stderr, "%s%s\n",
                 exit->status == 0 ? "" : "latchkey-agent: ", exit->text.c_str());
    return exit->status;
  }
  const int status = run_agent(std::get<Options>(parsed));
  if (status == kStartAgain) {
    execv("/proc/self/exe", argv);  // the same process: whoever watches it need not notice
    std::perror("latchkey-agent: cannot start again");
  }
  return status;
}
