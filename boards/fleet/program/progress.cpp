// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace latchkey::boards::fleet::program {
namespace {

constexpr scenario::TimeUs kSecond = 1'000'000;
constexpr scenario::TimeUs kWindow = 5 * kSecond;
constexpr scenario::TimeUs kEveryWithoutTerminal = 10 * kSecond;

// Of the terminal behind standard error.
std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

std::string rounded(double number) { return grouped(static_cast<std::uint64_t>(std::llround(std::max(0.0, number)))); }

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string Progress::remaining(scenario::TimeUs now, const swarm::Counters& counters, double back_per_second) const {
  const double by_duration = static_cast<double>(std::max<scenario::TimeUs>(0, duration_ - now)) / kSecond;
  if (!until_back_ || counters.back >= expected_) return rounded(by_duration) + " s at most";
  if (back_per_second < 0.5) return "at most " + rounded(by_duration) + " s";
  return "about " + rounded(std::min(by_duration, (expected_ - counters.back) / back_per_second)) +
         " s until all are back";
}

std::string Progress::line(scenario::TimeUs now, const swarm::Counters& counters) {
  seen_.push_back({now, counters});
  while (seen_.size() > 2 && seen_.front().time < now - kWindow) seen_.pop_front();
  const auto& before = seen_.front();
  const double seconds = std::max(1.0, static_cast<double>(now - before.time) / kSecond);
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to > from ? to - from : 0) / seconds;
  };
  return rounded(static_cast<double>(now) / kSecond) + " s: " + grouped(counters.connected) + " of " +
         grouped(devices_) + " connected, " + rounded(rate(before.counters.hub_connects, counters.hub_connects)) +
         " connects/s, " + rounded(rate(before.counters.provisioned, counters.provisioned)) + " provisioned/s, " +
         rounded(rate(before.counters.sent, counters.sent)) + " messages/s, " + grouped(counters.refused) +
         " refused, " + grouped(counters.failed) + " failed; " +
         remaining(now, counters, rate(before.counters.back, counters.back));
}

void Progress::show(scenario::TimeUs now, const swarm::Counters& counters) {
  auto text = line(now, counters);
  if (!terminal_) {
    if (shown_ >= 0 && now - shown_ < kEveryWithoutTerminal) return;
    shown_ = now;
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  text.resize(std::min(text.size(), columns() - 1));  // a line that wraps cannot be written over
  const auto width = text.size();
  if (width < width_) text.append(width_ - width, ' ');
  width_ = width;
  std::fprintf(stderr, "\r%s", text.c_str());
}

void Progress::say(const std::string& text) {
  if (terminal_ && width_ > 0) std::fprintf(stderr, "\r%s\r", std::string(width_, ' ').c_str());
  width_ = 0;
  std::fprintf(stderr, "%s\n", text.c_str());
}

}  // namespace latchkey::boards::fleet::program
