// SPDX-License-Identifier: Apache-2.0
// One time in text, and a window in JSON.
#include "agent/protocol/renewal_window.h"

#include <ctime>

#include "tests/fuzz/target.h"

namespace latchkey::fuzz {
namespace {

// The C library writes the same time that we have read.
void check_time(std::string_view text) {
  const std::uint32_t seconds = agent::parse_utc_seconds(text);
  if (seconds == 0) return;
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  char written[32];
  const std::size_t size = std::strftime(written, sizeof written, "%Y-%m-%dT%H:%M:%S", gmtime_r(&time, &parts));
  require(text.substr(0, size) == std::string_view(written, size), "a time is the one that the C library writes");
  require(text.back() == 'Z', "times are in UTC");
}

}  // namespace

LATCHKEY_FUZZ_TARGET(renewal_window) {
  check_time(input.text());
  agent::JsonReader reader(input.text());
  agent::RenewalWindow window{1, 1};
  if (!agent::read_renewal_window(reader, window)) return;
  require((window.start_s == 0) == (window.end_s == 0), "a window has both ends or none");
  if (window.end_s != 0) note_good();
}

}  // namespace latchkey::fuzz
