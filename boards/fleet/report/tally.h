// SPDX-License-Identifier: Apache-2.0
// Makes a run's figures out of its records, taken one after the other by rising time. It holds a few dozen bytes for
// each device, and nothing of the records themselves.
//
// One thread.
#pragma once

#include <memory>

#include "boards/fleet/history/reader.h"
#include "boards/fleet/report/figures.h"

namespace latchkey::boards::fleet::report {

class Tally {
 public:
  Tally();
  ~Tally();
  void take(const history::Record& record);
  // What has come of the records so far; what they do not tell (files, damages) is left empty. May be asked again and
  // again while records come: it costs a look at every device.
  Figures figures() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All records of a reader, and what it could not read.
Figures figures_of(history::Reader& reader);

}  // namespace latchkey::boards::fleet::report
