// SPDX-License-Identifier: Apache-2.0
// Plain HTTP, for what anybody may have and what proves itself: timestamps.
#pragma once

#include <string>

#include "hub/cli/client.h"

namespace latchkey::hub::cli {

struct HttpQuestion {
  std::string url;   // "http://127.0.0.1:8080/timestamp"
  std::string type;  // of the body
  std::string body;
};

// POST, over a connection of its own; blocks, up to two minutes for an answer. Failures: exit status 2 for a URL
// that is none, 5 when nobody answers there.
Result<Reply, Failure> post_http(const HttpQuestion& question);

}  // namespace latchkey::hub::cli
