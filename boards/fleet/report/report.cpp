// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/report.h"

#include "boards/fleet/report/json.h"
#include "boards/fleet/report/page.h"
#include "boards/fleet/report/tally.h"
#include "platform/files/file.h"

namespace latchkey::boards::fleet::report {

Result<Written> write_report(const std::filesystem::path& folder) {
  LATCHKEY_TRY(reader, history::Reader::open(folder));
  const Figures figures = figures_of(reader);
  Written written{folder / "report.json", folder / "report.html", ""};
  LATCHKEY_TRY_VOID(files::replace_file(written.json, json_of(figures)));
  LATCHKEY_TRY_VOID(files::replace_file(written.page, page_of(figures)));
  for (const auto& warning : warnings_of(figures)) written.summary += warning + "\n";
  for (const auto& sentence : summary_of(figures)) written.summary += sentence + "\n";
  return written;
}

}  // namespace latchkey::boards::fleet::report
