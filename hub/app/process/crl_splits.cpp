// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/crl_splits.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace latchkey::hub::app {

using registry::Outcome;
using registry::Reason;
using registry::refuse;

namespace {

constexpr const char* kSetting = "CRL shards";  // a line for each: "8 http://127.0.0.1:8080/crl"

// False when it was known.
bool add(std::vector<ca::CrlSplit>& splits, unsigned count, const std::string& folder) {
  auto split = std::ranges::find(splits, count, &ca::CrlSplit::count);
  if (split == splits.end()) split = splits.insert(split, {count, {}});
  if (std::ranges::find(split->folders, folder) != split->folders.end()) return false;
  split->folders.push_back(folder);
  return true;
}

Outcome<std::vector<ca::CrlSplit>> parse(std::string_view text) {
  std::vector<ca::CrlSplit> splits;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    unsigned count = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), count);
    const auto folder = line.substr(static_cast<std::size_t>(rest - line.data()));
    if (error != std::errc() || count < 2 || count > ca::kCrlShardsMax || folder.size() < 2 || folder[0] != ' ') {
      return refuse(Reason::kStorage, "the registry's setting '" + std::string(kSetting) + "' is damaged");
    }
    add(splits, count, std::string(folder.substr(1)));
  }
  return splits;
}

std::string written(const std::vector<ca::CrlSplit>& splits) {
  std::string text;
  for (const auto& split : splits) {
    for (const auto& folder : split.folders) text += std::to_string(split.count) + " " + folder + "\n";
  }
  return text;
}

}  // namespace

Outcome<std::vector<ca::CrlSplit>> remember_split(registry::Registry& registry, unsigned count,
                                                  const std::string& folder) {
  LATCHKEY_TRY(setting, registry.setting(kSetting));
  LATCHKEY_TRY(splits, parse(setting.value_or("")));
  if (count > 1 && !folder.empty() && add(splits, count, folder)) {
    LATCHKEY_TRY_VOID(registry.set_setting(kSetting, written(splits)));
  }
  return splits;
}

}  // namespace latchkey::hub::app
