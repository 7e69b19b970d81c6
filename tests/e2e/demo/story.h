// SPDX-License-Identifier: Apache-2.0
// The story that the demo tells: acts with steps, each with what was expected and what was seen, told as it goes and
// summed up in a table and a JSON report.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace latchkey::demo {

// What a step found.
struct Sight {
  std::string seen;
  bool ok = false;
};

class Story {
 public:
  // A heading, and what is about to happen in plain words.
  void act(const std::string& title, const std::string& words);
  // Runs `look`, times it and tells the outcome. An exception is a step that failed.
  void step(const std::string& name, const std::string& expected, const std::function<Sight()>& look);
  void cut_after(double ms) { cuts_ms_.push_back(ms); }

  bool ok() const;
  void print_table() const;
  void write_report(const std::filesystem::path& file, const std::string& key_profile) const;

 private:
  struct Step {
    std::string act;
    std::string name;
    std::string expected;
    Sight sight;
    double ms = 0;
  };
  std::string act_;
  std::vector<Step> steps_;
  std::vector<double> cuts_ms_;
};

}  // namespace latchkey::demo
