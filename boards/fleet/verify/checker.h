// SPDX-License-Identifier: Apache-2.0
// Decides from a run's histories alone whether the rules of verdict.h were kept. It takes records one after the other
// by rising time and knows nothing of the scenario: whoever wrote the histories is not believed, but compared with what
// the records say that operators and misfortunes did. README.md has the rules in full. It holds about a hundred bytes
// for each device and one entry for each serial number.
//
// One thread.
#pragma once

#include <memory>
#include <optional>

#include "boards/fleet/history/reader.h"
#include "boards/fleet/verify/verdict.h"

namespace latchkey::boards::fleet::verify {

// A device on a busy machine may tell of its end so long after it was cut.
inline constexpr history::TimeUs kLate = 10'000'000;

// What a long run in a steady state has to keep: no process of hub or fleet grows.
struct Flat {
  double percent = 3;           // more than that
  history::TimeUs warm_up = 0;  // what is told before is not judged
};

class Checker {
 public:
  // Without `flat` memory is not judged: while devices arrive it grows.
  explicit Checker(std::optional<Flat> flat = {});
  ~Checker();
  void take(const history::Record& record);
  // After the last record; once.
  Verdict finish();

 private:
  class State;
  std::unique_ptr<State> state_;
};

// Of all records of a reader, and of what it could not read.
Verdict verdict_of(history::Reader& reader, std::optional<Flat> flat = {});

}  // namespace latchkey::boards::fleet::verify
