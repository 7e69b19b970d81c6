// SPDX-License-Identifier: Apache-2.0
// Where an agent stands, as JSON for programs: replaced as a whole (written aside, renamed), only when it changed.
// Stable field names; boards/host/README.md explains them. Loop's thread only.
#pragma once

#include <string>

#include "agent/core/report.h"
#include "agent/update/session.h"

namespace latchkey::boards::host {

// RFC 3339 in UTC with milliseconds.
std::string rfc3339(UnixMs time);

// What a peer or a file may have put in: everything unprintable becomes `?`.
std::string printable(std::string_view text);

// `firmware`: null on a device that takes no updates.
std::string status_json(const agent::Summary& summary, const std::string& registration_id, UnixMs since,
                        const agent::UpdateSummary* firmware = nullptr);

class StatusFile {
 public:
  explicit StatusFile(std::string path) : path_(std::move(path)) {}

  // Nothing to do without a path. False when the file could not be written (for the first time in a row).
  bool update(const std::string& json);

 private:
  const std::string path_;
  std::string last_;
  bool failing_ = false;
};

}  // namespace latchkey::boards::host
