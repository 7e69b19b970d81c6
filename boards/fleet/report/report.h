// SPDX-License-Identifier: Apache-2.0
// From a run's folder to its report, in one call.
#pragma once

#include <filesystem>
#include <string>

#include "boards/fleet/report/figures.h"
#include "platform/base/status.h"

namespace latchkey::boards::fleet::report {

struct Written {
  std::filesystem::path json;  // report.json
  std::filesystem::path page;  // report.html
  std::string summary;         // a few lines for a terminal: warnings first
};

// Reads all histories of the folder and writes both reports beside them (0600), replacing older ones. Works as well for
// runs that were interrupted or broke off. kNotFound: no histories there; kStorageFull, kStorageFailed.
Result<Written> write_report(const std::filesystem::path& folder);

}  // namespace latchkey::boards::fleet::report
