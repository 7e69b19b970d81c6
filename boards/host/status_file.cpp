// SPDX-License-Identifier: Apache-2.0
#include "boards/host/status_file.h"

#include <array>
#include <cstdio>
#include <fstream>

#include "agent/story/status_json.h"
#include "agent/story/update_text.h"

namespace latchkey::boards::host {

std::string rfc3339(UnixMs time) {
  std::array<std::uint8_t, 32> room;
  agent::TextWriter out(room);
  agent::put_rfc3339(out, time);
  return std::string(out.finish().value_or("?"));
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (c < ' ' || c > '~') c = '?';
  }
  return clean;
}

std::string status_json(const agent::Summary& summary, const std::string& registration_id, UnixMs since,
                        const agent::UpdateSummary* firmware) {
  std::array<std::uint8_t, agent::kMaxStatus> room;
  agent::TextWriter out(room);
  agent::put_status(out, summary, registration_id, since);
  std::string status(out.finish().value_or("{}"));
  if (firmware == nullptr) return status;
  std::array<std::uint8_t, agent::kMaxUpdateStatus> more;
  agent::TextWriter object(more);
  agent::put_update_status(object, *firmware);
  status.back() = ',';  // one member more
  return status + R"("firmware":)" + std::string(object.finish().value_or("null")) + '}';
}

bool StatusFile::update(const std::string& json) {
  if (path_.empty() || json == last_) return true;
  const std::string aside = path_ + ".new";
  bool good = false;
  {
    std::ofstream file(aside, std::ios::trunc);
    file << json << '\n';
    file.close();
    good = !file.fail();
  }
  good = good && std::rename(aside.c_str(), path_.c_str()) == 0;
  const bool news = !good && !failing_;
  failing_ = !good;
  if (good) last_ = json;
  return !news;
}

}  // namespace latchkey::boards::host
