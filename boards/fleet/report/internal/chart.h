// SPDX-License-Identifier: Apache-2.0
// One chart as inline SVG: axes with ticks, areas, lines, bars, marks. Colours are classes of the page's style sheet,
// so that dark mode and print change them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace latchkey::boards::fleet::report {

struct Tick {
  double value = 0;
  std::string text;  // empty: a line of the grid without words
};

struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::string label;
  std::vector<Tick> ticks;
};

// From 0 to about `most`, which the axis then reaches.
Axis count_axis(double most, std::string label);
// Seconds from 0 to exactly `most`.
Axis time_axis(double most, std::string label);
// Seconds by decades; `low` and `high` are widened to nice numbers.
Axis duration_axis(double low, double high, std::string label);

using Points = std::vector<std::pair<double, double>>;

class Chart {
 public:
  struct Frame {
    double width = 980;
    double height = 300;
    double left = 58;
    double right = 16;
    double top = 30;
    double bottom = 44;
  };
  // `name` is what a screen reader says.
  Chart(Frame frame, Axis x, Axis y, std::string_view name);

  // What is put first lies below. `style` names classes; `tip` is shown on hovering.
  void shade(double from, double until, std::string_view style, std::string_view tip);
  void area(const Points& upper, const Points& lower, std::string_view style, std::string_view tip);
  void line(const Points& points, std::string_view style, std::string_view tip);
  void bar(double from, double until, double low, double high, std::string_view style, std::string_view tip);
  void dot(double x, double y, std::string_view style, std::string_view tip);
  // A word within the chart, centred there.
  void word(double x, double y, std::string_view style, std::string_view text);
  // A word at the right end, moved up or down so that none lies on another.
  void end_word(double y, std::string_view style, std::string_view text);
  // A vertical line with its text above the chart, where there is room; otherwise `number` stands for it.
  void mark(double x, std::string_view number, std::string_view text, std::string_view tip);

  double height_of(double y_low, double y_high) const { return y_at(y_low) - y_at(y_high); }  // pixels
  std::string svg();

 private:
  struct EndWord {
    double y;
    std::string style;
    std::string text;
  };
  double x_at(double value) const;
  double y_at(double value) const;
  std::string path(const Points& points, char first) const;
  void axes();
  void place_end_words();

  const Frame frame_;
  const Axis x_;
  const Axis y_;
  std::string name_;
  std::string grid_;
  std::string body_;
  std::vector<EndWord> end_words_;
  std::vector<double> mark_ends_;  // by row above the chart: where its last text ends
};

}  // namespace latchkey::boards::fleet::report
