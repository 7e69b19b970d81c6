// SPDX-License-Identifier: Apache-2.0
// Reads an object strictly and to its end: every member is taken by name, type and range, what nobody took is a fault,
// and all faults are kept. One that is not there reads as its default.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "boards/fleet/scenario/scenario.h"

namespace latchkey::boards::fleet::scenario {

class Members {
 public:
  // All outlive this object.
  Members(const nlohmann::json& object, std::string pointer, std::vector<Fault>& faults);

  bool has(const std::string& name) const { return object_.contains(name); }
  std::optional<std::string> text(const std::string& name, std::size_t most);
  std::optional<bool> flag(const std::string& name);
  std::optional<std::uint64_t> whole(const std::string& name, std::uint64_t low, std::uint64_t high);
  std::optional<double> number(const std::string& name, double low, double high);
  std::optional<double> share(const std::string& name) { return number(name, 0, 1); }
  // Seconds in the document. From `low` to the longest run, unless `high` says more.
  std::optional<TimeUs> seconds(const std::string& name, TimeUs low = 0, TimeUs high = kLongestRun);
  // One of these words: its index.
  std::optional<std::size_t> word(const std::string& name, const std::vector<std::string_view>& words);
  const nlohmann::json* object(const std::string& name);
  // Nothing in place of what is no object, which is a fault.
  std::vector<const nlohmann::json*> objects(const std::string& name, std::size_t most);
  // A fault when it is not there.
  void require(const std::string& name);

  // Nobody can tell what belongs here: whatever is there is let pass.
  void leave_the_rest() { all_asked_ = true; }
  // To be called last: what has not been asked for does not belong here.
  void finish();

  void fault(const std::string& name, std::string rule);  // of a member
  void fault(std::string rule);                           // of the object
  std::string pointer(const std::string& name) const;
  std::string pointer(const std::string& name, std::size_t index) const;

 private:
  const nlohmann::json* take(const std::string& name);

  const nlohmann::json& object_;
  const std::string pointer_;
  std::vector<Fault>& faults_;
  std::set<std::string> asked_;
  bool all_asked_ = false;
};

}  // namespace latchkey::boards::fleet::scenario
