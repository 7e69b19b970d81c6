// SPDX-License-Identifier: Apache-2.0
// What a checker has found in a run's histories.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "boards/fleet/history/record.h"

namespace latchkey::boards::fleet::verify {

enum class Rule : std::uint8_t {
  kLetIn,       // accepted by the hub with what an act had condemned, by an attempt begun after the act's answer
  kLost,        // a session ended without the device's will, and nobody had asked for it
  kNotBack,     // can be connected in the end, and is not
  kSerial,      // one serial number for two certificates
  kGeneration,  // stored or accepted behind a newer one
  kPairing,     // a connection without exactly one end
  kMemory,      // a process has grown, where that was asked for
  kHistory,     // a line that cannot be read: what it said is not judged
};
inline constexpr std::size_t kRules = 8;

// "let-in", "lost", "not-back", "serial", "generation", "pairing", "memory", "history".
std::string_view to_string(Rule rule);

struct Violation {
  Rule rule = Rule::kLetIn;
  history::Device device = history::kNoDevice;
  history::TimeUs time = 0;
  std::string text;    // what is wrong, as a sentence without a full stop
  std::string place;   // the record's file and line, "history-001.jsonl:17"; empty: no record shows it
  std::string record;  // the line itself
};

struct Verdict {
  history::RunBegun run;
  std::vector<Violation> violations;           // the first of them, by rising time but for what only the end shows
  std::array<std::uint64_t, kRules> counts{};  // of all, by rule
  std::vector<std::string> notes;              // what could not be judged, and why
  std::uint64_t records = 0;

  std::uint64_t violated() const;
};

// The verdict for people: each violation with rule, device, time and record, then notes and a last line with the sum.
std::string text_of(const Verdict& verdict);

}  // namespace latchkey::boards::fleet::verify
