// SPDX-License-Identifier: Apache-2.0
// The command line over a real server, the real management room and a real registry.
#pragma once

#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "hub/cli/cli.h"
#include "hub/management/server.h"
#include "tests/unit/hub/management/support.h"

namespace latchkey::hub::management {

// `World` is ManagementTest or a fixture that extends it.
template <class World>
class CommandLineTest : public World {
 protected:
  using Words = std::vector<std::string>;

  CommandLineTest() {
    ServerOptions options;
    options.socket_path = cli::management_socket(this->folder.path());
    options.owner_uid = geteuid();
    auto started = Server::start(
        options, [this](const Request& request) { return this->management->handle(request); },
        [this](const Caller& caller) { this->management->peer_refused(caller); });
    EXPECT_TRUE(started);
    server = std::move(*started);
  }

  static Words words_of(const std::string& line) {
    std::istringstream text(line);
    return {std::istream_iterator<std::string>(text), {}};
  }
  // The exit status of `latchkey --data FOLDER words...`; what it printed is in `out` and `err`.
  int run(const Words& words) {
    const std::string data = this->folder.path();
    std::vector<const char*> argv = {"latchkey", "--data", data.c_str()};
    for (const auto& word : words) argv.push_back(word.c_str());
    std::istringstream in;
    std::ostringstream streams[2];
    const int status =
        cli::run_cli(static_cast<int>(argv.size()), argv.data(), cli::Terminal{in, streams[0], streams[1], false});
    out = streams[0].str();
    err = streams[1].str();
    return status;
  }
  int run(const std::string& line) { return run(words_of(line)); }

  std::string out;
  std::string err;
  std::unique_ptr<Server> server;
};

}  // namespace latchkey::hub::management
