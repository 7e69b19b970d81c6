// SPDX-License-Identifier: Apache-2.0
// How answers are shown: JSON as the API gives it, or aligned columns for people.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace latchkey::hub::cli {

enum class As {
  kText,      // booleans as yes and no, what is not there as -
  kTime,      // "2026-11-21T13:22:18.123Z" or an HTTP date as "2026-11-21 13:22:18", in UTC
  kLastPart,  // of a resource id: "/namespaces/a/credentials/default/policies/p" as "p"
};

struct Column {
  std::string title;
  std::string pointer;  // RFC 6901, into the item
  As as = As::kText;
};
using Columns = std::vector<Column>;

std::string cell(const nlohmann::json& item, const Column& column);
// A line per item below a line of titles; nothing but a remark when there are none.
void print_table(std::ostream& out, const nlohmann::json& items, const Columns& columns);
// A line per column: title and value.
void print_card(std::ostream& out, const nlohmann::json& item, const Columns& columns);

}  // namespace latchkey::hub::cli
