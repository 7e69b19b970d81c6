// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdio>

#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

constexpr TimeUs kMillisecond = 1'000;
constexpr TimeUs kSecond = 1'000'000;

template <class... Values>
std::string printed(const char* format, Values... values) {
  char text[96];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

// Three digits that count.
std::string three_digits(double value) {
  return printed(value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  return result;
}

std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t place = text.size(); place > 3;) text.insert(place -= 3, ",");
  return text;
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return count_text(count) + " " + std::string(count == 1 ? one : many);
}

std::string duration_text(TimeUs duration) {
  const auto value = static_cast<double>(duration);
  if (duration < kMillisecond) return std::to_string(duration) + " µs";
  if (duration < kSecond) return three_digits(value / 1e3) + " ms";
  if (duration < 120 * kSecond) return three_digits(value / 1e6) + " s";
  const auto seconds = static_cast<long long>(std::llround(value / 1e6));
  if (seconds < 3600) return printed("%lld min %lld s", seconds / 60, seconds % 60);
  return printed("%lld h %lld min", seconds / 3600, seconds % 3600 / 60);
}

std::string duration_text(const std::optional<TimeUs>& duration) {
  return duration ? duration_text(*duration) : "not reached";
}

std::string moment_text(TimeUs time) {
  const auto tenths = static_cast<long long>(time / (kSecond / 10));
  if (tenths >= 36'000) return printed("%lld:%02lld:%02lld", tenths / 36'000, tenths / 600 % 60, tenths / 10 % 60);
  return printed("%lld:%02lld.%lld", tenths / 600, tenths / 10 % 60, tenths % 10);
}

std::string number_text(double value) {
  std::string text = printed("%.1f", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string act_text(const history::ActBegun& act) {
  using history::ActKind;
  const std::string devices = counted(act.devices.size(), "device", "devices");
  switch (act.kind) {
    case ActKind::kRevokeDevices: return "the revoke of " + devices;
    case ActKind::kRevokePolicy: return act.target.empty() ? "the policy revoke" : "the revoke of policy " + act.target;
    case ActKind::kDisableDevices: return "the disabling of " + devices;
    case ActKind::kEnableDevices: return "the enabling of " + devices;
    case ActKind::kDeleteDevices: return "the deletion of " + devices;
    case ActKind::kSync: return "the sync";
    case ActKind::kSetFaults: return "the setting of faults";
    case ActKind::kClearFaults: return "the end of faults";
    case ActKind::kAdvanceClock: break;
  }
  return "the advance of the clock";
}

}  // namespace latchkey::boards::fleet::report
