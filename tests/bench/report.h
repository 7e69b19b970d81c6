// SPDX-License-Identifier: Apache-2.0
// What every benchmark writes: out/bench/NAME.json, and the same as a table on standard output.
//
//   {"name", "machine": {...}, "versions": {...}, "key_profile",
//    "checks": [{"name", "value", "unit", "goal", "ok"}], "rows": [{column: value, ...}]}
//
// A goal that was missed is a fact of the file, not of the exit status. One thread.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace latchkey::bench {

enum class Goal { kAtMost, kBelow, kAtLeast, kNone };

// The middle value; of an even number the mean of the two middle ones. 0 for none.
double median(std::vector<double> values);
// The value that `fraction` (0 to 1) of all lie at or below. 0 for none.
double percentile(std::vector<double> values, double fraction);

class Report {
 public:
  using Cell = std::variant<double, std::string>;
  using Row = std::vector<std::pair<std::string, Cell>>;

  // `key_profile`: "ec-p256", "ec-p384", or "none" where no key is used.
  Report(std::string name, std::string key_profile);

  // A library's or program's version; the compiler's is there already.
  void version(std::string what, std::string which);
  // A figure with its goal ("<= 1", "< 48"); with Goal::kNone only the figure.
  void check(std::string name, double value, std::string unit, Goal goal = Goal::kNone, double bound = 0);
  // One line of the table of results, columns in order.
  void row(Row row);

  // Prints rows and checks, writes FOLDER/NAME.json, creating the folder. False, with a line on standard error, when
  // the file cannot be written.
  bool finish(const std::string& folder = "out/bench") const;

 private:
  struct Check {
    std::string name;
    double value;
    std::string unit;
    std::string goal;
    bool ok;
  };
  void print() const;
  std::string json() const;

  std::string name_;
  std::string key_profile_;
  std::map<std::string, std::string> versions_;
  std::vector<Check> checks_;
  std::vector<Row> rows_;
};

}  // namespace latchkey::bench
