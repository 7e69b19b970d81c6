// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "boards/fleet/program/calibrate.h"
#include "boards/fleet/program/forecast.h"
#include "boards/fleet/program/options.h"
#include "boards/fleet/program/run.h"
#include "boards/fleet/program/verify.h"
#include "boards/fleet/program/worker.h"
#include "boards/fleet/scenario/shipped.h"

namespace {

using namespace latchkey::boards::fleet;

struct Fulfil {
  int operator()(const program::Exit& exit) const {
    std::fprintf(exit.status == 0 ? stdout : stderr, "%s%s\n",
                 exit.status == 0 ? "" : "latchkey-fleet: ", exit.text.c_str());
    return exit.status;
  }
  int operator()(const program::RunOptions& options) const { return program::run_fleet(options); }
  int operator()(const program::ListScenarios&) const {
    std::fputs(scenario::list_of_shipped().c_str(), stdout);
    return 0;
  }
  int operator()(const program::ShowScenario& wish) const {
    const auto document = scenario::find_shipped(wish.name);
    if (!document) {
      std::fprintf(stderr, "latchkey-fleet: there is no scenario '%s' among\n%s", wish.name.c_str(),
                   scenario::list_of_shipped().c_str());
      return 3;
    }
    std::fwrite(document->data(), 1, document->size(), stdout);
    return 0;
  }
  int operator()(const program::ReportOn& wish) const { return program::report_on(wish.folder); }
  int operator()(const program::Verify& wish) const { return program::verify(wish); }
  int operator()(const program::PlanOptions& wish) const { return program::make_forecast(wish); }
  int operator()(const program::CalibrateOptions& wish) const { return program::calibrate(wish); }
  int operator()(const program::BeWorker&) const { return program::run_worker(); }
};

}  // namespace

int main(int argc, char** argv) { return std::visit(Fulfil{}, program::parse_options(argc, argv)); }
