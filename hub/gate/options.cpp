// SPDX-License-Identifier: Apache-2.0
#include "hub/gate/options.h"

#include <charconv>

namespace latchkey::hub::gate {
namespace {

template <class Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

bool set_number(Options& options, std::string_view key, std::string_view value, bool& known) {
  known = true;
  if (key == "max_unverified") return parse_number(value, options.max_unverified);
  if (key == "max_unverified_per_peer") return parse_number(value, options.max_unverified_per_peer);
  if (key == "max_unjudged") return parse_number(value, options.max_unjudged);
  if (key == "unverified_timeout_ms") return parse_number(value, options.unverified_timeout_ms);
  if (key == "approval_ms") return parse_number(value, options.approval_ms);
  if (key == "max_attempts") return parse_number(value, options.max_attempts);
  if (key == "max_attempts_per_peer") return parse_number(value, options.max_attempts_per_peer);
  if (key == "max_kept_sessions") return parse_number(value, options.max_kept_sessions);
  if (key == "connect_timeout_ms") return parse_number(value, options.connect_timeout_ms);
  if (key == "max_silent") return parse_number(value, options.max_silent);
  if (key == "max_arriving") return parse_number(value, options.max_arriving);
  if (key == "ring_size") return parse_number(value, options.ring_size);
  if (key == "max_outstanding") return parse_number(value, options.max_outstanding);
  if (key == "max_outstanding_per_connection") return parse_number(value, options.max_outstanding_per_connection);
  known = false;
  return false;
}

tl::unexpected<std::string> bad(std::string_view what, std::string_view key) {
  return tl::unexpected<std::string>(std::string(what) + std::string(key));
}

}  // namespace

Result<Options, std::string> parse_options(const std::vector<std::pair<std::string_view, std::string_view>>& options) {
  Options parsed;
  bool has_endpoint = false;
  for (const auto& [key, value] : options) {
    if (key == "endpoint") {
      if (value != "dps" && value != "hub") return bad("neither dps nor hub: ", key);
      parsed.endpoint = value == "dps" ? Endpoint::kDps : Endpoint::kHub;
      has_endpoint = true;
    } else if (key == "socket") {
      parsed.socket = value;
    } else if (key == "keep_sessions") {
      if (value != "yes" && value != "no") return bad("neither yes nor no: ", key);
      parsed.keep_sessions = value == "yes";
    } else {
      bool known = false;
      if (set_number(parsed, key, value, known)) continue;
      return bad(known ? "not a number above zero: " : "unknown option: ", key);
    }
  }
  if (!has_endpoint) return bad("missing option: ", "endpoint");
  if (parsed.socket.empty() || parsed.socket.front() != '/') return bad("missing or not an absolute path: ", "socket");
  return parsed;
}

}  // namespace latchkey::hub::gate
