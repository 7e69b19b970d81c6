// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/report/internal/chart.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "boards/fleet/report/internal/words.h"

namespace latchkey::boards::fleet::report {
namespace {

constexpr double kLetter = 6.4;  // the mean width of one at 12 px
constexpr double kMarkRow = 15;

std::string attribute(std::string_view name, double value) {
  return " " + std::string(name) + "=\"" + number_text(value) + "\"";
}
std::string classed(std::string_view style) { return style.empty() ? "" : " class=\"" + std::string(style) + "\""; }
std::string titled(std::string_view tip) { return tip.empty() ? "" : "<title>" + escaped(tip) + "</title>"; }

std::string text_at(double x, double y, std::string_view style, std::string_view text) {
  return "<text" + attribute("x", x) + attribute("y", y) + classed(style) + ">" + escaped(text) + "</text>";
}

}  // namespace

Chart::Chart(Frame frame, Axis x, Axis y, std::string_view name)
    : frame_(frame), x_(std::move(x)), y_(std::move(y)), name_(name) {
  axes();
}

double Chart::x_at(double value) const {
  double part = 0;
  if (x_.logarithmic) {
    part = std::log(std::max(value, x_.low) / x_.low) / std::log(x_.high / x_.low);
  } else {
    part = (value - x_.low) / (x_.high - x_.low);
  }
  return frame_.left + std::clamp(part, 0.0, 1.0) * (frame_.width - frame_.left - frame_.right);
}

double Chart::y_at(double value) const {
  double part = 0;
  if (y_.logarithmic) {
    part = std::log(std::max(value, y_.low) / y_.low) / std::log(y_.high / y_.low);
  } else {
    part = (value - y_.low) / (y_.high - y_.low);
  }
  return frame_.height - frame_.bottom - std::clamp(part, 0.0, 1.0) * (frame_.height - frame_.top - frame_.bottom);
}

void Chart::axes() {
  const double bottom = frame_.height - frame_.bottom;
  const double right = frame_.width - frame_.right;
  for (const auto& tick : y_.ticks) {
    const double y = y_at(tick.value);
    grid_ += "<line" + classed(tick.text.empty() ? "grid faint" : "grid") + attribute("x1", frame_.left) +
             attribute("x2", right) + attribute("y1", y) + attribute("y2", y) + "/>";
    if (!tick.text.empty()) grid_ += text_at(frame_.left - 8, y + 4, "tick end", tick.text);
  }
  for (const auto& tick : x_.ticks) {
    const double x = x_at(tick.value);
    grid_ += "<line" + classed(tick.text.empty() ? "grid faint" : "grid") + attribute("x1", x) + attribute("x2", x) +
             attribute("y1", frame_.top) + attribute("y2", bottom) + "/>";
    if (!tick.text.empty()) grid_ += text_at(x, bottom + 18, "tick middle", tick.text);
  }
  grid_ += "<line class=\"axis\"" + attribute("x1", frame_.left) + attribute("x2", right) + attribute("y1", bottom) +
           attribute("y2", bottom) + "/>";
  grid_ += text_at(right, frame_.height - 8, "label end", x_.label);
  grid_ += text_at(0, 12, "label", y_.label);
}

std::string Chart::path(const Points& points, char first) const {
  std::string result;
  char verb = first;
  double last_x = 0;
  double last_y = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = x_at(points[i].first);
    const double y = y_at(points[i].second);
    const bool is_end = i == 0 || i + 1 == points.size();
    if (!is_end && std::abs(x - last_x) < 0.3 && std::abs(y - last_y) < 0.3) continue;  // nobody could see it
    result += verb + number_text(x) + " " + number_text(y);
    verb = 'L';
    last_x = x;
    last_y = y;
  }
  return result;
}

void Chart::shade(double from, double until, std::string_view style, std::string_view tip) {
  bar(from, until, y_.low, y_.high, style, tip);
}

void Chart::area(const Points& upper, const Points& lower, std::string_view style, std::string_view tip) {
  if (upper.size() < 2) return;
  Points back(lower.rbegin(), lower.rend());
  body_ += "<path" + classed(style) + " d=\"" + path(upper, 'M') + path(back, 'L') + "Z\">" + titled(tip) + "</path>";
}

void Chart::line(const Points& points, std::string_view style, std::string_view tip) {
  if (points.empty()) return;
  body_ +=
      "<path" + classed("line " + std::string(style)) + " d=\"" + path(points, 'M') + "\">" + titled(tip) + "</path>";
}

void Chart::bar(double from, double until, double low, double high, std::string_view style, std::string_view tip) {
  const double left = x_at(from);
  const double top = y_at(high);
  body_ += "<rect" + classed(style) + attribute("x", left) + attribute("y", top) +
           attribute("width", std::max(0.5, x_at(until) - left)) + attribute("height", std::max(0.0, y_at(low) - top)) +
           ">" + titled(tip) + "</rect>";
}

void Chart::dot(double x, double y, std::string_view style, std::string_view tip) {
  body_ += "<circle" + classed("dot " + std::string(style)) + attribute("cx", x_at(x)) + attribute("cy", y_at(y)) +
           " r=\"3.5\">" + titled(tip) + "</circle>";
}

void Chart::word(double x, double y, std::string_view style, std::string_view text) {
  body_ += text_at(x_at(x), y_at(y) + 4, "word middle " + std::string(style), text);
}

void Chart::end_word(double y, std::string_view style, std::string_view text) {
  end_words_.push_back({y_at(y) + 4, std::string(style), std::string(text)});
}

void Chart::place_end_words() {
  constexpr double kLine = 15;
  std::stable_sort(end_words_.begin(), end_words_.end(), [](const EndWord& a, const EndWord& b) { return a.y < b.y; });
  for (std::size_t i = 1; i < end_words_.size(); ++i)
    end_words_[i].y = std::max(end_words_[i].y, end_words_[i - 1].y + kLine);
  double lowest = frame_.height - frame_.bottom + 4;
  for (std::size_t i = end_words_.size(); i-- > 0; lowest -= kLine) end_words_[i].y = std::min(end_words_[i].y, lowest);
  for (const auto& one : end_words_) {
    body_ += text_at(frame_.width - frame_.right + 8, one.y, "word " + one.style, one.text);
  }
}

void Chart::mark(double x, std::string_view number, std::string_view text, std::string_view tip) {
  const double at = x_at(x);
  const auto rows = static_cast<std::size_t>(std::max(1.0, (frame_.top - 14) / kMarkRow));
  mark_ends_.resize(rows, -1e9);
  std::string shown(text);
  std::size_t row = 0;
  const auto fits = [&](double width) {
    for (row = 0; row < rows; ++row) {
      if (mark_ends_[row] + 8 < at && at + width < frame_.width) return true;
    }
    return false;
  };
  if (!fits(kLetter * static_cast<double>(shown.size()) + 6)) {
    shown = std::string(number);
    if (!fits(kLetter * static_cast<double>(shown.size()) + 6)) row = rows - 1;
  }
  mark_ends_[row] = std::max(mark_ends_[row], at + kLetter * static_cast<double>(shown.size()) + 6);
  const double y = frame_.top - 4 - static_cast<double>(rows - 1 - row) * kMarkRow;
  body_ += "<g class=\"mark\"><line" + attribute("x1", at) + attribute("x2", at) + attribute("y1", y - 9) +
           attribute("y2", frame_.height - frame_.bottom) + "/>" + text_at(at + 4, y, "", shown) + titled(tip) + "</g>";
}

std::string Chart::svg() {
  place_end_words();
  return "<div class=\"chart\"><svg viewBox=\"0 0 " + number_text(frame_.width) + " " + number_text(frame_.height) +
         "\" role=\"img\" aria-label=\"" + escaped(name_) + "\">" + grid_ + body_ + "</svg></div>\n";
}

}  // namespace latchkey::boards::fleet::report
