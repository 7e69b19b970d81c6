// SPDX-License-Identifier: Apache-2.0
// What is written of the verbs: examples, the reference page docs/cli.md and the manual page, all from the table.
#pragma once

#include <string>
#include <vector>

#include "hub/cli/internal/verbs.h"

namespace latchkey::hub::cli {

// "-n,--name,--pn" -> "name": the key in Args.
std::string key_of(const Option& option);
// "latchkey policy show -n NAME": from the noun's example where that has one of this verb, else the verb with all that
// it requires, each value by what it is.
std::string example_of(const Verb& verb);

// The verbs, a section for each noun, in Markdown.
std::string reference_page();
// The manual page latchkey(1), in roff.
std::string manual_page();

}  // namespace latchkey::hub::cli
