// SPDX-License-Identifier: Apache-2.0
// The command line: `latchkey NOUN VERB options`, in the manner of `az iot adr ns ...`. Every verb is a row of a table
// (verbs.h), one call of the management API over the Unix socket of a data folder, and a way to show the answer.
//
// Exit status: 0 done, 1 our fault, 2 bad input, 3 not found, 4 refused, 5 try again (also: no hub is running).
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace latchkey::hub::cli {

// The streams, and what is asked of the terminal behind them.
struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool interactive = false;  // somebody sits at `in` and can be asked
};

// A verb that does not speak to a running hub; main adds `up` this way.
struct LocalVerb {
  std::string name;
  std::string help;
  std::function<void(CLI::App&)> add_options;
  std::function<int(const std::string& data_folder)> run;
};

// Where the data lies when nobody says: $LATCHKEY_DATA, or .local/share/latchkey below the home folder
// (/var/lib/latchkey for root).
std::string default_data_folder();
// The management socket of a data folder.
std::string management_socket(const std::string& data_folder);

int run_cli(int argc, const char* const* argv, const Terminal& terminal, const std::vector<LocalVerb>& local = {});
// With the process's own streams.
int run_cli(int argc, const char* const* argv, const std::vector<LocalVerb>& local = {});

}  // namespace latchkey::hub::cli
