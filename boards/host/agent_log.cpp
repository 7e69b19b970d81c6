// SPDX-License-Identifier: Apache-2.0
#include "boards/host/agent_log.h"

#include <array>
#include <cstdio>

#include "agent/story/report_text.h"
#include "boards/host/status_file.h"

namespace latchkey::boards::host {

std::string describe(const agent::Report& report) {
  std::array<std::uint8_t, 256> room;
  agent::TextWriter out(room);
  agent::put_report(out, report);
  return std::string(out.finish().value_or("?"));
}

void log_line(UnixMs now, const std::string& registration_id, const std::string& line) {
  const std::string whole = rfc3339(now) + ' ' + registration_id + ' ' + line + '\n';
  std::fwrite(whole.data(), 1, whole.size(), stderr);
}

}  // namespace latchkey::boards::host
