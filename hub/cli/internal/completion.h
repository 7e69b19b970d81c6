// SPDX-License-Identifier: Apache-2.0
// What can follow a half-typed command line: `latchkey __complete WORD...` prints it, a line each, and the shell's
// function (scripts/completion/latchkey.bash) hands it on. Nothing of it is written down twice: it is read from the
// parser that would run the line and from the table of verbs.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hub/cli/internal/verbs.h"

namespace CLI {
class App;
}

namespace latchkey::hub::cli {

// Runs a command line and returns what it printed, "" when it failed.
using Ask = std::function<std::string(const std::vector<std::string>& words)>;

// `words` is what was typed behind "latchkey"; the last one, perhaps empty, is to be completed. `verb_of` says which
// row of the table a part of the parser is. Names of what exists are asked for with the list verb of their noun.
std::vector<std::string> completions(const CLI::App& app, const std::map<const CLI::App*, const Verb*>& verb_of,
                                     const std::vector<std::string>& words, const Ask& ask);

}  // namespace latchkey::hub::cli
