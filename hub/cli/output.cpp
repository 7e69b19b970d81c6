// SPDX-License-Identifier: Apache-2.0
#include "hub/cli/internal/output.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace latchkey::hub::cli {

using nlohmann::json;

namespace {

constexpr const char* kNothing = "-";
constexpr std::size_t kGap = 2;

// What a peer chose (client ids, addresses) may hold escape sequences; a terminal shall not act on them.
std::string harmless(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return result;
}

// Columns are counted in characters: a UTF-8 continuation byte takes no room.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string time_text(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  std::array<char, 4> month_name{};
  const bool iso =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) == 6;
  if (!iso) {
    if (std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d", &day, month_name.data(), &year, &hour, &minute,
                    &second) != 6) {
      return text;
    }
    const auto at = std::string("JanFebMarAprMayJunJulAugSepOctNovDec").find(month_name.data());
    month = at == std::string::npos ? 0 : static_cast<int>(at / 3) + 1;
  }
  std::array<char, 80> printed{};
  std::snprintf(printed.data(), printed.size(), "%04d-%02d-%02d %02d:%02d:%02d", year, month, day, hour, minute,
                second);
  return printed.data();
}

std::string plain(const json& value) {
  if (value.is_null()) return kNothing;
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array()) {
    std::string all;
    for (const auto& one : value) all += (all.empty() ? "" : ", ") + plain(one);
    return all.empty() ? kNothing : all;
  }
  if (!value.is_string()) return value.dump();
  const auto text = value.get<std::string>();
  return text.empty() ? kNothing : harmless(text);
}

void print_row(std::ostream& out, const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    line += row[i];
    if (i + 1 < row.size()) line += std::string(widths[i] - width(row[i]) + kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

}  // namespace

std::string cell(const json& item, const Column& column) {
  const json::json_pointer pointer(column.pointer);
  if (!item.contains(pointer)) return kNothing;
  const json& value = item.at(pointer);
  if (!value.is_string()) return plain(value);
  const auto text = value.get<std::string>();
  switch (column.as) {
    case As::kTime: return harmless(time_text(text));
    case As::kLastPart: return plain(text.substr(text.rfind('/') + 1));
    case As::kText: break;
  }
  return plain(value);
}

void print_table(std::ostream& out, const json& items, const Columns& columns) {
  if (!items.is_array() || items.empty()) {
    out << "none\n";
    return;
  }
  std::vector<std::vector<std::string>> rows(1);
  for (const auto& column : columns) rows[0].push_back(column.title);
  for (const auto& item : items) {
    auto& row = rows.emplace_back();
    for (const auto& column : columns) row.push_back(cell(item, column));
  }
  std::vector<std::size_t> widths(columns.size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (const auto& row : rows) print_row(out, row, widths);
}

void print_card(std::ostream& out, const json& item, const Columns& columns) {
  std::vector<std::size_t> widths = {0, 0};
  for (const auto& column : columns) widths[0] = std::max(widths[0], width(column.title));
  for (const auto& column : columns) print_row(out, {column.title, cell(item, column)}, widths);
}

}  // namespace latchkey::hub::cli
